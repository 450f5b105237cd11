"""`mdevalbench tasks export`: tasks as the data set of a trainer."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mdevalbench.cli.draw import unmeasurable
from mdevalbench.cli.options import DrawSeed, Executor, Lammps, Scheduler, TasksDir
from mdevalbench.cli.tasks import Family, Jobs, Suite
from mdevalbench.errors import TaskError

if TYPE_CHECKING:
    from mdevalbench.tasks import Task


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
    references: Annotated[
        bool,
        typer.Option("--references/--no-references", help="Measure references of drawn tasks that are not there yet."),
    ] = True,
    jobs: Jobs = None,
    executor: Executor = None,
    scheduler: Scheduler = None,
    lammps: Lammps = None,
    tasks_dir: TasksDir = None,
) -> None:
    """Write tasks as the data set of a trainer: questions and ids, no answers.

    The reward functions of mdevalbench.reward, and `mdevalbench serve reward`, judge by these rows. Drawn tasks whose
    reference cannot be measured are left out, since they would end a training; with `--no-references` they are not
    tried, and references are measured where tasks are judged first.

    Examples: `mdevalbench tasks export --format trl --seed 7 -n 1000 --output train.jsonl`,
    `mdevalbench tasks export --format verl --family lj_pressure --seed 7 -n 100 --output train.parquet`
    """
    from mdevalbench.tasks import load_suite, suites
    from mdevalbench.tasks.export import check_path, rows, write

    check_path(output)
    found = load_suite(suite, family, seed=seed, count=number)[:number]
    content = {task.id: row for task, row in zip(found, rows(found, trainer), strict=True)}
    for task_id, reason in (_left_out(found, jobs) if references else {}).items():
        del content[task_id]
        typer.echo(f"left out: {reason}", err=True)
    if not content:
        raise TaskError("no task is left to write")
    write(list(content.values()), output)
    typer.echo(f"{len(content)} tasks of suite {suite} in {output}", err=True)
    if not suites()[suite].drawn:
        typer.echo("Warning: models are measured by these tasks; to train, draw others (codegen-train)", err=True)


def _left_out(tasks: Sequence[Task], jobs: int | None) -> dict[str, str]:
    """Why references cannot be measured, by task."""
    from mdevalbench.lammps.executor import open_executor

    missing = [task for task in tasks if task.reference is None]
    if not missing:
        return {}
    with open_executor(jobs) as pool:
        return unmeasurable(missing, pool)
