"""Attacks on the harness by scripts that want out of their sandbox or a reward that they did not earn."""

from __future__ import annotations

from collections.abc import Sequence

from mdevalbench.audit.attack import GROUPS, Attack, Group, attacks, choose
from mdevalbench.audit.cheats import run_cheats
from mdevalbench.audit.escapes import run_escapes
from mdevalbench.audit.finding import DOING_NOTHING, Finding
from mdevalbench.lammps.executor import Executor, Progress
from mdevalbench.tasks import load_task, task_ids

__all__ = ["DOING_NOTHING", "GROUPS", "Attack", "Finding", "Group", "attacks", "audit", "choose"]


def audit(
    executor: Executor,
    group: Group | None = None,
    names: Sequence[str] = (),
    progress: Progress | None = None,
    all_tasks: bool = False,
) -> list[Finding]:
    """Try the attacks of a group (all by default), or only those named; `progress` counts each group by itself.

    Cheats are tried against one light task of each family, or with `all_tasks` against every task.

    Escapes are looked at from outside: files, processes, sockets and shared memory of this machine. Other programs
    that start or end beside it do not matter, but nothing else should use `executor` meanwhile.

    Raises:
        UsageError: there is no attack of such a name.
        HarnessFault: an honest script does not run here, so that an attack would show nothing.
    """
    chosen = choose(group, names)
    escapes = [attack for attack in chosen if attack.group == "escape"]
    cheats = [attack for attack in chosen if attack.group == "cheat"]
    findings = run_escapes(executor, escapes, progress) if escapes else []
    tasks = [load_task(task_id) for task_id in task_ids()] if all_tasks else None
    return findings + (run_cheats(executor, cheats, progress, tasks) if cheats else [])
