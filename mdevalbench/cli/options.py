"""Options that several commands share."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mdevalbench.errors import UsageError

if TYPE_CHECKING:
    from mdevalbench.tasks import Task

_VARIABLE = "MDEVALBENCH_LAMMPS"
_TASKS_DIR = "MDEVALBENCH_TASKS_DIR"
_CARDS_DIR = "MDEVALBENCH_CARDS"
_EXECUTOR, _SCHEDULER = "MDEVALBENCH_EXECUTOR", "MDEVALBENCH_SCHEDULER"


def _choose(path: str | None) -> str | None:
    """Make this the LAMMPS of the process and of those that it starts."""
    if path:
        from mdevalbench.lammps import install

        os.environ[_VARIABLE] = str(Path(path).expanduser().absolute())
        try:
            install.chosen()
        except UsageError as error:
            raise typer.BadParameter(str(error)) from error
    return path


Lammps = Annotated[
    str | None,
    typer.Option(
        "--lammps",
        metavar="PATH",
        envvar=_VARIABLE,
        callback=_choose,
        help="Use this LAMMPS instead of the pinned one: an lmp, a liblammps.so, a prefix or a build folder.",
    ),
]
"""a parameter of this type need not be read: the choice is made before the command begins"""


def _remember(variable: str) -> Callable[[str | None], str | None]:
    """A callback that keeps a choice in the environment, where `open_executor` finds it."""

    def keep(value: str | None) -> str | None:
        if value:
            os.environ[variable] = value
        return value

    return keep


class Where(StrEnum):
    """Kinds of executors."""

    LOCAL = "local"
    DASK = "dask"


Executor = Annotated[
    Where | None,
    typer.Option(
        "--executor",
        envvar=_EXECUTOR,
        callback=_remember(_EXECUTOR),
        help="Where scripts run: in processes of this machine (the default) or by Dask.",
    ),
]
"""need not be read, like `Lammps`"""
Scheduler = Annotated[
    str | None,
    typer.Option(
        "--scheduler",
        metavar="ADDRESS",
        envvar=_SCHEDULER,
        callback=_remember(_SCHEDULER),
        help="A running Dask scheduler, e.g. tcp://host:8786. Without one, Dask starts workers here.",
    ),
]
"""need not be read, like `Lammps`"""


def _seal(text: str | None) -> str | None:
    """The label of a seed: a number is shown as it is, any other text goes where only this process sees it."""
    if text is None or text.isdecimal():
        return text
    import re

    from mdevalbench.tasks.drawn import seeds

    if re.fullmatch(seeds.LABEL, text):
        return text
    try:
        label = seeds.Seed.sealed(text).label
    except UsageError as error:
        raise typer.BadParameter(str(error)) from error
    os.environ[seeds.VARIABLE] = text
    return label


DrawSeed = Annotated[
    str | None,
    typer.Option(
        "--seed",
        callback=_seal,
        help="Seed of drawn tasks: a number; any other text, and $MDEVALBENCH_SEAL, stays secret (a sealed suite).",
    ),
]
"""arrives as the label that ids show"""


def _find(folder: str | None) -> str | None:
    """Make the families of a folder known to the process and to those that it starts."""
    if folder:
        os.environ[_TASKS_DIR] = str(Path(folder).expanduser().absolute())
    return folder


TasksDir = Annotated[
    str | None,
    typer.Option(
        "--tasks-dir",
        metavar="DIR",
        envvar=_TASKS_DIR,
        callback=_find,
        help="A folder with families of your own, DIR/FAMILY/family.yml, beside those of the package.",
    ),
]
"""need not be read, like `Lammps`"""


def _take_cards(folder: str | None) -> str | None:
    if folder:
        os.environ[_CARDS_DIR] = str(Path(folder).expanduser().absolute())
    return folder


CardsDir = Annotated[
    str | None,
    typer.Option(
        "--cards-dir",
        metavar="DIR",
        envvar=_CARDS_DIR,
        callback=_take_cards,
        help="A folder with model cards of your own, DIR/NAME.yml, beside those of the package.",
    ),
]
"""need not be read, like `Lammps`"""


def warn_of_other_lammps(tasks: Iterable[Task]) -> None:
    """Say on standard error if references were measured with another LAMMPS than the one in use."""
    from mdevalbench.tasks.references import other_lammps

    if warning := other_lammps(task.reference for task in tasks):
        typer.echo(f"Warning: {warning}", err=True)
