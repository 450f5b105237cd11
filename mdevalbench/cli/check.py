"""`mdevalbench check`: read a script without running it."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from mdevalbench.cli.faults import FELL_SHORT
from mdevalbench.cli.options import Lammps
from mdevalbench.cli.output import print_json


def check(
    script: Annotated[str, typer.Argument(help="LAMMPS input file; - for standard input.")],
    json: Annotated[bool, typer.Option("--json", help="Print the diagnostics as JSON.")] = False,
    lammps: Lammps = None,
) -> None:
    """Tell what the installed LAMMPS would not accept: unknown commands and styles, missing files, forbidden commands.

    Nothing is run. Exit code 1 if there is an error; warnings alone do not count.

    Example: `mdevalbench check in.melt`
    """
    from mdevalbench.cli.score import read_answer
    from mdevalbench.extract import extract
    from mdevalbench.lammps.check import check as find
    from mdevalbench.lammps.check import render

    answer = read_answer(script)
    text = extract(answer).script or answer
    found = find(text)
    if json:
        print_json([asdict(diagnostic) for diagnostic in found])
    else:
        typer.echo(render(found, text) if found else "nothing to object to")
    if any(diagnostic.severity == "error" for diagnostic in found):
        raise typer.Exit(FELL_SHORT)
