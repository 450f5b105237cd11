"""Convergence studies: how the reference depends on one value of its recipe (`studies:` of a family).

Values are measured, never compared. They stand in `studies.json` beside the family; the pages on families draw them.
"""

from __future__ import annotations

import json
import os
import tempfile
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from pydantic import Field, ValidationError

from mdevalbench.errors import TaskError, Unmeasured
from mdevalbench.lammps import install
from mdevalbench.lammps.executor import in_threads
from mdevalbench.tasks.calibration import Measurer
from mdevalbench.tasks.loading import Task, render_spec
from mdevalbench.tasks.render import resolve
from mdevalbench.tasks.schema import FamilySpec, Number, Study
from mdevalbench.tasks.scripts import recipe_digest, render_reference, seed_of
from mdevalbench.types import Record

FILE = "studies.json"


class StudyRun(Record):
    """One run of the reference script with one value changed."""

    value: Number
    """of what is varied"""
    seed: int | None
    """None where the script uses no seed"""
    measured: float | None = None
    """the observable; None if it could not be measured"""
    uncertainty: float = Field(0.0, ge=0)
    """standard uncertainty"""
    natoms: int | None = None
    reason: str = ""
    """why it could not be measured"""


class StoredStudy(Record):
    """The runs of a study, and what they belong to."""

    task: str
    about: str
    vary: str
    observable: str
    unit: str
    usual: Number | None = None
    """value that the reference has"""
    recipe: str
    """SHA-256 of the reference script and of what is measured; another one means that the runs must be repeated"""
    lammps: str
    runs: tuple[StudyRun, ...]


def read_studies(folder: Path) -> dict[str, StoredStudy]:
    """Name -> study of a family; empty if none was run. Raises TaskError for a damaged file."""
    path = folder / FILE
    if not path.exists():
        return {}
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return {name: StoredStudy.model_validate(entry) for name, entry in content["studies"].items()}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        what = f"{error.error_count()} fields do not fit" if isinstance(error, ValidationError) else error
        raise TaskError(f"{path}: is damaged ({what}): remove it and run `mdevalbench tasks study`") from error


def write_studies(folder: Path, studies: Mapping[str, StoredStudy]) -> None:
    """Write `studies.json` atomically, one run per line."""
    content = {"family": folder.name, "studies": {n: studies[n].model_dump(mode="json") for n in sorted(studies)}}
    descriptor, name = tempfile.mkstemp(dir=folder, prefix=FILE, suffix=".part")
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(json.dumps(content, indent=1) + "\n")
    Path(name).chmod(0o644)
    Path(name).replace(folder / FILE)


def run_studies(
    tasks: Iterable[Task],
    judge: Measurer,
    jobs: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, StoredStudy]:
    """Run the studies of a family whose tasks are given; returns name -> study.

    Runs that are stored for the same recipe and LAMMPS are kept, so that an interrupted call goes on where it stopped.
    `progress` is called with (done, total). Raises TaskError if the family declares no study, or names an unknown task
    or recipe value in one.
    """
    tasks = tuple(tasks)
    declared = tasks[0].spec.studies
    if not declared:
        raise TaskError(f"{tasks[0].source.path}: declares no `studies:`, such as {_EXAMPLE}")
    books = {name: _Book(name, study, _task_of(name, study, tasks)) for name, study in declared.items()}
    planned = [run for book in books.values() for run in book.missing()]
    stored = {name: found for name, found in read_studies(tasks[0].folder).items() if name in declared}

    def enter(done: int, number: int, run: StudyRun) -> None:
        book = books[planned[number].study]
        book.runs[run.value, run.seed] = run
        stored[planned[number].study] = book.stored()
        write_studies(tasks[0].folder, stored)
        if progress is not None:
            progress(done, len(planned))

    in_threads(partial(_measure, judge), planned, jobs, enter)
    return {name: book.stored() for name, book in books.items()}


_EXAMPLE = "`studies: {size: {about: unit cells along an edge, vary: cells, values: [2, 3, 4, 6]}}`"


@dataclass(frozen=True, slots=True)
class _Planned:
    """One run that is still to be done."""

    study: str
    task: Task
    value: Number
    seed: int | None


class _Book:
    """The runs of one study, known and new."""

    def __init__(self, name: str, study: Study, task: Task) -> None:
        self.name, self.study, self.task = name, study, task
        self.recipe, self.lammps = recipe_digest(task), install.version()
        self.runs: dict[tuple[Number, int | None], StudyRun] = {}
        known = read_studies(task.folder).get(name)
        if known and (known.task, known.vary, known.recipe, known.lammps) == (
            task.id,
            study.vary,
            self.recipe,
            self.lammps,
        ):
            self.runs = {(run.value, run.seed): run for run in known.runs}

    def wanted(self) -> list[tuple[Number, int | None]]:
        """Value and seed of every run."""
        seeds: list[int | None] = [seed_of(self.task, f"study {self.name}", n) for n in range(self.study.seeds)]
        if "seed" not in self.task.layers:
            seeds = [None]
        return [(value, seed) for value in self.study.values for seed in seeds]

    def missing(self) -> list[_Planned]:
        """Runs that are still to be done."""
        return [
            _Planned(self.name, _varied(self.task, self.study.vary, value), value, seed)
            for value, seed in self.wanted()
            if (value, seed) not in self.runs
        ]

    def stored(self) -> StoredStudy:
        """The study with the runs so far."""
        usual = self.task.names[self.study.vary]
        return StoredStudy(
            task=self.task.id,
            about=self.study.about,
            vary=self.study.vary,
            observable=self.task.observable,
            unit=self.task.unit,
            usual=usual if isinstance(usual, int | float) else None,
            recipe=self.recipe,
            lammps=self.lammps,
            runs=tuple(self.runs[key] for key in self.wanted() if key in self.runs),
        )


def _task_of(name: str, study: Study, tasks: tuple[Task, ...]) -> Task:
    task = next((task for task in tasks if study.task in ("", task.instance.id)), None)
    if task is None:
        raise TaskError(f"{tasks[0].source.at(('studies', name, 'task'))}: there is no task {study.task!r} here")
    if study.vary not in task.layers:
        raise TaskError(f"{task.source.at(('studies', name, 'vary'))}: {study.vary!r} is not in the recipe")
    return task


def _varied(task: Task, vary: str, value: Number) -> Task:
    """The task as it would be with another value, its potential and measurement included."""
    layers = {**task.layers, vary: (task.layers[vary][0], value)}
    number = [entry["id"] for entry in task.source.data["tasks"]].index(task.instance.id)
    content, names = task.source.data, resolve(layers, task.source.at)
    spec = render_spec(task.source, content, content["tasks"][number], names, ("tasks", number))
    return replace(task, spec=_without_limits(spec), layers=layers)


def _without_limits(spec: FamilySpec) -> FamilySpec:
    """A family as it is studied: sizes and durations out of its range count, too, and may take longer."""
    measure = tuple(
        way.model_copy(update={"select": way.select.model_copy(update={"min_time": 0.0})}) for way in spec.measure
    )
    return spec.model_copy(
        update={
            "measure": measure,
            "validity": spec.validity.model_copy(update={"atoms": (1, 10**9), "max_timestep": None}),
            "limits": spec.limits.model_copy(update={"cpu_seconds": 20 * spec.limits.cpu_seconds}),
        }
    )


def _measure(judge: Measurer, run: _Planned, cancel: threading.Event) -> StudyRun:
    script = render_reference(run.task, run.seed)
    try:
        found = judge.measure(run.task, script, cancel)
    except Unmeasured as reason:
        return StudyRun(value=run.value, seed=run.seed, reason=str(reason))
    return StudyRun(
        value=run.value, seed=run.seed, measured=found.value, uncertainty=found.uncertainty, natoms=found.natoms
    )
