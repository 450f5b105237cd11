"""Escapes: scripts that want out of their sandbox.

Each runs twice, at the same time: once with the refusal of forbidden commands lifted, so that nothing but the walls
stands in its way, and once before the judge like any answer. Then everything around the sandboxes is looked over from
outside, and an honest script must give the same result as ever. An escape is contained if nothing was read, changed,
reached or left behind, if both runs ended within their limits as the script's own doing (never as a harness fault),
and if the harness goes on as before.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from mdevalbench.audit.attack import Attack
from mdevalbench.audit.finding import Finding
from mdevalbench.audit.scene import Scene, scene
from mdevalbench.errors import HarnessFault
from mdevalbench.lammps.executor import Executor, Progress
from mdevalbench.lammps.job import Ending, Job, Run
from mdevalbench.scorers.judge import Judge
from mdevalbench.tasks import Task, load_task
from mdevalbench.types import Limits

LIMITS = Limits(cpu_seconds=0.5, wall_seconds=60.0, memory_bytes=256 << 20, folder_bytes=8 << 20, output_bytes=64 << 10)
"""small, so that an audit is short; the mechanisms are those of every run"""
_SLACK_SECONDS = 3.0
"""CPU time by which the kernel's kill may come late"""
_TASK = "lattice_constant/cu-mishin"

HONEST = Job(
    """units lj
lattice fcc 0.8442
region box block 0 3 0 3 0 3
create_box 1 box
create_atoms 1 box
mass 1 1.0
pair_style lj/cut 2.5
pair_coeff 1 1 1.0 1.0
velocity all create 1.44 87287
fix 1 all nve
thermo 5
run 10
print "energy $(etotal:%.15g)" file energy.txt
""",
    LIMITS,
)
"""a tiny script whose result is the same every time"""

Known = tuple[str, str, bytes]
"""how the honest script ended, what it printed last and where its atoms came to lie"""


def run_escapes(executor: Executor, escapes: Sequence[Attack], progress: Progress | None = None) -> list[Finding]:
    """Try every escape behind the walls and before the judge.

    Raises:
        HarnessFault: the honest script does not run, so that an attack would show nothing.
    """
    task = load_task(_TASK)
    small = dataclasses.replace(task, spec=task.spec.model_copy(update={"limits": LIMITS}))
    findings: list[Finding] = []
    with scene(task) as around:
        known = _honest(executor)
        if len(set(known)) != 1 or known[0][0] != Ending.COMPLETED:
            raise HarnessFault(f"an honest script does not run as it should: {sorted(set(known))}")
        for attack in escapes:
            findings.append(_attempt(executor, around, small, attack, known[0]))
            if progress is not None:
                progress(len(findings), len(escapes))
    return findings


def _honest(executor: Executor) -> list[Known]:
    """What the honest script gives on every worker."""
    runs = executor.map([HONEST] * executor.workers)
    return [(run.ending, run.output.splitlines()[-1], _positions(run)) for run in runs]


def _positions(run: Run) -> bytes:
    final = run.evidence.final
    return final.positions.tobytes() if final is not None else b""


def _attempt(executor: Executor, around: Scene, task: Task, attack: Attack, known: Known) -> Finding:
    """Run one escape in both ways, then look around."""
    script = attack.render(around.names)
    before = around.look()
    with ThreadPoolExecutor(2) as threads:
        running = threads.submit(executor.run, Job(script, LIMITS, unrestricted=True))
        judging = threads.submit(Judge(executor).judge, task, f"```lammps\n{script}\n```\n")
    breaches = [*_failures(running), *_failures(judging), *around.changes(before), *_after(executor, known)]
    run = None if running.exception() else running.result()
    verdict = None if judging.exception() else judging.result()
    if run is not None:
        breaches += around.leaks(run.output, _words(run)) + _beyond_limits(run)
    if verdict is not None:
        breaches += around.leaks("", verdict.model_dump_json())
    if breaches:
        around.restore(before)
    reason = "; ".join(dict.fromkeys(breaches)) or (_ending(run) if run is not None else "")
    return Finding(
        attack=attack.name,
        group=attack.group,
        contained=not breaches,
        passed=verdict is not None and verdict.passed,
        reward=verdict.reward if verdict is not None else 0.0,
        reason=reason.replace(f"{around.root}/", ""),
    )


def _failures(future: Future[Any]) -> list[str]:
    """In words, what the harness failed at: whatever it raises is a breach, since scripts must not be able to."""
    error = future.exception()
    if error is None:
        return []
    what = "the harness failed" if isinstance(error, HarnessFault) else f"the harness raised {type(error).__name__}"
    return [f"{what}: {error}"]


def _after(executor: Executor, known: Known) -> list[str]:
    """Whether the harness still gives the known result, on every worker."""
    try:
        return [] if set(_honest(executor)) == {known} else ["an honest script ends differently afterwards"]
    except HarnessFault as fault:
        return [f"an honest script fails afterwards: {fault}"]


def _words(run: Run) -> str:
    """Everything in a run that is text beside its output."""
    trace = (str(command) for command in run.evidence.trace)
    return "\n".join([*trace, run.error.message if run.error is not None else ""])


def _beyond_limits(run: Run) -> list[str]:
    """Limits that did not hold, in words."""
    found = []
    if run.cpu_seconds > LIMITS.cpu_seconds + _SLACK_SECONDS:
        found.append(f"it used {run.cpu_seconds:.1f} s of CPU time")
    if len(run.output) > 2 * LIMITS.output_bytes:
        found.append(f"{len(run.output)} characters of output were kept")
    return found


def _ending(run: Run) -> str:
    """How the run behind the walls alone came to its end, in words."""
    stopped = {
        Ending.CPU_LIMIT: "stopped at the limit of CPU time",
        Ending.MEMORY_LIMIT: "stopped at the limit of memory",
        Ending.DISK_LIMIT: "stopped at the limit of files",
        Ending.CRASHED: f"LAMMPS crashed (exit code {run.exit_code})",
        Ending.QUIT: f"quit with exit code {run.exit_code}",
        Ending.COMPLETED: "ran to its end and came to nothing",
    }
    if run.ending is Ending.ERROR and run.error is not None:
        return " ".join(run.error.message.split()) or "LAMMPS stopped without a word"
    return stopped.get(run.ending, run.ending)
