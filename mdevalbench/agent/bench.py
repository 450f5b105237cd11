"""Where an agent tries scripts: the static check, a start without loops, and a run in the sandbox."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from mdevalbench.agent.problem import Problem, from_check, from_run, from_warnings
from mdevalbench.lammps.check import check
from mdevalbench.lammps.executor import Executor
from mdevalbench.lammps.job import Job, Run
from mdevalbench.lammps.script import parse
from mdevalbench.types import Limits

_LOOPS = frozenset(["run", "minimize", "rerun", "neb", "temper", "tad", "prd", "hyper", "dynamical_matrix"])


@dataclass(frozen=True)
class Bench:
    """Tries scripts on an executor; what it raises is a fault of the harness and never the script's."""

    executor: Executor
    given: Mapping[str, str] = field(default_factory=dict)
    """files that lie in the folder of every run"""

    def check(self, script: str, files: Mapping[str, str]) -> tuple[Problem, ...]:
        """Errors that can be seen without running anything."""
        return from_check(script, check(script, files=files))

    async def start(self, script: str, files: Mapping[str, str], limits: Limits) -> tuple[Problem | None, float]:
        """What stops a script before its first loop, found without running any loop; and the CPU seconds that it took.

        What comes after a loop that was left out may fail for that reason alone, so that it is not told.
        """
        run = await self.executor.arun(_job(script, files, limits, skip_loops=True))
        first = next((one.line for one in parse(script).commands if one.words and one.name in _LOOPS), None)
        line = run.error.line if run.error else None
        early = run.error is not None and line is not None and (first is None or line < first)
        return (from_run(script, run, limits) if early else None), run.cpu_seconds

    async def run(self, script: str, files: Mapping[str, str], limits: Limits) -> tuple[Run, Problem | None]:
        """Run a script as written; the problem tells why it did not come to its end."""
        run = await self.executor.arun(_job(script, files, limits))
        return run, from_run(script, run, limits)

    def warned(self, script: str, run: Run) -> Problem | None:
        """What has to be mended although the run came to its end."""
        return from_warnings(script, run)


def _job(script: str, files: Mapping[str, str], limits: Limits, skip_loops: bool = False) -> Job:
    given = {name: content.encode() for name, content in files.items()}
    return Job(script, limits, files=given, skip_loops=skip_loops)
