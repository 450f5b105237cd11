"""From the folders of `tasks/codegen` to `Task` records, one per instance of a family."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from mdevalbench.errors import TaskError
from mdevalbench.tasks.references import StoredReference, read_references
from mdevalbench.tasks.render import render_template, render_value, resolve
from mdevalbench.tasks.schema import FamilySpec, TaskSpec
from mdevalbench.tasks.source import KeyPath, Source, did_you_mean

ROOT = Path(__file__).resolve().parent
"""the folder that holds `codegen/<family>/` and `suites.yml`"""

Layers = Mapping[str, tuple[KeyPath, Any]]

_NOT_JUDGED = {"title", "level", "description", "recipe", "mutations", "studies", "tasks", "version"}
"""parts of a family that decide neither the prompt nor the verdict"""


@dataclass(frozen=True)
class Task:
    """One instance of a family. `spec` is its `family.yml` with every expression rendered for this task."""

    id: str
    """`family/instance`"""
    spec: FamilySpec
    """rendered for this task; `spec.tasks` holds this instance only"""
    prompt: str
    folder: Path
    source: Source = field(repr=False)
    layers: Layers = field(repr=False)
    """recipe and parameters as written: name -> (key path in `family.yml`, unrendered value)"""
    kind: str = "codegen"

    @property
    def instance(self) -> TaskSpec:
        """The entry of `tasks:` that makes this task."""
        return self.spec.tasks[0]

    @property
    def family(self) -> str:
        """Name of the family."""
        return self.spec.family

    @property
    def level(self) -> str:
        """L1 (one quantity, a standard recipe), L2 (several stages or a derived quantity), L3 (an open question)."""
        return self.instance.level or self.spec.level

    @property
    def materials(self) -> tuple[str, ...]:
        """What is simulated."""
        return self.instance.materials

    @property
    def observable(self) -> str:
        """Name in the `RESULT` line."""
        return self.spec.observable

    @property
    def unit(self) -> str:
        """Unit of the observable."""
        return self.spec.unit

    @property
    def pair_style(self) -> str:
        """Name of the prescribed pair style, without its arguments."""
        return self.spec.potential.pair_style.split()[0]

    @cached_property
    def names(self) -> dict[str, Any]:
        """The namespace of the task's templates: recipe < parameters, rendered."""
        return resolve(self.layers, self.source.at)

    @cached_property
    def reference(self) -> StoredReference | None:
        """The stored reference, or None if none was made yet. Raises TaskError if the file is damaged."""
        return read_references(self.folder).get(self.instance.id)

    @cached_property
    def files(self) -> dict[str, bytes]:
        """Files that every script of the task finds in its folder. Raises TaskError if one is missing."""
        try:
            return {name: (self.folder / "files" / name).read_bytes() for name in self.spec.files}
        except OSError as error:
            raise TaskError(f"{self.source.at(('files',))}: {error.filename} cannot be read") from error

    @cached_property
    def digest(self) -> str:
        """SHA-256 over all that decides the verdict on a completion: prompt, rendered specification, reference."""
        spec = self.spec.model_dump(mode="json", exclude=_NOT_JUDGED, exclude_defaults=True)
        reference = self.reference and self.reference.model_dump(mode="json", include=StoredReference.DECIDING)
        files = {name: content.decode(errors="replace") for name, content in self.files.items()}
        content = json.dumps([self.id, self.prompt, spec, reference, files], sort_keys=True)
        return hashlib.sha256(content.encode()).hexdigest()


def reference_value(task: Task) -> StoredReference:
    """The stored reference of a task. Raises TaskError if there is none or if it belongs to another family version."""
    how = f"make it with `mdevalbench tasks reference --task {task.id}`"
    if task.reference is None:
        raise TaskError(f"{task.id} has no reference value yet: {how}")
    if task.reference.version != task.spec.version:
        raise TaskError(
            f"the reference of {task.id} was made for version {task.reference.version} of the family, "
            f"which is now at version {task.spec.version}: {how}"
        )
    if task.spec.stochastic and task.reference.dof is None:
        raise TaskError(
            f"the reference of {task.id} comes from a single run, which says nothing about its spread: {how}"
        )
    return task.reference


class _Entry(BaseModel):
    """What must be right in an entry of `tasks:` before anything can be rendered."""

    model_config = ConfigDict(extra="allow")
    id: str
    parameters: dict[str, Any]


class _Skeleton(BaseModel):
    """What must be right in `family.yml` before anything can be rendered."""

    model_config = ConfigDict(extra="allow")
    family: str
    recipe: dict[str, Any]
    tasks: tuple[_Entry, ...] = Field(min_length=1)


def family_names(root: Path | None = None) -> tuple[str, ...]:
    """Names of all families, sorted."""
    return tuple(sorted(p.parent.name for p in ((root or ROOT) / "codegen").glob("*/family.yml")))


def load_family(name: str, root: Path | None = None) -> tuple[Task, ...]:
    """All tasks of a family, in the order of its file. Raises TaskError if it is unknown or malformed."""
    folder = (root or ROOT) / "codegen" / name
    if name not in family_names(root):
        known = family_names(root)
        raise TaskError(f"there is no task family {name!r}{did_you_mean(name, known, 'families')}")
    source, skeleton = _read(folder)
    return tuple(_task(source, skeleton, number) for number in range(len(skeleton.tasks)))


def load_task(task_id: str, root: Path | None = None) -> Task:
    """The task `family/instance`. Raises TaskError, with the nearest ids, if there is none."""
    family, _, instance = task_id.partition("/")
    if family in family_names(root):
        source, skeleton = _read((root or ROOT) / "codegen" / family)
        ids = [entry.id for entry in skeleton.tasks]
        if instance in ids:
            return _task(source, skeleton, ids.index(instance))
        if not instance:
            raise TaskError(f"{family!r} is a family, not a task; its tasks: {', '.join(f'{family}/{i}' for i in ids)}")
    known = list(task_ids(root))
    raise TaskError(f"there is no task {task_id!r}{did_you_mean(task_id, known) or '; see `mdevalbench tasks list`'}")


def task_ids(root: Path | None = None) -> Iterator[str]:
    """Ids of all tasks, without rendering anything."""
    for family in family_names(root):
        _, skeleton = _read((root or ROOT) / "codegen" / family)
        yield from (f"{family}/{entry.id}" for entry in skeleton.tasks)


def _read(folder: Path) -> tuple[Source, _Skeleton]:
    source = Source.read(folder / "family.yml")
    skeleton = source.validate(_Skeleton, source.data)
    if skeleton.family != folder.name:
        raise TaskError(f"{source.at(('family',))}: is {skeleton.family!r}, but the folder is called {folder.name!r}")
    seen: set[str] = set()
    for number, entry in enumerate(skeleton.tasks):
        if entry.id in seen:
            raise TaskError(f"{source.at(('tasks', number, 'id'))}: {entry.id!r} stands twice")
        seen.add(entry.id)
    return source, skeleton


def _task(source: Source, skeleton: _Skeleton, number: int) -> Task:
    entry, folder = skeleton.tasks[number], source.path.parent
    layers: dict[str, tuple[KeyPath, Any]] = {k: (("recipe", k), v) for k, v in skeleton.recipe.items()}
    layers |= {k: (("tasks", number, "parameters", k), v) for k, v in entry.parameters.items()}
    names = resolve(layers, source.at)

    parts = {
        k: render_value(v, names, source.at, (k,))
        for k, v in source.data.items()
        if k not in ("tasks", "recipe", "train")
    }
    parts["recipe"] = {k: names[k] for k in skeleton.recipe}
    this = render_value(source.data["tasks"][number], names, source.at, ("tasks", number))
    parts["tasks"] = [this | {"parameters": {k: names[k] for k in entry.parameters}}]
    spec = source.validate(FamilySpec, parts, moved={("tasks", 0): ("tasks", number)})
    prompt = render_template(folder / "prompt.md.j2", folder, names)
    return Task(f"{spec.family}/{entry.id}", spec, prompt, folder, source, layers)
