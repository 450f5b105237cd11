"""Other words for LAMMPS's commands and styles: what people write, and what LAMMPS calls it.

Names are compared without regard to case and separators, so that `Lennard-Jones` is found under `lennardjones`.
"""

from __future__ import annotations

from collections.abc import Mapping


def _table(text: str) -> dict[str, str]:
    """A table of lines `right: wrong wrong ...` as wrong -> right; a `+` in the right name stands for a blank."""
    found = {}
    for line in text.strip().splitlines():
        right, _, wrong = line.partition(":")
        found.update(dict.fromkeys(wrong.split(), right.strip().replace("+", " ")))
    return found


WHOLE: Mapping[str, Mapping[str, str]] = {
    "command": _table("""
        neigh_modify: neighbormodify neighbourmodify neighborsmodify neighlist neighborlistmodify
        neighbor: neighborlist neighbourlist neigh
        reset_timestep: resetstep resettime resetsteps
        timestep: dt settimestep timestepsize settime deltat
        create_box: createsimulationbox makebox simulationbox box_create boxcreate
        create_atoms: createatom makeatoms addatoms fillatoms atomscreate
        delete_atoms: removeatoms removeatom deleteatom
        mass: masses setmass atommass atomicmass
        pair_style: potential pairpotential pairtype interaction potentialstyle pairwise
        pair_coeff: paircoefficient paircoefficients paircoef paircoefs pairparameters pairparams
        boundary: boundaries boundaryconditions boundarycondition bc pbc periodic periodicity bound
        velocity: velocities vel setvelocity initvelocity createvelocity
        run: runs runsteps runmd runsimulation runstep
        unfix: unfixed removefix deletefix fixremove killfix fixdelete
        uncompute: removecompute deletecompute
        undump: removedump deletedump stopdump
        print: printf println write writeline
        variable: var variables let def define
        min_style: minimizestyle minimizerstyle minstyles minimizer
        min_modify: minimizemodify minimizermodify
        minimize: energyminimize energyminimization minimization minimisation minimiser relax energyminimise
        kspace_style: kspace kspacesolver kspacemethod longrange
        thermo: thermofreq thermooutput thermoevery thermofrequency thermoout
        thermo_style: thermocustom thermoformat
        set+type: settype
        units: simulationunits unitstyle unitsystem
        atom_style: atomtype atomstyles
        dimension: dim
        region: regiondefine defineregion
        lattice: latticetype latticestyle crystal
        group: defineGroup definegroup creategroup
        quit: exit stop end
        jump: goto
        include: source
    """),
    "pair": _table("""
        lj/cut: lj lennardjones lennardjonescut lj126 lj126cut ljcutoff lj612 ljtruncated lennardjones126 lj12 ljcutoffs
        eam/alloy: setfl eamsetfl eamalloys alloy
        eam: funcfl eamfuncfl
        eam/fs: finnissinclair eamfinnissinclair
        sw: stillingerweber
        buck: buckingham
        buck/coul/long: buckinghamcoullong
        born: bornmayer bornmayerhuggins tosifumi fumitosi
        born/coul/long: bornmayercoullong bornmayerhugginscoullong tosifumicoullong
        mie/cut: mie
        airebo: aireboo
    """),
    "fix": _table("""
        nvt: nosehoover nosehoovernvt nosehooverthermostat canonical
        npt: nosehoovernpt parrinellorahman isothermalisobaric
        nve: verlet velocityverlet microcanonical
        langevin: templangevin langevinthermostat
        deform: strain deformation strainrate boxdeform deformbox
        temp/rescale: rescale velocityrescale velocityrescaling
        temp/csvr: bussi csvr vrescale
        box/relax: boxrelaxation relaxcell cellrelax
    """),
    "compute": _table("""
        rdf: gr radialdistribution radialdistributionfunction paircorrelation
        msd: meansquareddisplacement meansquaredisplacement
        vacf: velocityautocorrelation velocityautocorrelationfunction velacf
        temp: temperature
        pe: potential potentialenergy poteng
        ke: kinetic kineticenergy kineng
        stress/atom: stress peratomstress
        pressure: press
        reduce+sum: sum
        reduce+ave: average mean
        centro/atom: centro centrosymmetry
        coord/atom: coord coordination
    """),
    "kspace": _table("""
        pppm: p3m pme spme pmesh particlemeshewald pppmlong particleparticleparticlemesh
        ewald: ewaldsum ewaldsummation ewaldlong
    """),
    "atom": _table("""
        charge: ionic ion ions charges charged
        atomic: atom atoms simple metal point
        molecular: molecule molecules
    """),
    "region": _table("""
        block: box cube cuboid cubic rectangular rectangle orthogonal orthorhombic brick rect
        sphere: ball spherical
        cylinder: cylindrical
        prism: triclinic parallelepiped
    """),
    "minimize": _table("""
        cg: conjugate conjugategradient conjgrad conjugategradients
        sd: steepest steepestdescent steepestdecent
    """),
    "integrate": _table("verlet: velocityverlet vv leapfrog\nrespa: rrespa"),
    "dump": _table("atom: atoms\nxyz: xyzfile"),
}
"""Category -> another word -> LAMMPS's."""

PARTS: Mapping[str, str] = _table("""
    coeff: coefficient coefficients coef coefs coeffs
    coul: coulomb coulombic coulombs coulumb
    cut: cutoff cutoffs
    ave: average averages avg averaging
    neighbor: neighbour
    modify: modified modifier
    lj: lennardjones
    atoms: particles
""")
"""Parts of names, between slashes or underscores, in any category."""
PAIR_PARTS: Mapping[str, str] = {"ewald": "long", "pppm": "long"}
"""Parts of names of pair styles: the pair style for a long-range solver is called `long` whichever solver it is."""

SUPERFLUOUS: Mapping[str, frozenset[str]] = {
    "fix": frozenset("nose hoover nosehoover nh verlet thermostat barostat iso ensemble integrate integrator".split()),
    "pair": frozenset("off potential style pair function".split()),
    "compute": frozenset(["all", "style"]),
    "kspace": frozenset(["style", "solver"]),
    "command": frozenset(["command", "the"]),
}
"""Category -> parts that add nothing to a name of which the rest is known."""
ACCELERATORS = frozenset("omp opt intel kk gpu cuda kokkos".split())
"""Ends of names that choose a faster variant of the same style."""
