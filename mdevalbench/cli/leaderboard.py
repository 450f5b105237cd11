"""`mdevalbench leaderboard add | verify | build`: from logs to a page that anyone can check."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mdevalbench.cli.options import CardsDir, Lammps, TasksDir
from mdevalbench.cli.output import progress

app = typer.Typer(no_args_is_help=True, help="Keep results of evaluations, check them, and make pages of them.")

Logs = Annotated[list[Path], typer.Argument(metavar="LOG...", help="Logs of `mdevalbench eval`, or folders of them.")]
Sample = Annotated[
    float, typer.Option(min=0, max=1, help="Share of the answers that are judged again, at least five of them.")
]
Data = Annotated[
    Path | None, typer.Option(metavar="DIR", help="Folder with the published MD-EvalBench, for logs of its suites.")
]


def add(
    logs: Logs,
    sample: Sample = 0.25,
    data: Data = None,
    results: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Where results are kept. [default: those of the package]")
    ] = None,
    lammps: Lammps = None,
    tasks_dir: TasksDir = None,
    cards_dir: CardsDir = None,
) -> None:
    """Check logs and keep their numbers as JSON, one file for each.

    A log is refused, and nothing is written, if it is damaged, not complete, of another version of its suite, if its
    numbers do not follow from its verdicts, or if a verdict does not come back when answers are judged again.

    Example: `mdevalbench leaderboard add logs/2026-11-28T10-00-00-00-00_codegen_x.eval`
    """
    from mdevalbench.leaderboard.checking import check, chosen_logs, judge_again, open_log
    from mdevalbench.leaderboard.results import FOLDER, result_of, write_result

    kept = []
    for path in chosen_logs(logs):
        log = open_log(path)
        whole = check(log, data)
        with progress(f"judging {path.name[:40]} again") as advance:
            verified = judge_again(log, sample, progress=advance)
        kept.append(result_of(log, verified, whole))
    for result in kept:
        path = write_result(result, results or FOLDER)
        part = "" if result.whole else ", a part of the suite"
        typer.echo(
            f"{result.card or result.model} on {result.suite}: {len(result.answers)} tasks{part}; "
            f"{result.verified.answers} of {result.verified.of} answers judged again\n  {path}"
        )


def verify(
    logs: Logs,
    sample: Sample = 1.0,
    data: Data = None,
    lammps: Lammps = None,
    tasks_dir: TasksDir = None,
) -> None:
    """Check logs as `add` does, and keep nothing.

    Example: `mdevalbench leaderboard verify logs --sample 0.1`
    """
    from mdevalbench.leaderboard.checking import check, chosen_logs, judge_again, open_log

    for path in chosen_logs(logs):
        log = open_log(path)
        check(log, data)
        with progress(f"judging {path.name[:40]} again") as advance:
            verified = judge_again(log, sample, progress=advance)
        typer.echo(f"{path}: holds; {verified.answers} of {verified.of} answers were judged again")


def build(
    output: Annotated[Path, typer.Option("--output", "-o", metavar="DIR", help="Folder of the site.")] = Path("site"),
    results: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Where results are kept. [default: those of the package]")
    ] = None,
    cards_dir: CardsDir = None,
) -> None:
    """Make the pages of the leaderboard from the results that are kept: open `DIR/index.html`.

    Example: `mdevalbench leaderboard build --output site`
    """
    from mdevalbench.leaderboard import site
    from mdevalbench.leaderboard.results import FOLDER

    for remark in site.build(output, results or FOLDER):
        typer.echo(remark, err=True)
    typer.echo(str(output / "index.html"))
