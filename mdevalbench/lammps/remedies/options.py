"""Keywords of commands, other words for them, and names of arguments that are never written, as small tables."""

from __future__ import annotations

from collections.abc import Mapping

from mdevalbench.lammps.remedies.tables import table

KEYWORDS: Mapping[str, Mapping[str, str]] = {
    "fix nvt": table("temp: temperature t tstart temps thermostat thermo"),
    "fix npt": table("""
        temp: temperature t tstart temps
        iso: isotropic press pressure p pres isotrop isobaric
        aniso: anisotropic anisotropy
        tri: triclinic
    """),
    "fix box/relax": table("iso: isotropic press pressure p\naniso: anisotropic\nvmax: vol_max maxvol"),
    "fix nph": table("iso: isotropic press pressure p pres\naniso: anisotropic"),
    "velocity": table("mom: momentum linear\nrot: rotation angular\ndist: distribution\nloop: looping"),
    "velocity dist": table("gaussian: maxwell boltzmann maxwell-boltzmann gauss normal\nuniform: flat"),
    "velocity loop": table("geom: geometry\nall: atoms"),
    "pair_modify": table("mix: mixing mixed mixing_rule\nshift: shifted shifting\ntail: tails tail_correction"),
    "pair_modify mix": table("""
        arithmetic: lorentz-berthelot lorentz lb lorentzberthelot berthelot lorentz_berthelot
        geometric: geom geometrical good-hope
        sixthpower: waldman-hagler waldman
    """),
    "set": table("charge: q charges\ntype: atom_type\nmass: m"),
    "lattice": table("""
        fcc: face-centered-cubic face_centered_cubic facecentered
        bcc: body-centered-cubic body_centered_cubic bodycentered
        sc: simple-cubic simple_cubic cubic simple
        hcp: hexagonal-close-packed hexagonal_close_packed
        diamond: dia diamond_cubic
        orient: orientation oriented
        origin: offset
        spacing: spacings
    """),
    "compute reduce": table("sum: total add\nave: average avg mean\nmax: maximum\nmin: minimum"),
    "fix mode": table("vector: array vectors\nscalar: scalars number"),
    "thermo_modify": table("norm: normalize normalise normalized normalization"),
    "min_modify line": table("backtrack: backtracking\nquadratic: quad"),
    "create_atoms": table("mol: molecule template"),
    "neigh_modify": table("every: frequency each\ndelay: delays\ncheck: checks checking"),
    "fix deform": table("erate: strain_rate strainrate rate\nremap: map"),
    "run": table("every: each"),
}
"""Command (and style, or keyword whose value it is) -> other words for its keywords."""

OPTIONS: Mapping[str, frozenset[str]] = {
    name: frozenset(words.split())
    for name, words in {
        "fix nvt": "temp fixedpoint update tchain tloop drag",
        "fix npt": "temp iso aniso tri x y z xy xz yz couple tchain pchain mtk tloop ploop nreset drag dilate",
        "fix nph": "iso aniso tri x y z xy xz yz couple pchain mtk ploop nreset drag dilate",
        "fix langevin": "angmom gjf omega scale tally zero",
        "fix box/relax": "iso aniso tri x y z xy xz yz couple nreset vmax dilate scaleyz scalexz scalexy fixedpoint",
        "fix deform": "x y z xy xz yz erate final delta scale vel trate volume remap flip units",
        "fix ave/time": "mode file ave start off overwrite title1 title2 title3 format append",
        "velocity": "dist sum mom rot temp bias loop rigid units create set scale ramp zero",
        "velocity dist": "uniform gaussian",
        "velocity loop": "all local geom",
        "pair_modify": "pair shift mix table table/disp tabinner tabinner/disp tail compute nofdotr special",
        "pair_modify mix": "geometric arithmetic sixthpower",
        "set": "type type/fraction mol charge dipole mass x y z vx vy vz bond angle group atom region image diameter",
        "lattice": "none sc bcc fcc hcp diamond sq sq2 hex custom origin orient spacing a1 a2 a3 basis scale",
        "compute reduce": "sum sumsq sumabs ave avesq aveabs min max minabs maxabs replace inputs",
        "neigh_modify": "delay every check once cluster include exclude page one binsize",
        "thermo_modify": "lost lost/bond warn norm flush line format temp press",
        "thermo_style": "one multi yaml custom",
        "compute rdf": "cutoff",
        "atom_modify map": "array hash yes no",
        "create_box": "bond/types angle/types dihedral/types improper/types extra/bond/per/atom extra/angle/per/atom "
        "extra/dihedral/per/atom extra/improper/per/atom extra/special/per/atom",
        "delete_atoms": "group region overlap porosity random",
        "fix mode": "scalar vector",
        "min_modify line": "backtrack quadratic forcezero spin_cubic spin_none",
        "neighbor": "bin nsq multi",
        "region units": "lattice box",
        "velocity units": "lattice box",
        "change_box units": "lattice box",
        "lattice orient": "x y z",
        "run": "upto start stop pre post every",
        "change_box": "x y z xy xz yz boundary ortho triclinic set remap units final delta scale volume",
        "create_atoms": "box region single mesh random basis mol remap units",
        "group": "type id molecule region union intersect subtract delete clear empty variable dynamic static",
        "min_modify": "dmax line norm",
        "comm_modify": "mode cutoff cutoff/multi group vel",
        "kspace_modify": "mesh order gewald slab kmax/ewald cutoff/adjust compute force overlap mix minorder",
    }.items()
}
"""Command (and style, or keyword whose value it is) -> its keywords."""

DUMP_ALIASES = table("""
    id: atom_id atomid ids index
    type: atom_type atomtype types
    x+y+z: xyz position positions pos coords coordinates r
    vx+vy+vz: velocity velocities vel v
    fx+fy+fz: force forces f
    q: charge charges
    mol: molecule molecule_id molid
    element: symbol species
""")
"""Other words for columns of `dump custom`; a `+` stands for a blank."""

POSITIONAL = frozenset(
    """
    etol ftol maxiter maxeval seed tdamp pdamp damp tstart tstop pstart pstop cutoff rcut rc r_cut epsilon eps sigma sig
    accuracy precision bins nbins nbin skin nevery nrepeat nfreq freq every steps nsteps lattice_constant
""".split()
)
"""Names of arguments that have a fixed place in LAMMPS, which are never written."""
