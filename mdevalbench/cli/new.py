"""`mdevalbench tasks new`: a family to begin with."""

from __future__ import annotations

from typing import Annotated

import typer

from mdevalbench.cli import completion
from mdevalbench.cli.options import TasksDir


def new(
    family: Annotated[str, typer.Argument(help="Name of the family, e.g. bulk_modulus")],
    like: Annotated[
        str | None, typer.Option(help="Begin with a copy of this family.", autocompletion=completion.families)
    ] = None,
    tasks_dir: TasksDir = None,
) -> None:
    """Write a small family that works as it is, to be changed into yours.

    It goes into `--tasks-dir`, or into the working copy that this package is installed from. What is left to do is
    marked `TODO`; `tasks verify` lists it.

    Examples: `mdevalbench tasks new bulk_modulus --tasks-dir my-families`,
    `mdevalbench tasks new shear_modulus --like elastic_constants --tasks-dir my-families`
    """
    from mdevalbench.tasks import load_family
    from mdevalbench.tasks.scaffold import scaffold

    folder = scaffold(family, like)
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        typer.echo(f"  {path.relative_to(folder.parent)}")
    known = f"  export MDEVALBENCH_TASKS_DIR={folder.parent}   so that every command knows your families\n"
    typer.echo(
        f"\nIn {folder}: a family that works as it is. Try it, then make it yours:\n"
        f"{known if tasks_dir else ''}"
        f"  mdevalbench tasks show {load_family(family)[0].id}\n"
        f"  mdevalbench tasks reference --family {family}\n"
        f"  mdevalbench tasks verify --family {family}"
    )
