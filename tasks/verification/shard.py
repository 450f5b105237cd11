"""A bounded part of the suite, for continuous integration: a rotating shard, and what has changed.

Half of the budget is for tasks of families whose files differ from the commit that a change starts from, half for a
shard that depends on the day: within as many days as there are shards, every task has its turn. The number of the shard
is printed, and gives the same tasks again.
"""

from __future__ import annotations

import datetime
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

import yaml

from mdevalbench.errors import UsageError
from mdevalbench.tasks.loading import Task
from mdevalbench.tasks.verification.cases import quick_set
from mdevalbench.tasks.verification.judgements import Judgement

BUDGET = 1200.0
"""CPU seconds: 10 minutes on two cores, so that a machine half as slow again keeps to 15"""
_OVERHEAD = 0.5
"""CPU seconds of the harness for a verdict (measured: 0.2 with the family `lattice_constant`)"""
_RUN_SECONDS = {True: 5.0, False: 1.0}
"""whether a family depends on seeds -> CPU seconds of one run where none are recorded (means over all scripts,
measured: 4 a verdict for `lj_pressure`, 0.3 for `lattice_constant`)"""


@dataclass(frozen=True, slots=True)
class Shard:
    """Tasks to verify."""

    tasks: tuple[Task, ...]
    number: int
    """of the shard"""
    shards: int
    changed: tuple[str, ...]
    """families that have changed"""
    left_out: tuple[str, ...]
    """tasks of changed families for which there was no room"""
    seconds: float
    """CPU seconds that are expected"""

    @property
    def in_words(self) -> str:
        """What was chosen, and how to choose it again."""
        families = sorted({task.family for task in self.tasks})
        text = (
            f"shard {self.number} of {self.shards} (again with --shard {self.number}), "
            f"changed families: {', '.join(self.changed) or 'none'}; "
            f"{len(self.tasks)} tasks of {', '.join(families)}, about {self.seconds:.0f} CPU seconds"
        )
        if self.left_out:
            families = sorted({name.partition("/")[0] for name in self.left_out})
            text += f"; no room for {len(self.left_out)} more of the changed families {', '.join(families)}"
        return text


def choose(
    tasks: Sequence[Task],
    number: int | None = None,
    changed: Iterable[str] = (),
    known: Iterable[Judgement] = (),
    budget: float = BUDGET,
) -> Shard:
    """Tasks whose verification takes about `budget` CPU seconds.

    Args:
        tasks: all there are.
        number: of the shard, from 1; by default that of the day.
        changed: names of families that have changed.
        known: judgements, from which costs are taken where there are any.

    Raises UsageError if there is no such shard.
    """
    changed = tuple(changed)
    costs = _costs(tasks, known)
    urgent = list(_in_turn([task for task in tasks if task.family in changed]))
    first = _within(urgent, costs, budget / 2)
    shards = _shards(list(_in_turn(tasks)), costs, budget / 2)
    number = datetime.datetime.now(datetime.UTC).date().toordinal() % len(shards) + 1 if number is None else number
    if not 1 <= number <= len(shards):
        raise UsageError(f"there is no shard {number}: choose one from 1 to {len(shards)}")
    chosen = {task.id: task for task in (*first, *shards[number - 1])}
    return Shard(
        tasks=tuple(chosen.values()),
        number=number,
        shards=len(shards),
        changed=changed,
        left_out=tuple(task.id for task in urgent if task.id not in chosen),
        seconds=sum(costs[name] for name in chosen),
    )


def changed_families(root: Path) -> tuple[str, ...]:
    """Families below `root/codegen` that have changed, uncommitted and new files included; none where git cannot tell.

    They are compared with the commit where the present branch left `main`; on `main` itself with the one before.
    """
    folder = root / "codegen"
    base = _base(folder)
    if base is None:
        return ()
    differ = _git(folder, "diff", "--name-only", "--relative", base, "--", ".") or []
    new = _git(folder, "ls-files", "--others", "--exclude-standard", "--", ".") or []
    names = {line.partition("/")[0] for line in (*differ, *new) if not _says_the_same(folder, base, line)}
    return tuple(sorted(name for name in names if (folder / name / "family.yml").is_file()))


def _says_the_same(folder: Path, base: str, name: str) -> bool:
    """Whether a YAML file differs from what it was in its comments and layout only."""
    before = _git(folder, "show", f"{base}:./{name}")
    if before is None or not name.endswith(".yml") or not (folder / name).is_file():
        return False
    try:
        return bool(yaml.safe_load("\n".join(before)) == yaml.safe_load((folder / name).read_text(encoding="utf-8")))
    except yaml.YAMLError:
        return False


def _base(folder: Path) -> str | None:
    head = _git(folder, "rev-parse", "HEAD")
    for branch in ("origin/main", "main"):
        found = _git(folder, "merge-base", "HEAD", branch)
        if found and found != head:
            return found[0]
    before = _git(folder, "rev-parse", "--verify", "--quiet", "HEAD~1")
    return before[0] if before else None


def _git(folder: Path, *arguments: str) -> list[str] | None:
    """Lines that git prints; None if it fails or is not there."""
    try:
        done = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.splitlines()


def _costs(tasks: Iterable[Task], known: Iterable[Judgement]) -> dict[str, float]:
    """Task -> CPU seconds of its quick set: as recorded, or as many as its family may take."""
    recorded: dict[str, list[float]] = {}
    for judgement in known:
        recorded.setdefault(judgement.task, []).append(judgement.cpu_seconds)
    costs = {}
    for task in tasks:
        scripts = quick_set(task)
        seconds = recorded.get(task.id)
        if seconds:
            costs[task.id] = len(scripts) * (sum(seconds) / len(seconds) + _OVERHEAD)
        else:  # a right script runs twice
            costs[task.id] = sum(1 + script.right for script in scripts) * _RUN_SECONDS[task.spec.stochastic]
    return costs


def _in_turn(tasks: Iterable[Task]) -> Iterator[Task]:
    """The first task of every family, then the second of every family, and so on."""
    families: dict[str, list[Task]] = {}
    for task in tasks:
        families.setdefault(task.family, []).append(task)
    for row in zip_longest(*families.values()):
        yield from (task for task in row if task is not None)


def _within(tasks: Iterable[Task], costs: dict[str, float], budget: float) -> list[Task]:
    """The first tasks that fit into a budget; one that does not makes room for lighter ones."""
    chosen: list[Task] = []
    for task in tasks:
        if costs[task.id] <= budget:
            budget -= costs[task.id]
            chosen.append(task)
    return chosen


def _shards(tasks: Sequence[Task], costs: dict[str, float], budget: float) -> list[list[Task]]:
    """Successive tasks that fit into a budget, at least one each."""
    shards: list[list[Task]] = []
    left = 0.0
    for task in tasks:
        left -= costs[task.id]
        if left < 0 or not shards:
            shards.append([])
            left = budget - costs[task.id]
        shards[-1].append(task)
    return shards
