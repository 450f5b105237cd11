"""Small scripts of several kinds, and what spoils them, for the tests of remedies."""

from __future__ import annotations

import re
from collections.abc import Callable

from mdevalbench.lammps.job import Run
from mdevalbench.lammps.remedies import Remedy
from mdevalbench.lammps.script import parse

METAL = """\
# a crystal of silver, cold and warm
units metal
atom_style atomic
boundary p p p
lattice fcc 4.09
region box block 0 3 0 3 0 3
create_box 1 box
create_atoms 1 box
mass 1 107.868
pair_style eam
pair_coeff * * Ag_u3.eam
neighbor 2.0 bin
neigh_modify every 1 delay 0 check yes
thermo 10
thermo_style custom step temp pe ke etotal press vol lx
minimize 1e-8 1e-8 100 1000
reset_timestep 0
timestep 0.002
velocity all create 200 4321 mom yes rot yes dist gaussian
fix warm all nvt temp 200 200 0.2
run 20
unfix warm
fix free all npt temp 200 200 0.2 iso 0 0 2.0
compute each all pe/atom
compute whole all reduce sum c_each
fix mean all ave/time 1 10 10 c_whole c_thermo_temp
run 20
variable number equal count(all)
variable energy equal pe
variable start equal ${energy}
variable cohesive equal v_start/v_number
variable edge equal sqrt((lx*ly)/9)
print "RESULT cohesive = ${cohesive} edge = ${edge} mean = $(f_mean[1])"
"""
ALLOY = """\
units metal
boundary p p p
lattice fcc 4.0
region all block 0 2 0 2 0 2
create_box 2 all
create_atoms 1 box basis 1 2
mass 1 63.546
mass 2 26.982
pair_style eam/alloy
pair_coeff * * AlCu.eam.alloy Cu Al
run 0
"""
LIQUID = """\
units lj
lattice fcc 0.8
region room block 0 4 0 4 0 4
create_box 1 room
create_atoms 1 box
mass 1 1.0
velocity all create 1.2 8871 loop geom
pair_style lj/cut 2.5
pair_coeff 1 1 1.0 1.0 2.5
timestep 0.005
fix move all nve
fix bath all langevin 1.2 1.2 0.5 991
compute path all msd
thermo_style custom step temp epair c_path[4] press
dump shots all custom 20 t.lammpstrj id type x y z
run 20
undump shots
unfix bath
variable depth equal ln(vol)*2^2
variable turn loop 2
label again
run 10
next turn
jump SELF again
if "${depth} > 2" then "print big" else "print small"
print "RESULT depth = $(v_depth:%.4f)"
"""
SALT = """\
units real
atom_style charge
lattice fcc 5.6 origin 0.1 0.1 0.1
region box block 0 2 0 2 0 2
create_box 2 box
create_atoms 1 box
lattice fcc 5.6 origin 0.6 0.1 0.1
create_atoms 2 box
mass 1 22.99
mass 2 35.45
set type 1 charge 1.0
set type 2 charge -1.0
group cations type 1
pair_style lj/cut/coul/long 9.0
pair_coeff 1 1 0.1 2.6
pair_coeff 2 2 0.1 4.4
pair_modify mix arithmetic
kspace_style pppm 1.0e-4
timestep 1.0
velocity all create 300 12345
fix 1 all nvt temp 300 300 100.0
compute hot cations temp
thermo_style custom step temp evdwl ecoul elong c_hot
run 10
"""
SCRIPTS = {"metal": METAL, "alloy": ALLOY, "liquid": LIQUID, "salt": SALT}

Mender = Callable[[str], tuple[str, list[Remedy], Run]]


def spoilt(name: str, old: str, new: str) -> str:
    """One of the scripts with a mistake."""
    script = re.sub(old, new, SCRIPTS[name], flags=re.M)
    assert script != SCRIPTS[name]
    return script


def words(script: str) -> list[list[str]]:
    """The commands of a script, blanks apart."""
    return [[word.text for word in command.words] for command in parse(script).commands]
