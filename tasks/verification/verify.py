"""Proof that the judge and the tasks agree: right scripts pass, wrong ones fail (`mdevalbench tasks verify`)."""

from __future__ import annotations

import datetime
import hashlib
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

import mdevalbench
from mdevalbench.errors import HarnessFault, TaskError
from mdevalbench.lammps import install
from mdevalbench.lammps.executor import in_threads
from mdevalbench.tasks.calibration import reference_problems
from mdevalbench.tasks.content import content_problems
from mdevalbench.tasks.loading import Task, reference_value
from mdevalbench.tasks.scripts import Variant
from mdevalbench.tasks.verification.cases import quick_set
from mdevalbench.tasks.verification.judgements import Book, Judgement, group_of, label
from mdevalbench.tasks.verification.provenance import judge_digest, judgement_key
from mdevalbench.tasks.verification.stopwatch import Stopwatch
from mdevalbench.types import Record, Stage, Verdict

GROUPS = {
    "references": ("passed", 1.0),
    "solutions": ("passed", 1.0),
    "wrong": ("failed", 1.0),
    "breaking": ("failed", 0.98),
    "benign": ("passed", 0.97),
    "reseeds": ("passed", 0.97),
}
"""group of the report -> (what has to happen, to which fraction of them at least)"""
BY_CHANCE = ("solutions", "benign", "reseeds")
"""groups of right runs beside the reference's own, of which 1 % fall outside the tolerance by design"""

Chooser = Callable[[Task], Sequence[Variant]]


class Judging(Protocol):
    """The part of the judge that is needed here."""

    def judge(self, task: Task, completion: str, cancel: threading.Event | None = None) -> Verdict:
        """Score a completion. Raises HarnessFault, and Cancelled if `cancel` was set meanwhile."""


class Offender(Record):
    """A script that was not judged as it has to be, or a task whose content is wrong."""

    task: str
    kind: str
    """reference, solution, wrong, breaking, benign, reseed, or `content`"""
    name: str
    outcome: str
    """of the verdict, or `harness_fault`, or `content`"""
    stage: str | None = None
    reward: float | None = None
    reasons: tuple[str, ...]


class Tally(Record):
    """How many scripts of a group were judged as they have to be."""

    good: int
    total: int
    by_chance: int = 0
    """misses where the script depends on seeds"""


class Report(Record):
    """The result of a verification."""

    groups: dict[str, Tally]
    offenders: tuple[Offender, ...]
    seconds: float
    silent: tuple[Offender, ...] = ()
    """wrong scripts and breaking changes that failed before they simulated anything: no fault, but no proof either"""
    spared: int = 0
    """misses in each group BY_CHANCE that are put down to chance in a small sample"""

    @property
    def ok(self) -> bool:
        """Whether every group reaches its fraction and no task has wrong content."""
        enough = all(self.enough(name) for name in self.groups)
        return enough and not any(offender.kind == "content" for offender in self.offenders)

    def enough(self, group: str) -> bool:
        """Whether a group reaches its fraction."""
        tally, fraction = self.groups[group], GROUPS[group][1]
        spared = min(self.spared, tally.by_chance) if group in BY_CHANCE else 0
        return tally.good >= min(fraction * tally.total, tally.total - spared)

    @property
    def harness_faults(self) -> int:
        """Number of scripts that could not be judged."""
        return sum(offender.outcome == "harness_fault" for offender in self.offenders)

    def as_json(self) -> dict[str, Any]:
        """`references{passed,total}, ..., wrong{failed,total}, ..., seconds, offenders[]`."""
        groups = {name: {GROUPS[name][0]: t.good, "total": t.total} for name, t in self.groups.items()}
        return {**groups, "seconds": round(self.seconds, 1), "offenders": [o.model_dump() for o in self.offenders]}


@dataclass(frozen=True, slots=True)
class Case:
    """A script of a task that is to be judged."""

    task: Task
    variant: Variant
    key: str
    """of its judgement"""

    @property
    def script_digest(self) -> str:
        """SHA-256 of the script."""
        return hashlib.sha256(self.variant.script.encode()).hexdigest()

    def labelled(self, judgement: Judgement) -> Judgement:
        """A judgement of this script under the name that it has here: a file may have been renamed."""
        names = {"kind": self.variant.kind, "name": self.variant.name, "seed": self.variant.seed}
        return judgement.model_copy(update=names)


@dataclass(frozen=True, slots=True)
class _Fault:
    """A script that could not be judged."""

    case: Case
    reason: str


def verify(
    tasks: Iterable[Task],
    judge: Judging,
    jobs: int = 1,
    progress: Callable[[int, int], None] | None = None,
    *,
    chosen: Chooser = quick_set,
    book: Book | None = None,
    stopwatch: Stopwatch | None = None,
    spared: int = 0,
) -> Report:
    """Judge the `chosen` scripts of every task, `jobs` at once. `progress` is called with (done, total).

    What stands in `book` is not judged again; what is judged is added to it. A `stopwatch` is the executor of `judge`.
    Nothing is judged if the content of a task is wrong. Raises TaskError if a task lacks nothing but its reference
    value; a HarnessFault of a single script is reported as an offender.
    """
    tasks, began, book = tuple(tasks), time.monotonic(), book or Book()
    problems = [_content(task, problem) for task in tasks for problem in content_problems(task)]
    if not problems:
        _refuse_without_reference(tasks)
    problems += [_content(task, problem) for task in tasks for problem in reference_problems(task)]
    cases = [] if problems else plan(tasks, chosen)
    waiting = list({case.key: case for case in cases if case.key not in book.known}.values())
    faults: dict[str, _Fault] = {}

    def enter(done: int, number: int, found: Judgement | _Fault) -> None:
        if isinstance(found, Judgement):
            book.add(found)
        else:
            faults[found.case.key] = found
        if progress is not None:
            progress(done, len(waiting))

    in_threads(partial(_judge, judge, stopwatch), waiting, jobs, enter)
    found = [faults.get(case.key) or case.labelled(book.known[case.key]) for case in cases]
    offenders = [*problems, *filter(None, map(_offender, found))]
    return Report(
        groups=_tallies(found),
        offenders=tuple(offenders),
        seconds=time.monotonic() - began,
        silent=tuple(_named(one) for one in found if isinstance(one, Judgement) and _never_ran(one)),
        spared=spared,
    )


def _refuse_without_reference(tasks: Sequence[Task]) -> None:
    """Raise TaskError, with the command that helps, if a task has no reference value or one that cannot be used."""
    if missing := [task for task in tasks if task.reference is None]:
        others = f", nor {'has 1 other' if len(missing) == 2 else f'have {len(missing) - 1} others'}"
        raise TaskError(
            f"{missing[0].id} has no reference value yet{others if len(missing) > 1 else ''}: "
            f"run `mdevalbench tasks reference --family {missing[0].family}`"
        )
    for task in tasks:
        reference_value(task)


def plan(tasks: Iterable[Task], chosen: Chooser) -> list[Case]:
    """The scripts that are to be judged, each with the key of its judgement."""
    return [Case(task, variant, judgement_key(task, variant.script)) for task in tasks for variant in chosen(task)]


def _judge(judge: Judging, stopwatch: Stopwatch | None, case: Case, cancel: threading.Event) -> Judgement | _Fault:
    if stopwatch is not None:
        stopwatch.reset()
    try:
        verdict = judge.judge(case.task, f"```lammps\n{case.variant.script}```\n", cancel)
    except HarnessFault as fault:
        return _Fault(case, str(fault))
    return judgement(case, verdict, stopwatch.seconds if stopwatch is not None else None)


def judgement(case: Case, verdict: Verdict, script_seconds: float | None) -> Judgement:
    """The record of a verdict."""
    task, variant = case.task, case.variant
    return Judgement(
        key=case.key,
        task=task.id,
        kind=variant.kind,
        name=variant.name,
        seed=variant.seed,
        stochastic=task.spec.stochastic,
        two_sided=task.spec.compare.kind == "two-sided",
        passed=verdict.passed,
        outcome=verdict.outcome.value,
        stage=verdict.stage.value,
        reward=verdict.reward,
        measured=verdict.measured,
        reference=verdict.reference,
        reference_dof=reference_value(task).dof,
        claim=verdict.claim.value if verdict.claim is not None else None,
        reasons=verdict.reasons,
        cpu_seconds=verdict.seconds,
        script_seconds=script_seconds,
        task_digest=task.digest,
        script_digest=case.script_digest,
        judge_digest=judge_digest(task),
        lammps=install.identity(),
        package=mdevalbench.__version__,
        date=datetime.date.today().isoformat(),
    )


def _tallies(found: Sequence[Judgement | _Fault]) -> dict[str, Tally]:
    return {name: _tally([one for one in found if _group(one) == name]) for name in GROUPS}


def _tally(some: Sequence[Judgement | _Fault]) -> Tally:
    judged = [one for one in some if isinstance(one, Judgement)]
    return Tally(
        good=sum(one.good for one in judged),
        total=len(some),
        by_chance=sum(one.stochastic and not one.good for one in judged),
    )


def _group(one: Judgement | _Fault) -> str:
    return one.group if isinstance(one, Judgement) else group_of(one.case.variant.kind, one.case.variant.seed)


def _content(task: Task, problem: str) -> Offender:
    return Offender(task=task.id, kind="content", name="", outcome="content", reasons=(problem,))


def _offender(found: Judgement | _Fault) -> Offender | None:
    if isinstance(found, _Fault):
        task, variant = found.case.task, found.case.variant
        return Offender(
            task=task.id,
            kind=variant.kind,
            name=label(variant.kind, variant.name, variant.seed),
            outcome="harness_fault",
            reasons=(found.reason,),
        )
    return None if found.good else _named(found)


def _never_ran(judgement: Judgement) -> bool:
    return judgement.good and not judgement.right and judgement.stage in (Stage.NOTHING, Stage.FOUND)


def _named(found: Judgement) -> Offender:
    return Offender(
        task=found.task,
        kind=found.kind,
        name=found.label,
        outcome=found.outcome,
        stage=found.stage,
        reward=found.reward,
        reasons=found.reasons or told(found),
    )


def told(judgement: Judgement) -> tuple[str, ...]:
    """What a judgement without reasons (of a script that passed) says."""
    value, reference = judgement.measured, judgement.reference
    if value is None:
        return ()
    return (
        f"measured {value.value:.6g} +- {value.uncertainty:.2g} {value.unit} ({value.how}); "
        f"accepted {reference.value:.6g} +- {reference.tolerance:.2g}",
    )
