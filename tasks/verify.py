"""Proof that the judge and the tasks agree: right scripts pass, wrong ones fail (`mdevalbench tasks verify`)."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

from mdevalbench.errors import HarnessFault
from mdevalbench.lammps.executor import in_threads
from mdevalbench.tasks.calibration import reference_problems
from mdevalbench.tasks.content import content_problems
from mdevalbench.tasks.loading import Task, reference_value
from mdevalbench.tasks.scripts import Variant, mutations, reference, reseeds, solutions, wrong
from mdevalbench.types import Record, Verdict

RESEEDS = 8
"""new seeds per stochastic task"""

GROUPS = {
    "references": ("reference", "passed", 1.0),
    "solutions": ("solution", "passed", 1.0),
    "wrong": ("wrong", "failed", 1.0),
    "breaking": ("breaking", "failed", 0.97),
    "benign": ("benign", "passed", 0.97),
    "reseeds": ("reseed", "passed", 0.97),
}
"""group of the report -> (kind of variant, what has to happen, to which fraction of them at least)"""


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


class Report(Record):
    """The result of a verification."""

    groups: dict[str, Tally]
    offenders: tuple[Offender, ...]
    seconds: float

    @property
    def ok(self) -> bool:
        """Whether every group reaches its fraction and no task has wrong content."""
        enough = all(tally.good >= GROUPS[name][2] * tally.total for name, tally in self.groups.items())
        return enough and not any(offender.kind == "content" for offender in self.offenders)

    @property
    def harness_faults(self) -> int:
        """Number of scripts that could not be judged."""
        return sum(offender.outcome == "harness_fault" for offender in self.offenders)

    def as_json(self) -> dict[str, Any]:
        """`references{passed,total}, ..., wrong{failed,total}, ..., seconds, offenders[]`."""
        groups = {name: {GROUPS[name][1]: t.good, "total": t.total} for name, t in self.groups.items()}
        return {**groups, "seconds": round(self.seconds, 1), "offenders": [o.model_dump() for o in self.offenders]}


@dataclass(frozen=True, slots=True)
class _Case:
    task: Task
    variant: Variant


def verify(
    tasks: Iterable[Task],
    judge: Judging,
    jobs: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> Report:
    """Judge every script of every task, `jobs` at once. `progress` is called with (done, total).

    Raises TaskError if a task has no reference value; a HarnessFault of a single script is reported as an offender.
    """
    tasks, began = tuple(tasks), time.monotonic()
    for task in tasks:
        reference_value(task)
    offenders = [
        _content(task, problem) for task in tasks for problem in content_problems(task) + reference_problems(task)
    ]
    cases = [] if offenders else [_Case(task, variant) for task in tasks for variant in _variants(task)]
    tell = progress or (lambda done, total: None)
    found = in_threads(partial(_offence, judge), cases, jobs, lambda done, number, _: tell(done, len(cases)))
    good = Counter(_group(case) for case, offender in zip(cases, found, strict=True) if offender is None)
    groups = {name: Tally(good=good[name], total=_count(cases, name)) for name in GROUPS}
    offenders += filter(None, found)
    return Report(groups=groups, offenders=tuple(offenders), seconds=time.monotonic() - began)


def _variants(task: Task) -> tuple[Variant, ...]:
    return (reference(task), *solutions(task), *wrong(task), *mutations(task), *reseeds(task, RESEEDS))


def _group(case: _Case) -> str:
    return next(name for name, (kind, _, _) in GROUPS.items() if kind == case.variant.kind)


def _count(cases: Sequence[_Case], group: str) -> int:
    return sum(_group(case) == group for case in cases)


def _content(task: Task, problem: str) -> Offender:
    return Offender(task=task.id, kind="content", name="", outcome="content", reasons=(problem,))


def _offence(judge: Judging, case: _Case, cancel: threading.Event) -> Offender | None:
    task, variant = case.task, case.variant
    try:
        verdict = judge.judge(task, f"```lammps\n{variant.script}```\n", cancel)
    except HarnessFault as fault:
        return Offender(
            task=task.id, kind=variant.kind, name=variant.name, outcome="harness_fault", reasons=(str(fault),)
        )
    if verdict.passed == variant.right:
        return None
    return Offender(
        task=task.id,
        kind=variant.kind,
        name=variant.name,
        outcome=verdict.outcome,
        stage=verdict.stage,
        reward=verdict.reward,
        reasons=verdict.reasons or _told(verdict),
    )


def _told(verdict: Verdict) -> tuple[str, ...]:
    """What a verdict without reasons (one that passed) says."""
    value, reference = verdict.measured, verdict.reference
    if value is None:
        return ()
    return (
        f"measured {value.value:.6g} +- {value.uncertainty:.2g} {value.unit} ({value.how}); "
        f"accepted {reference.value:.6g} +- {reference.tolerance:.2g}",
    )
