"""Published code tasks: whether LAMMPS gets through a script, and what evidence decides of the paper's rubric.

"Exec-Success" is the paper's: LAMMPS raises no exception. Nothing is said of the physics by it, and a script that does
nothing has it too; `steps` tells how much was simulated. Many published tasks ask for hours and write gigabytes. A run
is therefore cut off, by time or by what it wrote, and then counts if no error came until there and if LAMMPS also takes
the rest of the script with its loops left out (`lmp -skiprun`).

Of the rubric (`paper.py`) these items can be decided without reading the task:

| item | points | given |
| --- | --- | --- |
| A1 | 3 | LAMMPS accepted every command up to the first loop |
| A6 | 1 | no loop had a time step beyond what is usual in these units (where units and loops of dynamics are known) |
| A10 | 1 | a loop did a step |
| A11 | 1 | `thermo`, `dump`, `print` or a file of averages |
| A12 | 2 | success |
| A13 | 3 | energy is conserved where only interactions act (if such a stage is long enough) |
| E1 to E4 | -6, -4, -3, -2 | stopped before the first loop; later; with such a time step; not A11 |

The score is what a script earned of the points that could be decided. A15, what was asked for, is not among them: that
is what the physics tasks of this project are for.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence

import numpy as np

from mdevalbench.extract import extract
from mdevalbench.lammps.evidence import Evidence, Segment
from mdevalbench.lammps.executor import Executor
from mdevalbench.lammps.job import Ending, Job, Run
from mdevalbench.lammps.script import bodies, parse
from mdevalbench.observables import Ensemble, ensemble, only_watches, stages
from mdevalbench.scorers.paper import GIVEN, LONGEST_TIMESTEP, TAKEN
from mdevalbench.types import Limits, Record, ScriptError

LIMITS = Limits(cpu_seconds=10.0)
_OUTPUT = frozenset("thermo dump print write_dump write_data".split())
LARGEST_DRIFT = 0.02
"""change of the total energy over a stage, of the kinetic energy: less than a thermometer would show"""
LEAST_SAMPLES = 8
"""of a stage whose energy is looked at"""


class CodeOutcome(Record):
    """What came of an answer to a published code task."""

    script: bool
    """whether there was a script"""
    executed: bool = False
    """Exec-Success: no error until the end, or until the run was cut off"""
    cut_off: bool = False
    steps: int = 0
    """steps that were simulated, minimisations included"""
    error: ScriptError | None = None
    reason: str = ""
    """why it is no success, in plain words"""
    points: dict[str, int] = {}
    """item of the rubric -> points, of those that could be decided"""
    cpu_seconds: float = 0.0

    @property
    def score(self) -> float:
        """Share of the points that could be decided, in [0, 1]."""
        most = sum(GIVEN[item] for item in self.points if item in GIVEN)
        return max(0, sum(self.points.values())) / most if most else 0.0


def run_code(completion: str, executor: Executor, cancel: threading.Event | None = None) -> CodeOutcome:
    """Run the script of an answer, at most `LIMITS`. Raises HarnessFault if the harness failed."""
    found = extract(completion)
    if found.script is None:
        return CodeOutcome(script=False, reason=f"no script was found in the answer: {found.how}")
    files = {name: text.encode(errors="replace") for name, text in found.files.items()}
    run = executor.run(Job(found.script, LIMITS, files=files), cancel)
    cut_off = run.ending in (Ending.CPU_LIMIT, Ending.DISK_LIMIT)
    rest = executor.run(Job(found.script, LIMITS, files=files, skip_loops=True), cancel) if cut_off else None
    last = rest or run
    executed = _passed(last)
    return CodeOutcome(
        script=True,
        executed=executed,
        cut_off=cut_off,
        steps=sum(loop.steps for loop in run.evidence.loops),
        error=last.error,
        reason="" if executed else _why(last, cut_off),
        points=_points(found.script, run, executed),
        cpu_seconds=run.cpu_seconds + (rest.cpu_seconds if rest else 0.0),
    )


def does_not_start(scripts: Sequence[str], executor: Executor) -> tuple[str, ...]:
    """What stops each script with its loops left out, in plain words; empty where nothing does."""
    jobs = [Job(script, LIMITS, skip_loops=True) for script in scripts]
    return tuple("" if _passed(run) else _why(run, False) for run in executor.map(jobs))


def _passed(run: Run) -> bool:
    return run.ending in (Ending.COMPLETED, Ending.QUIT) and run.exit_code == 0


def _why(run: Run, cut_off: bool) -> str:
    after = ", in what comes after the run was cut off" if cut_off else ""
    if run.error is not None:
        line = f"line {run.error.line}, " if run.error.line else ""
        return f"LAMMPS stopped with an error{after}: {line}`{run.error.command}`: {run.error.message}"
    if run.ending in (Ending.COMPLETED, Ending.QUIT):
        return f"the script ended itself with exit code {run.exit_code}{after}"
    return {
        Ending.CPU_LIMIT: "LAMMPS did not get through the script even without its loops",
        Ending.MEMORY_LIMIT: f"LAMMPS asked for more than {LIMITS.memory_bytes >> 20} MiB of memory{after}",
        Ending.DISK_LIMIT: f"LAMMPS wrote more than {LIMITS.folder_bytes >> 20} MiB{after}",
        Ending.CRASHED: f"LAMMPS crashed{after}",
    }[run.ending]


def _points(script: str, run: Run, executed: bool) -> dict[str, int]:
    began, evidence = bool(run.evidence.loops), run.evidence
    usual, conserved, output = _usual_timesteps(evidence), _conserves(evidence), _writes(script)
    facts = {
        "A1": began or executed,
        "A6": usual,
        "A10": any(loop.steps for loop in evidence.loops),
        "A11": output,
        "A12": executed,
        "A13": conserved,
    }
    mistakes = {
        "E1": not executed and not began,
        "E2": not executed and began,
        "E3": not executed and usual is False,
        "E4": not output,
    }
    points = {item: GIVEN[item] if so else 0 for item, so in facts.items() if so is not None}
    return points | {item: TAKEN[item] for item, so in mistakes.items() if so}


def _usual_timesteps(evidence: Evidence) -> bool | None:
    """None where there is no dynamics, or units of which nothing is known."""
    loops = [loop for loop in evidence.loops if loop.is_dynamics and loop.settings.units in LONGEST_TIMESTEP]
    return all(loop.dt_max <= LONGEST_TIMESTEP[loop.settings.units] for loop in loops) if loops else None


def _conserves(evidence: Evidence) -> bool | None:
    """None if no stage is long enough in which only interactions act: walls and other forces store energy."""
    free = [
        stage
        for stage in stages(evidence)
        if stage.is_dynamics
        and ensemble(stage) is Ensemble.NVE
        and all(fix.integrates or only_watches(fix.style) for fix in stage.settings.fixes)
    ]
    drifts = [_drift(stage) for stage in free if len(stage.samples) >= LEAST_SAMPLES]
    return max(drifts) <= LARGEST_DRIFT if drifts else None


def _drift(stage: Segment) -> float:
    """Change of the total energy between the first and the last quarter of a stage, over its mean kinetic energy."""
    samples = stage.samples
    kinetic = samples.kinetic_energy
    total = samples.potential_energy + kinetic
    quarter = len(total) // 4
    change = float(np.mean(total[-quarter:]) - np.mean(total[:quarter]))
    mean = float(np.mean(kinetic))
    if change == 0:
        return 0.0
    return abs(change) / mean if mean > 0 and np.isfinite(change) else float("inf")


def _writes(script: str) -> bool:
    commands = list(parse(script).commands)
    every = [*commands, *(body for command in commands for body in bodies(command))]
    return any(c.name in _OUTPUT or (c.name == "fix" and "file" in [w.text for w in c.args]) for c in every)
