"""`mdevalbench tasks verify | statistics | study`: proof that the judge judges rightly, and how often it does not."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mdevalbench.cli import completion
from mdevalbench.cli.faults import FELL_SHORT, HARNESS
from mdevalbench.cli.options import Executor, Lammps, Scheduler, TasksDir, warn_of_other_lammps
from mdevalbench.cli.output import print_json, progress
from mdevalbench.cli.question_commands import refuse_options, verify_questions
from mdevalbench.cli.tasks import Family, Jobs, Json, Suite
from mdevalbench.errors import UsageError

if TYPE_CHECKING:
    from rich.console import Console

    from mdevalbench.tasks import Task
    from mdevalbench.tasks.verification.judgements import Book
    from mdevalbench.tasks.verification.shard import Shard
    from mdevalbench.tasks.verification.statistics_page import Statistics
    from mdevalbench.tasks.verification.verify import Report

RecordFile = typer.Option(
    "--record",
    metavar="FILE",
    help="Keep every judgement there, one JSON line each; what stands there is not repeated.",
)


def verify(
    suite: Suite = "codegen",
    family: Family = None,
    task: Annotated[
        list[str] | None,
        typer.Option("--task", help="Only this task; may be given again.", autocompletion=completion.task_ids),
    ] = None,
    full: Annotated[
        bool, typer.Option("--full", help="The full set for the statistics: more seeds of every script.")
    ] = False,
    shard: Annotated[
        str | None,
        typer.Option(metavar="N|today", help="Only a part that fits into 15 minutes on two cores, and what changed."),
    ] = None,
    record: Annotated[Path | None, RecordFile] = None,
    jobs: Jobs = None,
    json: Json = False,
    executor: Executor = None,
    scheduler: Scheduler = None,
    lammps: Lammps = None,
    tasks_dir: TasksDir = None,
) -> None:
    """Prove that tasks and judge agree: reference scripts, second solutions, harmless changes and new seeds pass; wrong
    scripts and breaking changes fail. Says what is missing in a family that is not complete.

    Nothing is taken from the cache. With `--record`, an interrupted call goes on where it stopped, and after a change
    only what it concerns is judged again. Exit code 1 if anything is judged wrongly beyond the allowed fractions.

    Of a suite of questions, LAMMPS runs every check and numbers are computed again.

    Examples: `mdevalbench tasks verify --family lattice_constant`,
    `mdevalbench tasks verify --task lj_pressure/dense-0.85-1.20`, `mdevalbench tasks verify --suite syntax`
    """
    from mdevalbench.lammps.executor import open_executor
    from mdevalbench.scorers.judge import Judge
    from mdevalbench.tasks import load_suite, load_task
    from mdevalbench.tasks.qa import SUITES as QUESTIONS
    from mdevalbench.tasks.verification.cases import full_set, quick_set
    from mdevalbench.tasks.verification.stopwatch import Stopwatch
    from mdevalbench.tasks.verification.verify import verify as verify_tasks

    if suite in QUESTIONS:
        given = [("--family", family), ("--task", task), ("--full", full), ("--shard", shard), ("--record", record)]
        refuse_options(suite, given)
        verify_questions(suite, jobs, json)
        return
    tasks = tuple(load_task(one) for one in task) if task else load_suite(suite, family)
    if shard is not None:
        chosen = _shard(tasks, shard, record)
        typer.echo(chosen.in_words, err=True)
        tasks = chosen.tasks
    warn_of_other_lammps(tasks)
    with open_executor(jobs) as pool, _book(record) as book, _told_progress() as advance:
        stopwatch = Stopwatch(pool)
        report = verify_tasks(
            tasks,
            Judge(stopwatch),
            pool.workers,
            advance,
            chosen=full_set if full else quick_set,
            book=book,
            stopwatch=stopwatch,
            spared=int(shard is not None),
        )
    if json:
        print_json(report.as_json())
    else:
        _print_report(report, tasks)
    if report.harness_faults:
        raise typer.Exit(HARNESS)
    if not report.ok:
        raise typer.Exit(FELL_SHORT)


def statistics(
    record: Annotated[Path, RecordFile],
    suite: Suite = "codegen",
    family: Family = None,
    output: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the page there, in Markdown.")] = None,
    json: Json = False,
    tasks_dir: TasksDir = None,
) -> None:
    """How often the judge errs, with bounds, from the judgements that `tasks verify --full --record FILE` kept.

    Simulates nothing. Exit code 1 if judgements are missing or the suite does not reach what it has to.

    Example: `mdevalbench tasks statistics --record docs/verification.jsonl --output docs/statistics.md`
    """
    from mdevalbench.tasks import load_suite
    from mdevalbench.tasks.verification.recorded import recorded_statistics
    from mdevalbench.tasks.verification.statistics_page import as_json, page

    found = recorded_statistics(load_suite(suite, family), record)
    if output is not None:
        output.parent.mkdir(parents=True, exist_ok=True)
        output.write_text(page(found), encoding="utf-8")
    if json:
        print_json(as_json(found))
    else:
        _print_statistics(found)
    if not found.ok:
        raise typer.Exit(FELL_SHORT)


def study(
    family: Annotated[str, typer.Option("--family", "-f", help="Family.", autocompletion=completion.families)],
    jobs: Jobs = None,
    json: Json = False,
    executor: Executor = None,
    scheduler: Scheduler = None,
    lammps: Lammps = None,
    tasks_dir: TasksDir = None,
) -> None:
    """Run the convergence studies that a family declares and store them beside it, in `studies.json`.

    Finished runs are kept: an interrupted call goes on where it stopped.

    Example: `mdevalbench tasks study --family lattice_constant`
    """
    from mdevalbench.lammps.executor import open_executor
    from mdevalbench.scorers.judge import Judge
    from mdevalbench.tasks import load_family
    from mdevalbench.tasks.studies import run_studies

    with open_executor(jobs) as pool, progress("studying") as advance:
        found = run_studies(load_family(family), Judge(pool), pool.workers, advance)
    if json:
        print_json({name: one.model_dump(mode="json") for name, one in found.items()})
        return
    for name, one in found.items():
        typer.echo(f"{name}: {one.observable} in {one.unit} of {one.task} against {one.about}")
        for run in one.runs:
            value = run.reason if run.measured is None else f"{run.measured:.6g} ± {run.uncertainty:.2g}"
            typer.echo(f"  {run.value:<10g} {value}")


def _shard(tasks: Sequence[Task], wanted: str, record: Path | None) -> Shard:
    from mdevalbench.tasks.loading import ROOT
    from mdevalbench.tasks.verification.judgements import read_judgements
    from mdevalbench.tasks.verification.shard import changed_families, choose

    if not (wanted == "today" or wanted.isdecimal()):
        raise UsageError(f"--shard takes a number or `today`, not {wanted!r}")
    known = read_judgements(record) if record is not None and record.exists() else []
    return choose(tasks, None if wanted == "today" else int(wanted), changed_families(ROOT), known)


def _book(record: Path | None) -> AbstractContextManager[Book | None]:
    from mdevalbench.tasks.verification.judgements import open_book

    return open_book(record) if record is not None else nullcontext()


@contextmanager
def _told_progress() -> Iterator[Callable[[int, int], None]]:
    """A bar on a terminal; elsewhere, in a log, a line every minute."""
    if sys.stderr.isatty():
        with progress("verifying") as advance:
            yield advance
        return
    began = last = time.monotonic()

    def tell(done: int, total: int) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last >= 60 or done == total:
            last = now
            left = (now - began) / done * (total - done)
            typer.echo(f"{done} of {total} judged, {total - done} remain, about {left / 60:.0f} minutes", err=True)

    yield tell


def _print_report(report: Report, tasks: Sequence[Task]) -> None:
    from rich.console import Console

    from mdevalbench.tasks.scaffold import unfinished
    from mdevalbench.tasks.verification.advice import inventory, lacking, next_steps, remarks

    console = Console()
    incomplete = lacking(report)
    for family, problems in incomplete.items():
        console.print(f"[bold red]✗[/] [bold]{family}[/] is not complete", highlight=False)
        there = inventory([task for task in tasks if task.family == family])
        console.print(f"    it has {there}", highlight=False, markup=False, soft_wrap=True)
        for problem in problems:
            console.print(f"    - {problem}", highlight=False, markup=False, soft_wrap=True)
    for offender in report.offenders:
        if offender.kind != "content":
            name = f"{offender.task}  {offender.kind} {offender.name}".rstrip()
            console.print(f"[bold red]✗[/] [bold]{name}[/]  {offender.outcome}", highlight=False)
            for reason in offender.reasons:
                console.print(f"    {reason}", highlight=False, markup=False)
    if not incomplete:
        _print_groups(console, report)
    for remark in remarks(report):
        console.print(f"! {remark}", highlight=False, markup=False, soft_wrap=True)
    for step in next_steps(report, tasks):
        console.print(f"→ {step}", highlight=False, markup=False, soft_wrap=True)
    for folder in sorted({task.folder for task in tasks}):
        for todo in unfinished(folder):
            console.print(f"- {todo}", highlight=False, markup=False, soft_wrap=True)
    verdict = "[bold green]verified[/]" if report.ok else "[bold red]not verified[/]"
    console.print(f"\n{verdict} in {report.seconds:.0f} s")


def _print_groups(console: Console, report: Report) -> None:
    from rich.table import Table

    from mdevalbench.tasks.verification.verify import GROUPS

    table = Table("scripts", "must", "do", "of", "needed", box=None, header_style="bold")
    for name, tally in report.groups.items():
        verb, fraction = GROUPS[name]
        must = "pass" if verb == "passed" else "fail"
        style = "" if report.enough(name) else "bold red"
        table.add_row(name, must, str(tally.good), str(tally.total), f"{fraction:.0%}", style=style)
    console.print(table)


def _print_statistics(found: Statistics) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console()
    console.print(f"{len(found.judgements)} of {found.planned} scripts are judged", highlight=False)
    if found.other_judge:
        console.print(f"{found.other_judge} of them by an earlier state of the judge", highlight=False)
    table = Table("", "needed", "found", box=None, header_style="bold")
    for one in found.criteria:
        table.add_row(one.text, one.needed, one.found, style="" if one.met else "bold red")
    console.print(table)
    for problem in found.problems:
        console.print(f"→ {problem}", highlight=False, markup=False, soft_wrap=True)
    if len(found.judgements) < found.planned:
        console.print("→ Judge the rest: make verify-full", highlight=False)
