"""`mdevalbench tasks export`: tasks as the data set of a trainer."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mdevalbench.cli.options import DrawSeed, TasksDir
from mdevalbench.cli.tasks import Family, Suite


def export(
    trainer: Annotated[str, typer.Option("--format", help="Who reads it: trl, verl, openrlhf or verifiers.")],
    output: Annotated[
        Path,
        typer.Option("--output", "-o", dir_okay=False, help="File to write: .jsonl, or .parquet as verl reads it."),
    ],
    suite: Suite = "codegen-train",
    family: Family = None,
    seed: DrawSeed = None,
    number: Annotated[
        int | None, typer.Option("-n", "--number", min=1, help="How many tasks; by default those of the suite.")
    ] = None,
    tasks_dir: TasksDir = None,
) -> None:
    """Write tasks as the data set of a trainer: questions and ids, no answers.

    The reward functions of mdevalbench.reward, and `mdevalbench serve reward`, judge by these rows. References of drawn
    tasks are measured where they are judged first; `mdevalbench tasks draw` with the same seed does so beforehand.

    Examples: `mdevalbench tasks export --format trl --seed 7 -n 1000 --output train.jsonl`,
    `mdevalbench tasks export --format verl --family lj_pressure --seed 7 -n 100 --output train.parquet`
    """
    from mdevalbench.tasks import load_suite, suites
    from mdevalbench.tasks.export import rows, write

    found = load_suite(suite, family, seed=seed, count=number)[:number]
    write(rows(found, trainer), output)
    typer.echo(f"{len(found)} tasks of suite {suite} in {output}", err=True)
    if not suites()[suite].drawn:
        typer.echo("Warning: models are measured by these tasks; to train, draw others (codegen-train)", err=True)
