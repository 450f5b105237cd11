"""CPU time of a script's own run, which a verdict gives together with that of the run in another world."""

from __future__ import annotations

import threading

from mdevalbench.lammps.executor import Executor
from mdevalbench.lammps.job import Job, Run


class Stopwatch(Executor):
    """An executor which notes how long the first run lasted that a thread asked for since `reset`.

    A verdict is reached within one thread, and the script's own run is the first that it needs.
    """

    def __init__(self, executor: Executor) -> None:
        self._executor, self._here = executor, threading.local()
        self.unsafe = executor.unsafe

    @property
    def workers(self) -> int:
        """How many scripts to hand in at once."""
        return self._executor.workers

    def run(self, job: Job, cancel: threading.Event | None = None) -> Run:
        """Run one script; raises what the executor raises."""
        run = self._executor.run(job, cancel)
        if self.seconds is None:
            self._here.seconds = run.cpu_seconds
        return run

    def close(self) -> None:
        """End every worker."""
        self._executor.close()

    def reset(self) -> None:
        """Forget the run of this thread."""
        self._here.seconds = None

    @property
    def seconds(self) -> float | None:
        """CPU seconds of this thread's first run since `reset`; None before it."""
        found: float | None = getattr(self._here, "seconds", None)
        return found
