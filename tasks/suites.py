"""Suites: named selections of tasks, or of families to draw from, written down in `suites.yml`."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from fnmatch import fnmatchcase
from pathlib import Path

from pydantic import Field, RootModel

from mdevalbench.errors import TaskError
from mdevalbench.tasks import loading
from mdevalbench.tasks.drawn import drawing
from mdevalbench.tasks.drawn.seeds import Seed
from mdevalbench.tasks.loading import Task, load_family, load_task, task_ids
from mdevalbench.tasks.qa.suites import ASKED
from mdevalbench.tasks.source import Source, did_you_mean
from mdevalbench.types import Record


class SuiteSpec(Record):
    """One entry of `suites.yml`."""

    description: str
    tasks: tuple[str, ...] = Field((), min_length=1)
    """task ids or shell patterns over them (`lattice_constant/*`)"""
    drawn: int = Field(0, ge=1)
    """tasks that are drawn where no other number is asked for, in turn from every family with a `train` section"""
    frozen: str = ""
    """`digest` of the tasks when the suite was frozen: results of different days are comparable while it holds"""


class _Suites(RootModel[dict[str, SuiteSpec]]):
    pass


def suites(root: Path | None = None) -> dict[str, SuiteSpec]:
    """All suites by name. Raises TaskError if `suites.yml` is malformed."""
    source = Source.read((root or loading.ROOT) / "suites.yml")
    found = source.validate(_Suites, source.data).root
    for name, suite in found.items():
        if bool(suite.tasks) == bool(suite.drawn):
            raise TaskError(f"{source.at((name,))}: give either `tasks`, at least one, or `drawn`")
    return found


def digest(tasks: Iterable[Task]) -> str:
    """SHA-256 over all that decides verdicts on these tasks, in hexadecimal; their order does not matter."""
    return hashlib.sha256("\n".join(sorted(task.digest for task in tasks)).encode()).hexdigest()


def suite_names(root: Path | None = None) -> tuple[str, ...]:
    """Names of all suites."""
    return tuple(suites(root))


def load_suite(
    name: str,
    family: str | None = None,
    root: Path | None = None,
    *,
    seed: str | int | None = None,
    count: int | None = None,
) -> tuple[Task, ...]:
    """Tasks of a suite, those of one family if it is given.

    Args:
        name: as in `suites.yml`.
        family: only this one.
        root: another tasks folder.
        seed: number or label of the seed (`seeds.Seed`), for a suite that is drawn; by default that of the environment.
        count: tasks of a suite that is drawn.

    Raises TaskError if the suite or family is unknown, if an entry of the suite fits no task, if nothing is left, or if
    a seed is missing or not wanted.
    """
    known = suites(root)
    if name in ASKED:
        raise TaskError(f"suite {name!r} holds no physics tasks: `mdevalbench eval --suite {name}` asks what it holds")
    if name not in known:
        raise TaskError(f"there is no suite {name!r}{did_you_mean(name, (*known, *ASKED), 'suites')}")
    if family is not None:
        load_family(family, root)
    if known[name].drawn:
        return drawing.draw_in_turn(Seed.labelled(seed), count or known[name].drawn, family, root)
    if seed is not None:
        drawn = ", ".join(suite for suite in known if known[suite].drawn) or "none"
        raise TaskError(f"the tasks of suite {name!r} are written down and need no seed; drawn suites: {drawn}")
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
