"""Whether drawn tasks hold: their reference scripts pass with another seed, and are light."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from functools import partial

from mdevalbench.errors import HarnessFault, TaskError
from mdevalbench.lammps.executor import Executor, in_threads
from mdevalbench.lammps.job import Job, Run
from mdevalbench.tasks.loading import load_task
from mdevalbench.tasks.scripts import render_reference, seed_of
from mdevalbench.types import Record

LIGHT_SECONDS = 0.5
"""CPU seconds that a run of a drawn task takes at most, start-up aside"""


class Proof(Record):
    """What the judge said of the reference script of a drawn task, run with a seed that its reference does not know."""

    task: str
    passed: bool
    reasons: tuple[str, ...]
    runs: tuple[float, ...]
    """CPU seconds of each run: the script as it is, and in the counterfactual world"""

    @property
    def longest(self) -> float:
        """CPU seconds of its longest run."""
        return max(self.runs, default=0.0)


class _Clocked(Executor):
    """An executor that notes the CPU seconds of the scripts that it runs."""

    def __init__(self, pool: Executor) -> None:
        self.pool, self.unsafe = pool, pool.unsafe
        self.seconds: list[float] = []

    @property
    def workers(self) -> int:
        return self.pool.workers

    def run(self, job: Job, cancel: threading.Event | None = None) -> Run:
        run = self.pool.run(job, cancel)
        if not job.unrestricted:  # those are the harness's own
            self.seconds.append(run.cpu_seconds)
        return run

    def close(self) -> None:
        """The pool belongs to the caller."""


def prove(task_ids: Sequence[str], pool: Executor, progress: Callable[[int, int], None] | None = None) -> list[Proof]:
    """Judge the reference script of each task with another seed. `progress` is called with (done, total).

    A harness fault counts as not passed, and so does a task that has no reference value; the reason is told.
    """
    tell = progress or (lambda done, total: None)
    return in_threads(
        partial(_prove, pool), task_ids, pool.workers, lambda done, number, proof: tell(done, len(task_ids))
    )


def _prove(pool: Executor, task_id: str, cancel: threading.Event) -> Proof:
    from mdevalbench.scorers.judge import Judge  # it imports this package

    clocked = _Clocked(pool)
    try:
        task = load_task(task_id)
        script = render_reference(task, seed_of(task, "proof", 0) if "seed" in task.layers else None)
        verdict = Judge(clocked).judge(task, f"```lammps\n{script}```\n", cancel)
    except (HarnessFault, TaskError) as fault:
        return Proof(task=task_id, passed=False, reasons=(str(fault),), runs=tuple(clocked.seconds))
    return Proof(task=task.id, passed=verdict.passed, reasons=verdict.reasons, runs=tuple(clocked.seconds))
