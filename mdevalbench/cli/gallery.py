"""`mdevalbench tasks gallery`: a page for each family."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mdevalbench.cli.options import TasksDir
from mdevalbench.cli.tasks import Suite
from mdevalbench.cli.verify import RecordFile


def gallery(
    record: Annotated[Path | None, RecordFile] = None,
    suite: Suite = "codegen",
    output: Annotated[Path, typer.Option(metavar="FOLDER", help="Where the pages go.")] = Path("docs/gallery"),
    tasks_dir: TasksDir = None,
) -> None:
    """Write a page for each family: the question, what is measured, convergence, tolerance, and what goes wrong.

    Simulates nothing: pictures come from `tasks study` and from the judgements that `tasks verify --record FILE` kept.

    Example: `mdevalbench tasks gallery --record docs/verification.jsonl`
    """
    from mdevalbench.tasks import load_suite
    from mdevalbench.tasks.gallery import write_gallery
    from mdevalbench.tasks.verification.recorded import recorded_statistics

    tasks = load_suite(suite)
    families = {name: [task for task in tasks if task.family == name] for name in sorted({t.family for t in tasks})}
    judgements = recorded_statistics(tasks, record).judgements if record is not None else ()
    write_gallery(families, judgements, output)
    typer.echo(f"{len(families)} pages in {output}; begin with {output / 'README.md'}")
