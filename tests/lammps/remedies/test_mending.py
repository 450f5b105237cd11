"""For every rule a mistake that LAMMPS stops at, and that the edits undo."""

from __future__ import annotations

import re

import pytest
from mending import SCRIPTS, Mender, spoilt, words

from mdevalbench.lammps.job import Job
from mdevalbench.lammps.pool import Pool


@pytest.mark.parametrize("name", SCRIPTS)
def test_right_scripts_need_nothing(name: str, mend: Mender) -> None:
    script, remedies, run = mend(SCRIPTS[name])
    assert (script, remedies, run.error) == (SCRIPTS[name], [], None)


UNDONE = [
    # other languages
    ("metal", "^# a", "// a"),
    ("metal", "^(units metal)$", '"""\na crystal\n"""\n\\1'),
    ("metal", "^(units metal)$", "This is a script for the crystal.\n\\1"),
    ("metal", "$", ";"),
    ("metal", "^run 20\nunfix warm", "run 20; unfix warm"),
    ("metal", "^timestep 0.002", "timestep 0.002 // ps"),
    ("metal", "^timestep 0.002", "timestep = 0.002"),
    ("metal", "^neigh_modify every 1", "neigh_modify every=1"),
    ("metal", "^lattice fcc 4.09", "lattice fcc a=4.09"),
    ("metal", "^run 20\nunfix", "run(20)\nunfix"),
    ("metal", r'^print (".*")', r"print(\1)"),
    ("metal", r'^print "(.*)"', r"print \1"),
    ("metal", r'^print "(.*)"', r'print "\1'),
    ("metal", r"\$\{cohesive\}", "${cohesive"),
    ("metal", r"\(f_mean\[1\]\)", "(f_mean[1]"),
    ("metal", "temp 200 200 0.2 iso", "temp 200 200 0.2 & iso"),
    ("metal", "^minimize 1e-8 1e-8 100 1000", "minimize etol 1e-8 ftol 1e-8 maxiter 100 maxeval 1000"),
    ("metal", "create 200 4321", "create 200 seed 4321"),
    ("metal", "100 1000$", "1e2 1e3"),
    ("metal", "block 0 3 0 3 0 3", "block (0 3) (0 3) (0 3)"),
    # units
    ("metal", "^timestep 0.002", "timestep 2 fs"),
    ("metal", "^lattice fcc 4.09", "lattice fcc 4.09 A"),
    ("metal", "temp 200 200 0.2\n", "temp 200K 200K 0.2ps\n"),
    ("metal", "temp 200 200 0.2\n", "temp 200 K 200 K 0.2 ps\n"),
    ("metal", "^run 20\nunfix", "run 0.04 ps\nunfix"),
    ("metal", "^units metal", "units Metals"),
    # order, and what is forgotten
    ("metal", "^(region.*\n)(create_box.*\n)", r"\2\1"),
    ("metal", "^(create_box.*\n)(create_atoms.*\n)", r"\2\1"),
    ("metal", "^(create_box.*\ncreate_atoms.*\n)(mass.*\n)", r"\2\1"),
    ("metal", "^(pair_style.*\n)(pair_coeff.*\n)", r"\2\1"),
    ("metal", "^(units metal\n)((?:.*\n){5})", r"\2\1"),
    ("metal", "^create_box.*\n", ""),
    ("metal", "^create_atoms.*\n", ""),
    ("metal", "^pair_style.*\n", ""),
    ("salt", "^kspace_style.*\n", ""),
    ("salt", "^atom_style.*\n", ""),
    ("salt", "/coul/long 9.0", " 9.0"),
    ("liquid", "^mass.*\n", ""),
    ("liquid", "^label.*\n", ""),
    ("liquid", "lj/cut 2.5", "lj/cut"),
    # types and files
    ("metal", "^mass 1", "mass 2"),
    ("metal", "^mass 1 107", "mass Ag 107"),
    ("metal", "^mass 1 ", "mass "),
    ("salt", "^create_box 2", "create_box 1"),
    ("salt", "^create_box 2", "create_box 3"),
    ("salt", "^mass 2", "mass 1"),
    ("salt", "^mass 1 22.99\nmass 2 35.45", "mass 1 22.99 2 35.45"),
    ("salt", "^set type 1", "set type Na"),
    ("metal", "^pair_style eam", "pair_style eam/alloy"),
    ("metal", "Ag_u3.eam", "Ag_u3.eam Ag"),
    ("alloy", "Cu Al$", "cu al"),
    ("alloy", "^pair_style eam/alloy", "pair_style eam/alloy 6.0"),
    ("alloy", r"^pair_coeff \* \* A", "pair_coeff 1 1 A"),
    ("alloy", "AlCu.eam.alloy Cu Al", "Cu Al AlCu.eam.alloy"),
    # variables
    ("metal", "equal v_start/v_number", "equal start/number"),
    ("metal", "equal v_start/v_number", "equal v_start/v_numbers"),
    ("metal", "^variable number equal", "variable number ="),
    ("metal", "^variable number equal", "variable number"),
    ("metal", "^variable energy equal pe", "variable energy equal PE"),
    ("metal", "sqrt", "np.sqrt"),
    ("metal", r"sqrt\(\(lx", "squareroot((lx"),
    ("liquid", r"2\^2", "2**2"),
    ("liquid", "vol", "volume"),
    ("metal", r"\$\{cohesive\}", "${v_cohesive}"),
    ("metal", r"\$\{cohesive\}", "${energy_per_atom}"),
    ("metal", "^(variable energy.*\n)(variable start.*\n)", r"\2\1"),
    # computes and fixes
    ("metal", "c_whole c_t", "c_wholes c_t"),
    ("metal", "c_whole c_t", "whole c_t"),
    ("metal", "c_whole c_thermo_temp", "c_whole c_temp"),
    ("liquid", r"c_path\[4\]", "c_path"),
    ("liquid", r"c_path\[4\]", "path"),
    ("metal", "^(compute each.*\n)(compute whole.*\n)", r"\2\1"),
    ("metal", r"\(f_mean\[1\]\)", "(f_means[1])"),
    ("metal", "pe/atom", "pe atom"),
    ("metal", r"f_mean\[1\]", "c_mean[1]"),
    ("metal", "c_whole c_thermo_temp", "v_whole c_thermo_temp"),
    # groups and IDs
    ("metal", "^fix warm all nvt", "fix warm nvt"),
    ("metal", "^fix warm all nvt", "fix all nvt"),
    ("metal", "^fix warm all nvt", "nvt"),
    ("metal", "^velocity all", "velocity"),
    ("metal", "^fix warm all", "fix warm atoms"),
    ("salt", "^compute hot cations", "compute hot cation"),
    ("liquid", "^unfix bath", "unfix langevin"),
    ("liquid", "^unfix bath", "unfix thermostat"),
    ("liquid", "^undump shots", "undump shot"),
    ("metal", "^create_box 1 box", "create_box 1 cell"),
    ("liquid", "^next turn", "next turns"),
    ("liquid", "SELF again", "SELF Again"),
    # arguments
    ("metal", "nvt temp 200", "nvt 200"),
    ("metal", "nvt temp 200 200 0.2", "nvt temp 200 200"),
    ("metal", "nvt temp 200 200 0.2", "nvt temp 200 0.2"),
    ("metal", "iso 0 0 2.0", "0 0 2.0"),
    ("metal", "iso 0 0 2.0", "isotropic 0 0 2.0"),
    ("liquid", "langevin 1.2 1.2", "langevin temp 1.2 1.2"),
    ("liquid", "langevin 1.2 1.2 0.5 991", "langevin 1.2 1.2 0.5 seed 991"),
    ("metal", "mom yes", "momentum yes"),
    ("metal", "dist gaussian", "gaussian"),
    ("metal", "^neighbor 2.0 bin", "neighbor 2.0"),
    ("metal", "^neighbor 2.0 bin", "neighbor bin 2.0"),
    ("metal", "^boundary p p p", "boundary ppp"),
    ("metal", "block 0 3 0 3 0 3", "block 3 3 3"),
    ("salt", "mix arithmetic", "mix lorentz-berthelot"),
    ("salt", "charge -1.0", "q -1.0"),
    ("metal", "step temp pe ke etotal press", "Step Temperature potential kinetic TotEng pressure"),
    ("metal", "custom step temp", "step temp"),
    ("liquid", "id type x y z", "id, type, X, Y, Z"),
    ("liquid", "all custom 20 t.lammpstrj", "all custom t.lammpstrj 20"),
    ("liquid", 'then "print', '"print'),
    ("liquid", r'"\$\{depth\} > 2"', "(${depth} > 2)"),
]


@pytest.mark.parametrize(("name", "old", "new"), UNDONE)
def test_the_edits_undo_the_mistake(name: str, old: str, new: str, pool: Pool, mend: Mender) -> None:
    script = spoilt(name, old, new)
    stopped = pool.run(Job(script)).error
    assert stopped is not None
    mended, remedies, run = mend(script)
    assert run.error is None
    plain = [re.sub(r"\b(\d+)\.0\b", r"\1", " ".join(one)) for one in words(mended)]
    right = [re.sub(r"\b(\d+)\.0\b", r"\1", " ".join(one)) for one in words(SCRIPTS[name])]
    kept = re.sub(r"^fix (nvt|warm)", "fix warm", "\n".join(plain), flags=re.M)
    moved = sorted(kept.splitlines()) == sorted(right) and "\n" in old
    assert kept.splitlines() == right or moved
    assert remedies[0].line == stopped.line
    assert remedies[0].message == stopped.message
    assert all(one.advice for one in remedies)


OTHERWISE = [
    ("metal", "100 1000$", "", "minimize 1e-8 1e-8 1000 10000"),
    ("metal", "200 4321 mom", "200 mom", "velocity all create 200 48279 mom yes rot yes dist gaussian"),
    ("metal", "iso 0 0 2.0", "iso 0 0", "fix free all npt temp 200 200 0.2 iso 0 0 2"),
    ("liquid", "0.5 991", "0.5", "fix bath all langevin 1.2 1.2 0.5 48279"),
    ("metal", r"\$\{cohesive\}", "${lx}", None),
    ("metal", r"sqrt\(\(lx\*ly\)/9\)", "pow(vol,1.0/3.0)", "variable edge equal ((vol)^(1.0/3.0))"),
    ("metal", r"sqrt\(\(lx\*ly\)/9\)", "lx/3.0 angstrom", "variable edge equal lx/3.0"),
    ("metal", r"sqrt\(\(lx\*ly\)/9\)", "lx/3.0)", "variable edge equal lx/3.0"),
    ("metal", "c_whole c_thermo_temp", "c_whole vol", "variable vol equal vol"),
    ("metal", "1 10 10 c", "1 20 10 c", "fix mean all ave/time 1 10 10 c_whole c_thermo_temp"),
    ("metal", "^run 20\nunfix", "variable n equal 10\nrun 2*n\nunfix", "run $(2*v_n:%.0f)"),
    ("metal", "^run 20\nunfix", "variable n equal 10\nrun ${n}*2\nunfix", "run $(v_n*2:%.0f)"),
    ("metal", "^run 20\nunfix", "variable n equal 20\nrun n\nunfix", "run ${n}"),
    ("metal", "200 200 0.2\n", "200 200 100*dt\n", "fix warm all nvt temp 200 200 $(100*dt)"),
    ("metal", "^unfix warm\nfix free", "fix warm", "unfix warm"),
    ("metal", "press vol", "c_stress vol", "thermo_style custom step temp pe ke etotal vol lx"),
    ("metal", "press vol", "v_volume vol", "thermo_style custom step temp pe ke etotal vol vol lx"),
    ("metal", r"\$\{cohesive\}", "${cohesive:.3f}", None),
    ("metal", "^(variable number)", "unfix mean\n\\1", "unfix mean"),
]


@pytest.mark.parametrize(("name", "old", "new", "line"), OTHERWISE)
def test_the_edits_make_it_run_as_it_was_meant(
    name: str, old: str, new: str, line: str | None, pool: Pool, mend: Mender
) -> None:
    script = spoilt(name, old, new)
    assert pool.run(Job(script)).error is not None
    mended, _, run = mend(script)
    assert run.error is None
    assert "RESULT cohesive" in run.output or name != "metal"
    assert line is None or line in [" ".join(one) for one in words(mended)]


MORE = """\
units metal
atom_style bond
lattice custom 4.09 a1 1 0 0 a2 0 1 0 a3 0 0 1 &
        basis 0 0 0 basis 0.5 0.5 0 &
        basis 0.5 0 0.5 basis 0 0.5 0.5
region cell block 0 3 0 3 0 3
create_box 1 cell bond/types 1 extra/bond/per/atom 2
create_atoms 1 box
pair_style eam
pair_coeff * * Ag_u3.eam
group hole id 1
delete_atoms group hole
fix move all nve
variable turn loop 2
label again
compute path all msd
run 2
uncompute path
next turn
jump SELF again
print "RESULT pressure = $(press:%.3g)"
"""


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("basis 0.5 0.5 0 &", "basis 0.5 0.5 0"),
        ("bond/types", "bond_types"),
        ("delete_atoms group", "delete_atoms"),
        ("delete_atoms group", "delete_atoms groups"),
        ("id 1", "ID 1"),
        ("uncompute path\n", ""),
        ("SELF again", "again"),
        (":%.3g", ":%.3"),
        ("all nve", "all nve 0.001"),
        ("next turn", "next"),
    ],
)
def test_longer_scripts(old: str, new: str, mend: Mender) -> None:
    mended, _, run = mend(MORE.replace(old, new))
    assert run.error is None
    assert words(mended) == words(MORE)
