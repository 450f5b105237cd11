"""From the folders of `tasks/codegen` to `Task` records, one per instance of a family."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field

from mdevalbench.errors import TaskError
from mdevalbench.tasks.references import StoredReference, read_references, write_references
from mdevalbench.tasks.render import render_template, render_value, resolve
from mdevalbench.tasks.schema import FamilySpec, TaskSpec
from mdevalbench.tasks.source import KeyPath, Source, did_you_mean

ROOT = Path(__file__).resolve().parent
"""the folder that holds `codegen/<family>/` and `suites.yml`"""
TASKS_DIR = "MDEVALBENCH_TASKS_DIR"
"""environment variable that names a further folder of families, `<family>/family.yml`"""

DRAWN = "draw-"
"""how the instance of a drawn task begins"""

Layers = Mapping[str, tuple[KeyPath, Any]]
"""name -> (key path in `family.yml`, unrendered value)"""

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
    seeds: ClassVar[int] = 16
    """runs that a stochastic reference needs"""

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

    def keep_reference(self, reference: StoredReference) -> None:
        """Store a reference value, whole or as far as it is measured."""
        write_references(self.folder, read_references(self.folder) | {self.instance.id: reference})

    @property
    def to_make_reference(self) -> str:
        """The command that makes the reference value."""
        return f"mdevalbench tasks reference --task {self.id}"

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


def given_files(task_id: str) -> dict[str, str]:
    """Files that every script of a task finds in its folder, by name; all that is asked for is in the prompt and these.

    Raises TaskError if there is no such task.
    """
    return {name: content.decode() for name, content in load_task(task_id).files.items()}


def reference_value(task: Task) -> StoredReference:
    """The stored reference of a task. Raises TaskError if there is none or if it belongs to another family version."""
    how = f"make it with `{task.to_make_reference}`"
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


class Entry(BaseModel):
    """What must be right in an entry of `tasks:` before anything can be rendered."""

    model_config = ConfigDict(extra="allow")
    id: str
    parameters: dict[str, Any]


class Skeleton(BaseModel):
    """What must be right in `family.yml` before anything can be rendered."""

    model_config = ConfigDict(extra="allow")
    family: str
    recipe: dict[str, Any]
    tasks: tuple[Entry, ...] = Field(min_length=1)


def family_names(root: Path | None = None) -> tuple[str, ...]:
    """Names of all families, sorted."""
    return tuple(sorted(family_folders(root)))


def family_folders(root: Path | None = None) -> dict[str, Path]:
    """Family -> its folder: those of the package, and of the folder that the environment names.

    Raises TaskError if that folder has no family, or one that is called like another.
    """
    families = {path.parent.name: path.parent for path in ((root or ROOT) / "codegen").glob("*/family.yml")}
    if root is None and (outside := os.environ.get(TASKS_DIR)):
        further = {path.parent.name: path.parent for path in Path(outside).glob("*/family.yml")}
        if not further:
            raise TaskError(_why_no_family(Path(outside)))
        for name in families.keys() & further.keys():
            raise TaskError(f"two families are called {name!r}: {families[name]} and {further[name]}; rename one")
        families |= further
    return families


def _why_no_family(folder: Path) -> str:
    if not folder.is_dir():
        return f"the tasks folder {folder} is not there; `mdevalbench tasks new FAMILY --tasks-dir {folder}` makes it"
    if (folder / "family.yml").is_file():
        return f"{folder} is the folder of one family: give the folder above it, {folder.parent}"
    return (
        f"the tasks folder {folder} holds no family (<family>/family.yml); "
        f"`mdevalbench tasks new FAMILY --tasks-dir {folder}` makes one"
    )


def load_family(name: str, root: Path | None = None) -> tuple[Task, ...]:
    """All tasks of a family, in the order of its file. Raises TaskError if it is unknown or malformed."""
    source, skeleton = read_family(name, root)
    return tuple(_task(source, skeleton, number) for number in range(len(skeleton.tasks)))


def load_task(task_id: str, root: Path | None = None) -> Task:
    """The task `family/instance`, a drawn one (`family/draw-7-0`) too. Raises TaskError, with the nearest ids."""
    family, _, instance = task_id.partition("/")
    if family in family_names(root):
        source, skeleton = read_family(family, root)
        ids = [entry.id for entry in skeleton.tasks]
        if instance in ids:
            return _task(source, skeleton, ids.index(instance))
        if instance.startswith(DRAWN):
            from mdevalbench.tasks.drawn.drawing import drawn_task  # draws are made of what is here

            return drawn_task(family, instance, root)
        if not instance:
            raise TaskError(f"{family!r} is a family, not a task; its tasks: {', '.join(f'{family}/{i}' for i in ids)}")
    known = list(task_ids(root))
    raise TaskError(f"there is no task {task_id!r}{did_you_mean(task_id, known) or '; see `mdevalbench tasks list`'}")


def task_ids(root: Path | None = None) -> Iterator[str]:
    """Ids of all tasks that are written down, without rendering anything."""
    for family in family_names(root):
        _, skeleton = read_family(family, root)
        yield from (f"{family}/{entry.id}" for entry in skeleton.tasks)


def read_family(name: str, root: Path | None = None) -> tuple[Source, Skeleton]:
    """The content of `family.yml` before anything is rendered. Raises TaskError if it is unknown or malformed."""
    folders = family_folders(root)
    if name not in folders:
        raise TaskError(f"there is no task family {name!r}{did_you_mean(name, folders, 'families')}")
    path = folders[name] / "family.yml"
    return _parsed(path, path.read_bytes())


@lru_cache(maxsize=256)
def _parsed(path: Path, content: bytes) -> tuple[Source, Skeleton]:
    """Parsing takes longer than all the rest; `content` is that of the file, so that a change is seen."""
    source = Source.read(path)
    skeleton = source.validate(Skeleton, source.data)
    if skeleton.family != path.parent.name:
        where = source.at(("family",))
        raise TaskError(f"{where}: is {skeleton.family!r}, but the folder is called {path.parent.name!r}")
    seen: set[str] = set()
    for number, entry in enumerate(skeleton.tasks):
        where = source.at(("tasks", number, "id"))
        if entry.id in seen:
            raise TaskError(f"{where}: {entry.id!r} stands twice")
        if entry.id.startswith(DRAWN):
            raise TaskError(f"{where}: ids that begin with {DRAWN!r} belong to drawn tasks")
        seen.add(entry.id)
    return source, skeleton


def _task(source: Source, skeleton: Skeleton, number: int) -> Task:
    entry, where = skeleton.tasks[number], ("tasks", number)
    layers: dict[str, tuple[KeyPath, Any]] = {k: (("recipe", k), v) for k, v in skeleton.recipe.items()}
    layers |= {k: ((*where, "parameters", k), v) for k, v in entry.parameters.items()}
    names = resolve(layers, source.at)
    spec = render_spec(source, source.data, source.data["tasks"][number], names, where)
    return Task(f"{spec.family}/{entry.id}", spec, render_prompt(source, names), source.path.parent, source, layers)


def render_spec(
    source: Source, content: Mapping[str, Any], entry: Mapping[str, Any], names: Mapping[str, Any], where: KeyPath
) -> FamilySpec:
    """The content of a family rendered for one task, whose entry stands at the key path `where` of the file."""
    parts = {
        k: render_value(v, names, source.at, (k,)) for k, v in content.items() if k not in ("tasks", "recipe", "train")
    }
    parts["recipe"] = {k: names[k] for k in content["recipe"]}
    rendered = render_value({k: v for k, v in entry.items() if k != "parameters"}, names, source.at, where)
    parts["tasks"] = [rendered | {"parameters": {k: names[k] for k in entry["parameters"]}}]
    return source.validate(FamilySpec, parts, moved={("tasks", 0): where})


def render_prompt(source: Source, names: Mapping[str, Any]) -> str:
    """The prompt of the task whose templates see these names."""
    folder = source.path.parent
    return render_template(folder / "prompt.md.j2", folder, names)
