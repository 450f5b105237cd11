"""Making reference values: run the reference scripts, measure, store mean and spread."""

from __future__ import annotations

import datetime
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from mdevalbench.errors import TaskError, Unmeasured, UsageError
from mdevalbench.lammps import install
from mdevalbench.lammps.executor import in_threads
from mdevalbench.tasks.content import content_problems
from mdevalbench.tasks.loading import Task
from mdevalbench.tasks.references import (
    SeedValue,
    StoredReference,
    mean_of,
    size_of,
    slope_of,
)
from mdevalbench.tasks.scripts import recipe_digest, render_reference, seed_of
from mdevalbench.types import Measurement


class Measurer(Protocol):
    """The part of the judge that is needed here."""

    def measure(self, task: Task, script: str, cancel: threading.Event | None = None) -> Measurement:
        """Run a script and measure the task's observable. Raises Unmeasured, and Cancelled if `cancel` was set."""


@dataclass(frozen=True, slots=True)
class _Planned:
    """One run that is still to be done."""

    task: Task
    seed: int
    second_size: bool


def calibrate(
    tasks: Iterable[Task],
    judge: Measurer,
    seeds: int | None = None,
    jobs: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, StoredReference]:
    """Measure and store the reference values of tasks; returns task id -> reference.

    Runs that are already stored for the same recipe, family version and LAMMPS are kept, so that an interrupted call
    goes on where it stopped. A stochastic task takes `seeds` runs (by default 16, a drawn one 4), a deterministic one a
    single run; a size law doubles that. `progress` is called with (done, total).

    Raises TaskError if the content of a task is wrong (nothing is run then) or a reference script cannot be measured.
    """
    tasks = tuple(tasks)
    problems = [problem for task in tasks for problem in content_problems(task)]
    if problems:
        raise TaskError("\n".join(dict.fromkeys(problems)))
    books = {task.id: _Book(task) for task in tasks}
    planned = [run for task in tasks for run in _plan(task, books[task.id], seeds)]

    def enter(done: int, number: int, value: SeedValue) -> None:
        books[planned[number].task.id].enter(planned[number], value)
        if progress is not None:
            progress(done, len(planned))

    in_threads(partial(_measure, judge), planned, jobs, enter)
    return {task.id: books[task.id].reference() for task in tasks}


class _Book:
    """The runs of one task, known and new."""

    def __init__(self, task: Task) -> None:
        law = task.spec.compare.size_law
        self.task, self.law = task, law
        self.recipe = recipe_digest(task)
        self.lammps = install.version()
        self.first: dict[int, SeedValue] = {}
        self.second: dict[int, SeedValue] = {}
        self.date = ""
        known = task.reference
        if known and (known.recipe, known.version, known.lammps) == (self.recipe, task.spec.version, self.lammps):
            self.first = {run.seed: run for run in known.seeds}
            self.second = {run.seed: run for run in known.second_size}
            self.date = known.date

    def enter(self, run: _Planned, value: SeedValue) -> None:
        """Add a run and store what is known so far."""
        (self.second if run.second_size else self.first)[value.seed] = value
        self.date = datetime.date.today().isoformat()
        if self.first:
            self.task.keep_reference(self.reference())

    def reference(self) -> StoredReference:
        """The reference value from the runs so far."""
        value, uncertainty, dof = mean_of(self.first.values())
        slope, slope_uncertainty = 0.0, 0.0
        if self.law and self.second:
            slope, slope_uncertainty = slope_of(self.first.values(), self.second.values(), self.law)
        return StoredReference(
            value=value,
            uncertainty=uncertainty,
            dof=dof,
            unit=self.task.unit,
            natoms=size_of(self.first.values()),
            slope=slope,
            slope_uncertainty=slope_uncertainty,
            version=self.task.spec.version,
            lammps=self.lammps,
            date=self.date,
            recipe=self.recipe,
            seeds=_ordered(self.first),
            second_size=_ordered(self.second),
        )


def _ordered(runs: Mapping[int, SeedValue]) -> tuple[SeedValue, ...]:
    return tuple(runs[seed] for seed in sorted(runs))


def _plan(task: Task, book: _Book, count: int | None = None) -> list[_Planned]:
    runs = (count or task.seeds) if task.spec.stochastic else 1
    seeds = [seed_of(task, "reference", number) for number in range(runs)]
    planned = [_Planned(task, seed, False) for seed in seeds if seed not in book.first]
    if book.law:
        planned += [_Planned(task, seed, True) for seed in seeds if seed not in book.second]
    return planned


def _measure(judge: Measurer, run: _Planned, cancel: threading.Event) -> SeedValue:
    law = run.task.spec.compare.size_law
    overrides = law.second_size if law and run.second_size else {}
    seed = run.seed if "seed" in run.task.layers else None
    try:
        found = judge.measure(run.task, render_reference(run.task, seed, overrides), cancel)
    except Unmeasured as error:
        raise TaskError(f"{run.task.id}: the reference script (seed {run.seed}) cannot be measured: {error}") from error
    except UsageError as error:
        raise TaskError(f"{run.task.source.at(('measure',))}: {run.task.id} cannot be measured: {error}") from error
    if found.unit != run.task.unit:
        raise TaskError(f"{run.task.id}: was measured in {found.unit!r}, but the family says {run.task.unit!r}")
    if found.natoms is None:
        raise TaskError(f"{run.task.id}: the estimator does not say how many atoms it measured")
    return SeedValue(seed=run.seed, value=found.value, uncertainty=found.uncertainty, natoms=found.natoms)


def measure_references(
    tasks: Sequence[Task],
    judge: Measurer,
    jobs: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, StoredReference | TaskError]:
    """The references of tasks, those that are not stored yet measured and stored; task id -> reference.

    Unlike `calibrate`, which is for the author of a family, it goes on after a task whose reference script cannot be
    measured, and gives the reason in its place. `progress` is called with (done, total) for whole tasks.
    """
    found: dict[str, StoredReference | TaskError] = {task.id: task.reference for task in tasks if task.reference}
    missing = [task for task in tasks if task.id not in found]

    def enter(done: int, number: int, result: StoredReference | TaskError) -> None:
        found[missing[number].id] = result
        if progress is not None:
            progress(done, len(missing))

    in_threads(partial(_measure_all, judge), missing, jobs, enter)
    return {task.id: found[task.id] for task in tasks}


def _measure_all(judge: Measurer, task: Task, cancel: threading.Event) -> StoredReference | TaskError:
    book = _Book(task)
    try:
        for run in _plan(task, book):
            book.enter(run, _measure(judge, run, cancel))
    except TaskError as error:
        return error
    return book.reference()


def reference_problems(task: Task) -> list[str]:
    """What is wrong with the stored reference of a task, in plain words; empty if nothing is."""
    how = f"run `{task.to_make_reference}`"
    if task.reference is None:
        return [f"{task.id} has no reference value: {how}"]
    law, found = task.spec.compare.size_law, []
    if task.reference.version != task.spec.version:
        found.append(f"{task.id}: the reference belongs to family version {task.reference.version}: {how}")
    elif task.reference.recipe != recipe_digest(task):
        found.append(
            f"{task.id}: the reference script, or what is measured, changed since its reference was made: {how}"
        )
    if task.spec.stochastic and len(task.reference.seeds) < task.seeds:
        made = f"{len(task.reference.seeds)} seeds, not {task.seeds}"
        found.append(f"{task.id}: the reference was made from {made}: {how}")
    if law and len(task.reference.second_size) < len(task.reference.seeds):
        found.append(f"{task.id}: the reference of the second size is incomplete: {how}")
    return found
