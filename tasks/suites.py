"""Suites: named selections of tasks, written down in `suites.yml`."""

from __future__ import annotations

from fnmatch import fnmatchcase
from pathlib import Path

from pydantic import Field, RootModel

from mdevalbench.errors import TaskError
from mdevalbench.tasks import loading
from mdevalbench.tasks.loading import Task, load_family, load_task, task_ids
from mdevalbench.tasks.source import Source, did_you_mean
from mdevalbench.types import Record


class SuiteSpec(Record):
    """One entry of `suites.yml`."""

    description: str
    tasks: tuple[str, ...] = Field(min_length=1)
    """task ids or shell patterns over them (`lattice_constant/*`)"""


class _Suites(RootModel[dict[str, SuiteSpec]]):
    pass


def suites(root: Path | None = None) -> dict[str, SuiteSpec]:
    """All suites by name. Raises TaskError if `suites.yml` is malformed."""
    source = Source.read((root or loading.ROOT) / "suites.yml")
    return source.validate(_Suites, source.data).root


def suite_names(root: Path | None = None) -> tuple[str, ...]:
    """Names of all suites."""
    return tuple(suites(root))


def load_suite(name: str, family: str | None = None, root: Path | None = None) -> tuple[Task, ...]:
    """Tasks of a suite, those of one family if it is given.

    Raises TaskError if the suite or family is unknown, if an entry of the suite fits no task, or if nothing is left.
    """
    known = suites(root)
    if name not in known:
        raise TaskError(f"there is no suite {name!r}{did_you_mean(name, known, 'suites')}")
    if family is not None:
        load_family(family, root)
    ids = list(task_ids(root))
    chosen: dict[str, None] = {}
    for pattern in known[name].tasks:
        fitting = [i for i in ids if fnmatchcase(i, pattern)]
        if not fitting:
            raise TaskError(f"suites.yml: {name}: {pattern!r} fits no task{did_you_mean(pattern, ids)}")
        chosen |= dict.fromkeys(fitting)
    found = tuple(load_task(i, root) for i in chosen if family in (None, i.partition("/")[0]))
    if not found:
        raise TaskError(f"suite {name!r} holds no task of family {family!r}")
    return found
