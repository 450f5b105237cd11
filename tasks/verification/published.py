"""Reference values beside values from the literature, and what is to be objected to."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import inf

from mdevalbench.observables.statistics import expanded
from mdevalbench.tasks.loading import Task
from mdevalbench.tasks.schema import Published
from mdevalbench.tasks.verification.rates import Criterion

LEAST_CHECKED = 20
"""published values that are to be recomputed or read in their source"""


@dataclass(frozen=True, slots=True)
class Comparison:
    """A reference value and a published one, in the unit of the task."""

    task: str
    unit: str
    reference: float
    uncertainty: float
    """standard uncertainty of the reference"""
    interval: float
    """99 % half-width of the reference"""
    value: float
    """the published value"""
    known_error: float
    published: Published

    @property
    def deviation(self) -> float:
        """Reference minus published value."""
        return self.reference - self.value

    @property
    def agrees(self) -> bool:
        """Whether the known error of the source and the uncertainty of the reference account for the deviation."""
        return abs(self.deviation) <= self.known_error + self.interval


def compare_published(tasks: Iterable[Task]) -> tuple[list[Comparison], list[str]]:
    """Comparisons of the tasks that have both values, and problems in plain words."""
    found: list[Comparison] = []
    problems: list[str] = []
    for task in tasks:
        published, reference = task.instance.published, task.reference
        if published is None or reference is None:
            continue
        factor = _factor(task, published.unit)
        if factor is None:
            problems.append(
                f"{task.id}: the published value is in {published.unit!r}, which is neither {task.unit!r} nor one of "
                "`accepted_units`"
            )
            continue
        comparison = Comparison(
            task=task.id,
            unit=task.unit,
            reference=reference.value,
            uncertainty=reference.uncertainty,
            interval=expanded([(reference.uncertainty, reference.dof or inf)]),
            value=published.value * factor,
            known_error=published.known_error * abs(factor),
            published=published,
        )
        found.append(comparison)
        if not comparison.agrees and not published.explanation:
            problems.append(
                f"{task.id}: the reference is off the published value by {comparison.deviation:+.3g} {task.unit}, more "
                f"than the known error of {comparison.known_error:.2g} and the reference's own "
                f"{comparison.interval:.2g} (99 %): give `published.known_error` or `published.explanation`"
            )
    return found, problems


def published_criteria(compared: Iterable[Comparison], problems: list[str]) -> list[Criterion]:
    """What the suite has to reach in comparison with the literature."""
    checked = sum(one.published.checked for one in compared)
    return [
        Criterion(
            "published values recomputed or read in their source",
            f">= {LEAST_CHECKED}",
            str(checked),
            checked >= LEAST_CHECKED,
        ),
        Criterion("deviations from published values without explanation", "none", str(len(problems)), not problems),
    ]


def _factor(task: Task, unit: str) -> float | None:
    return 1.0 if unit == task.unit else task.spec.accepted_units.get(unit)
