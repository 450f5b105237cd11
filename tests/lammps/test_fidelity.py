"""Watched and walled in, a script must end as under a bare `lmp`: same exit code, same last row of thermo output."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from mdevalbench.lammps import install
from mdevalbench.lammps.job import Job
from mdevalbench.lammps.pool import Pool

ARGON = """units real
lattice fcc 5.6
region box block 0 4 0 4 0 4
create_box 1 box
create_atoms 1 box
mass 1 39.948
pair_style lj/cut 8.5
pair_coeff 1 1 0.238 3.405
velocity all create 90 20261
thermo 20
"""
SCRIPTS: dict[str, str] = {
    "output without energies, odd length": ARGON + "thermo_style custom step temp\nfix 1 all nve\nrun 73\n",
    "energies asked for between runs": ARGON
    + 'fix 1 all nve\nrun 41\nprint "$(pe) $(press)"\nrun 17 pre no post no\nprint "$(etotal)"\n',
    "variable timestep and reset clock": ARGON
    + "fix 1 all nve\nfix d all dt/reset 7 0.1 2.0 0.02\nrun 60\nreset_timestep 5\n",
    "barostat, restart and going on": ARGON
    + "fix 1 all npt temp 90 90 100 iso 0 0 1000\nrun 40\nwrite_restart half.*\nclear\n"
    + "read_restart half.40\nmass 1 39.948\n"
    + "pair_style lj/cut 8.5\npair_coeff 1 1 0.238 3.405\n"
    + "fix 1 all npt temp 90 90 100 iso 0 0 1000\nthermo 20\nrun 40\n",
    "relaxed box": ARGON + "fix r all box/relax aniso 0\nminimize 0 1e-9 60 600\nunfix r\nminimize 0 1e-9 60 600\n",
    "frozen layer and a thermostat on the rest": ARGON
    + "region low block INF INF INF INF 0 1\ngroup low region low\ngroup rest subtract all low\n"
    + "velocity low set 0 0 0\n"
    + "compute t rest temp\nthermo_modify temp t\nfix 1 rest nve\nfix 2 rest langevin 90 90 100 77\nrun 50\n",
    "loops of many short runs with averages": ARGON
    + "compute m all msd\nfix a all ave/time 5 2 10 c_m[4] file msd.txt\nfix 1 all nve\nvariable i loop 6\n"
    + "label again\nrun 10\n"
    + "next i\njump SELF again\nrun 30 every 10 \"print 'at $(step)'\"\n",
    "multiple time steps": ARGON + "run_style respa 2 3 inner 1 4.0 5.0 outer 2\nfix 1 all nve\nrun 40\n",
    "variants for OpenMP": "package omp 1\nsuffix omp\n" + ARGON + "fix 1 all nve\nrun 40\n",
    "two dimensions, tilted": """units lj
dimension 2
lattice sq2 0.7
region box prism 0 6 0 6 -0.5 0.5 2 0 0
create_box 1 box
create_atoms 1 box
mass 1 1.0
pair_style lj/cut 2.5
pair_coeff 1 1 1.0 1.0
velocity all create 0.8 99
fix 1 all nve
fix 2 all enforce2d
thermo 10
run 60
""",
    "rigid water with long-range electrostatics": """units real
atom_style full
region box block 0 12 0 12 0 12
create_box 2 box bond/types 1 angle/types 1 extra/bond/per/atom 2 extra/angle/per/atom 1 extra/special/per/atom 2
mass 1 15.9994
mass 2 1.008
molecule water water.mol
create_atoms 0 random 30 4711 NULL mol water 4712 overlap 2.2 maxtry 200
pair_style lj/cut/coul/long 5.5
pair_coeff 1 1 0.1553 3.166
pair_coeff * 2 0.0 0.0
bond_style harmonic
bond_coeff 1 450 1.0
angle_style harmonic
angle_coeff 1 55 109.47
kspace_style pppm 1e-4
minimize 1e-4 1e-4 50 500
velocity all create 300 4713
fix s all shake 1e-5 40 0 b 1 a 1
fix 1 all nvt temp 300 300 100
timestep 1.0
thermo 10
run 40
""",
    "compressed trajectory and data": ARGON
    + "fix 1 all nve\ndump d all atom 10 all.gz\nrun 40\nundump d\nrerun all.gz dump x y z\n"
    + "write_data data.gz nocoeff\nclear\nunits real\nread_data data.gz\n"
    + "pair_style lj/cut 8.5\npair_coeff 1 1 0.238 3.405\nthermo 20\nfix 1 all nve\nrun 40\n",
    "an error in the end": ARGON + "fix 1 all nve\nfix a all ave/time 5 2 10 c_thermo_temp\nrun 20\nreset_timestep 0\n",
    "an exit code of its own": ARGON + "fix 1 all nve\nrun 20 every 10 NULL\nif '$(temp) > 1' then 'quit 4'\n",
}
WATER = """# SPC/E

3 atoms
2 bonds
1 angles

Coords

1 0.0 0.0 0.0
2 1.0 0.0 0.0
3 -0.33333 0.94281 0.0

Types

1 1
2 2
3 2

Charges

1 -0.8476
2 0.4238
3 0.4238

Bonds

1 1 1 2
2 1 1 3

Angles

1 1 2 1 3

Special Bond Counts

1 2 0 0
2 1 1 0
3 1 1 0

Special Bonds

1 2 3
2 1 3
3 1 2

Shake Flags

1 1
2 1
3 1

Shake Atoms

1 1 2 3
2 1 2 3
3 1 2 3

Shake Bond Types

1 1 1 1
2 1 1 1
3 1 1 1
"""


def last_row(output: str) -> list[str]:
    """The last row of thermo output, as printed."""
    columns, row = 0, list[str]()
    for line in output.splitlines():
        words = line.split()
        if words[:1] == ["Step"]:
            columns = len(words)
        elif columns and len(words) == columns and words[0].isdigit():
            row = words
        elif line.startswith("Loop time"):
            columns = 0
    return row


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_ends_as_under_lmp(pool: Pool, tmp_path: Path, name: str) -> None:
    (tmp_path / "in.lmp").write_text(SCRIPTS[name])
    (tmp_path / "water.mol").write_text(WATER)
    command = [install.executable(), "-in", "in.lmp"]
    bare = subprocess.run(
        command, cwd=tmp_path, env=install.executable_environment(), capture_output=True, text=True, check=False
    )
    run = pool.run(Job(SCRIPTS[name], files={"water.mol": WATER.encode()}))
    assert run.exit_code == bare.returncode, run.error
    assert last_row(run.output) == last_row(bare.stdout) != []
    assert (run.error is not None) == (bare.returncode == 1)
