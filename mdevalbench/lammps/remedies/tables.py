"""What LAMMPS calls things, and other words for them, as small tables."""

from __future__ import annotations

from collections.abc import Mapping


def table(text: str) -> dict[str, str]:
    """Lines `right: wrong wrong ...` as wrong -> right."""
    found = {}
    for line in text.strip().splitlines():
        right, _, wrong = line.partition(":")
        found.update(dict.fromkeys(wrong.split(), right.strip().replace("+", " ")))
    return found


TIMESTEP: Mapping[str, float] = {
    "lj": 0.005, "real": 1.0, "metal": 0.001, "si": 1e-8, "cgs": 1e-8, "electron": 0.001, "micro": 2.0, "nano": 0.00045,
}  # fmt: skip
"""Unit style -> time step by default (LAMMPS manual, `units`)."""
SKIN: Mapping[str, str] = {"lj": "0.3", "real": "2.0", "metal": "2.0"}
"""Unit style -> distance of `neighbor` by default."""
UNIT_STYLES = ("lj", "real", "metal", "si", "cgs", "electron", "micro", "nano")
UNIT_ALIASES = table("""
    lj: reduced lennardjones ljunits dimensionless
    metal: metals metallic ev
    real: reals kcal kcalmol
    si: mks
""")
MASS_FACTOR: Mapping[str, float] = {
    "real": 1.0, "metal": 1.0, "electron": 1.0, "si": 1.66053907e-27, "cgs": 1.66053907e-24,
}  # fmt: skip
"""Unit style -> one atomic mass unit."""

UNIT_WORDS: Mapping[str, tuple[str, float]] = {
    "fs": ("time", 1e-3), "femtosecond": ("time", 1e-3), "femtoseconds": ("time", 1e-3), "ps": ("time", 1.0),
    "picosecond": ("time", 1.0), "picoseconds": ("time", 1.0), "ns": ("time", 1e3), "nanoseconds": ("time", 1e3),
    "a": ("length", 1.0), "å": ("length", 1.0), "ang": ("length", 1.0), "angstrom": ("length", 1.0),
    "angstroms": ("length", 1.0), "nm": ("length", 10.0), "k": ("temperature", 1.0), "kelvin": ("temperature", 1.0),
    "bar": ("pressure", 1.0), "bars": ("pressure", 1.0), "atm": ("pressure", 1.01325), "gpa": ("pressure", 1e4),
    "mpa": ("pressure", 10.0), "pa": ("pressure", 1e-5), "amu": ("mass", 1.0), "u": ("mass", 1.0), "da": ("mass", 1.0),
    "g/mol": ("mass", 1.0), "ev": ("energy", 1.0), "kcal/mol": ("energy", 0.0433641), "kj/mol": ("energy", 0.0103643),
    "steps": ("count", 1.0), "step": ("count", 1.0), "timesteps": ("count", 1.0), "atoms": ("count", 1.0),
    "ev/a": ("force", 1.0), "ev/angstrom": ("force", 1.0), "tau": ("reduced", 1.0), "sigma": ("reduced", 1.0),
    "epsilon": ("reduced", 1.0), "t*": ("reduced", 1.0), "e": ("charge", 1.0), "deg": ("angle", 1.0),
    "degrees": ("angle", 1.0),
}  # fmt: skip
"""Unit behind a number -> what it measures, and how much of the `metal` unit of that it is."""
UNIT_SIZES: Mapping[str, Mapping[str, float]] = {
    "metal": {"time": 1.0, "length": 1.0, "temperature": 1.0, "pressure": 1.0, "mass": 1.0, "energy": 1.0,
              "force": 1.0, "charge": 1.0, "count": 1.0, "angle": 1.0},
    "real": {"time": 1e-3, "length": 1.0, "temperature": 1.0, "pressure": 1.01325, "mass": 1.0, "energy": 0.0433641,
             "force": 0.0433641, "charge": 1.0, "count": 1.0, "angle": 1.0},
    "lj": {"reduced": 1.0, "count": 1.0, "angle": 1.0},
}  # fmt: skip
"""Unit style -> how much of the `metal` unit its own unit is."""

THERMO_WORDS = """
    step elapsed elaplong dt time cpu tpcpu spcpu cpuremain part timeremain atoms temp press pe ke etotal evdwl ecoul
    epair ebond eangle edihed eimp emol elong etail enthalpy ecouple econserve vol density xlo xhi ylo yhi zlo zhi
    xy xz yz avecx avecy avecz bvecx bvecy bvecz cvecx cvecy cvecz lx ly lz xlat ylat zlat cella cellb cellc cellalpha
    cellbeta cellgamma pxx pyy pzz pxy pxz pyz bonds angles dihedrals impropers fmax fnorm nbuild ndanger
"""
THERMO = frozenset(THERMO_WORDS.split())
"""Keywords of `thermo_style custom` (LAMMPS manual)."""
THERMO_ALIASES = table("""
    step: steps timestep time_step nstep nsteps
    temp: temperature t tem temps temperatures kinetic_temperature
    press: pressure p pres pressures
    pe: poteng potential potential_energy epot pot_energy potentialenergy pot u poteneng
    ke: kineng kinetic kinetic_energy ekin kin_energy kineticenergy kin
    etotal: toteng total_energy totalenergy etot energy total toten e_total te totale
    vol: volume v volumes
    density: dens rho densities mass_density
    atoms: natoms natom n_atoms num_atoms numatoms nat
    lx: xlen lenx boxx
    ly: ylen leny boxy
    lz: zlen lenz boxz
    ecoul: coul coulomb ecoulomb
    evdwl: vdw vdwl evdw
    epair: pair pairenergy
    ebond: bond
    eangle: angle
    edihed: dihedral
    pxx: press_xx pressxx
    pyy: press_yy pressyy
    pzz: press_zz presszz
    enthalpy: h enth
    dt: time_step_size
""")
"""Other words for thermo keywords, in lower case."""

AMBIGUOUS = frozenset("energy total pair u t p v h te coul vdw bond angle dihedral kinetic".split())
"""Words of `THERMO_ALIASES` that are good enough for a column of output only."""

FUNCTIONS = frozenset(
    """
    sqrt exp ln log abs sign sin cos tan asin acos atan atan2 random normal ceil floor round ternary ramp stagger
    logfreq logfreq2 logfreq3 stride stride2 vdisplace swiggle cwiggle count mass charge xcm vcm fcm bound gyration ke
    angmom torque inertia omega sum min max ave trap slope sort rsort gmask rmask grmask next is_file is_os
    extract_setting label2type is_typelabel is_timeout is_available is_active is_defined
    """.split()
)
"""Functions of variable formulas."""
FUNCTION_ALIASES = table("""
    ln: loge log_e natlog naturallog math.log np.log numpy.log lognat logn
    log: log10 math.log10 np.log10
    exp: math.exp np.exp numpy.exp
    sqrt: squareroot square_root math.sqrt np.sqrt numpy.sqrt root
    abs: fabs math.fabs absolute np.abs
    asin: arcsin
    acos: arccos
    atan: arctan
    ave: avg mean average np.mean
    floor: math.floor np.floor int
    ceil: math.ceil ceiling
    round: rint nint
    max: maximum
    min: minimum
""")
"""Functions of other languages; all of one argument."""
VARIABLE_STYLES = """
    delete atomfile file format getenv index internal loop python string timer uloop universe world equal vector atom
"""
VARIABLE_STYLE_ALIASES = table("""
    equal: = == := equals eq is equation formula double float real numeric number scalar
    equal: int integer as let
    string: str text char
    index: list array
    loop: for range
    vector: vec
    atom: peratom atomic
""")

BOUNDARY = table(
    "p: periodic pp per pbc\nf: fixed fix ff nonperiodic free\ns: shrink shrinkwrap shrink-wrapped ss\nm: mm"
)
GROUP_ALL = frozenset("atoms system everything every global whole any * 1 total allatoms all_atoms".split())
"""Names that people give to the group of all atoms."""

MEANING: Mapping[str, frozenset[str]] = {
    "thermostat": frozenset("langevin nvt npt temp/berendsen temp/rescale temp/csvr temp/csld".split()),
    "heat": frozenset("langevin nvt temp/berendsen temp/rescale temp/csvr heat".split()),
    "bath": frozenset("langevin temp/berendsen temp/csvr".split()),
    "barostat": frozenset("npt nph press/berendsen press/langevin".split()),
    "pressure": frozenset("npt nph press/berendsen press/langevin".split()),
    "relax": frozenset(["box/relax"]),
    "integrate": frozenset("nve nvt npt nph nve/limit".split()),
    "integrator": frozenset("nve nvt npt nph nve/limit".split()),
    "dynamics": frozenset("nve nvt npt".split()),
    "average": frozenset("ave/time ave/chunk ave/histo ave/correlate vector".split()),
    "ave": frozenset("ave/time ave/chunk ave/histo ave/correlate vector".split()),
    "avg": frozenset("ave/time ave/chunk ave/histo ave/correlate vector".split()),
    "mean": frozenset("ave/time ave/chunk".split()),
    "pull": frozenset(["deform"]),
    "strain": frozenset(["deform"]),
    "rigid": frozenset("rigid shake rattle rigid/small rigid/nve rigid/nvt".split()),
    "constraint": frozenset("shake rattle rigid".split()),
    "msd": frozenset(["msd"]),
    "box": frozenset("box/relax deform".split()),
    "minimize": frozenset(["box/relax"]),
}
"""Word that people use as an ID -> fix styles that it may name."""
INTEGRATORS = frozenset("nve nvt npt nph nve/limit nve/sphere nvt/sllod nve/noforce move rigid/nvt brownian".split())
"""Fixes that move atoms."""
THERMOSTATS = frozenset("langevin temp/berendsen temp/rescale temp/csvr temp/csld".split())
"""Fixes that need one of `INTEGRATORS` beside them."""
WATCHERS = frozenset("ave/time ave/atom ave/chunk ave/histo ave/correlate vector print store/state".split())
"""Fixes that only look on."""
TOTALS: Mapping[str, str] = {"msd": "[4]", "vacf": "[4]"}
"""Compute that gives a vector -> its element that people mean by the whole."""
NO_SETTINGS = frozenset("eam eam/alloy eam/fs eam/he eam/cd adp meam sw tersoff tersoff/mod tersoff/zbl edip".split())
"""Pair styles with a file and without arguments."""
