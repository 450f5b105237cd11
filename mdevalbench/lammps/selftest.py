"""Proof, on this machine, that the recorder sees what happens and that the walls stand. Run by `mdevalbench doctor`."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mdevalbench.errors import HarnessFault
from mdevalbench.lammps.executor import Executor
from mdevalbench.lammps.job import Ending, Job, Run

_CRYSTAL = """units lj
lattice fcc 0.8442
region box block 0 4 0 4 0 4
create_box 1 box
create_atoms 1 box
mass 1 1.0
pair_style lj/cut 2.5
pair_coeff 1 1 1.0 1.0
velocity all create 1.44 87287
fix 1 all nve
thermo_style custom step temp pe ke press
thermo_modify norm no format float %.15g
thermo 1
"""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was tried."""

    name: str
    ok: bool
    detail: str


def selftest(pool: Executor) -> list[Finding]:
    """Run a few tiny scripts whose outcome is known. Does not raise: faults of the engine are findings too."""
    try:
        return [_hidden_run(pool), _values(pool), _refusal(pool), *([] if pool.unsafe else [_walls(pool)])]
    except HarnessFault as fault:
        return [Finding("engine", False, str(fault))]


def _hidden_run(pool: Executor) -> Finding:
    """A loop that no reading of the text can find must be recorded as exactly one loop of 3 steps."""
    run = pool.run(Job(_CRYSTAL + 'variable c string run\nprint "${c} 3" file hidden.in\ninclude hidden.in\n'))
    seen = [(loop.kind, loop.steps, round(loop.duration / 0.005)) for loop in run.evidence.loops]
    return Finding("hidden run", seen == [("verlet", 3, 3)], f"a hidden `run 3` was recorded as {seen}")


def _values(pool: Executor) -> Finding:
    """Energies, temperatures and pressures from memory must be those that LAMMPS prints."""
    run = pool.run(Job(_CRYSTAL + "run 5\n"))
    rows = _thermo_rows(run)
    segment = run.evidence.segments[0]
    samples = segment.samples
    ours = np.column_stack(
        [
            samples.step,
            segment.temperature,
            samples.potential_energy,
            samples.kinetic_energy,
            segment.pressure[:, :3].mean(axis=1),
        ]
    )
    printed = np.array([rows[int(step)] for step in samples.step if int(step) in rows])
    worst = float(np.abs(ours / printed - 1.0)[:, 1:].max()) if printed.shape == ours.shape else float("inf")
    return Finding("values", worst < 1e-9, f"samples agree with LAMMPS's own output to {worst:.1e} (relative)")


def _thermo_rows(run: Run) -> dict[int, list[float]]:
    rows = {}
    for line in run.output.splitlines():
        words = line.split()
        if len(words) == 5 and words[0].isdigit():
            rows[int(words[0])] = [float(word) for word in words]
    return rows


def _refusal(pool: Executor) -> Finding:
    """A forbidden command must be refused even where expansion hides it."""
    run = pool.run(Job('variable c string shell\n${c} echo\nprint "reached"\n'))
    refused = run.ending is Ending.ERROR and "reached" not in run.output
    return Finding("forbidden commands", refused, run.error.message if run.error else f"the run ended as {run.ending}")


def _walls(pool: Executor) -> Finding:
    """Files outside the job folder must stay out of reach."""
    run = pool.run(Job('print "x" file ../outside\nprint "reached"\n'))
    held = run.ending is Ending.ERROR and "reached" not in run.output
    return Finding(
        "walls",
        held,
        "a file outside the job folder could not be written" if held else "a script wrote outside its folder",
    )
