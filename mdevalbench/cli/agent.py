"""`mdevalbench agent`: a model writes a simulation for a request, and mends it until it runs and nothing is wrong."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated

import typer

from mdevalbench.cli import completion
from mdevalbench.cli.faults import FELL_SHORT, HARNESS
from mdevalbench.cli.options import Executor, Lammps, Scheduler, TasksDir
from mdevalbench.errors import UsageError

if TYPE_CHECKING:
    from mdevalbench.agent.bench import Bench
    from mdevalbench.agent.budget import Budget
    from mdevalbench.agent.trajectory import Trajectory
    from mdevalbench.agent.watching import Watch

RETRIES = 5
"""of a provider that does not answer: about a minute and a half"""


class Mode(StrEnum):
    """How the model works."""

    WORKFLOW = "workflow"
    TOOLS = "tools"


def agent(
    request: Annotated[str | None, typer.Argument(help="What is wanted, in words.")] = None,
    model: Annotated[
        str, typer.Option(help="A model of Inspect (provider/model) or the name of a card.")
    ] = "mdevalbench/apprentice",
    task: Annotated[
        str | None,
        typer.Option(help="Answer the prompt of this task instead.", autocompletion=completion.task_ids),
    ] = None,
    mode: Annotated[
        Mode,
        typer.Option(
            help="workflow: write, check, run, mend, for any model; tools: a model that calls tools works by itself."
        ),
    ] = Mode.WORKFLOW,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", file_okay=False, help="Folder for script, page and data.")
    ] = None,
    rounds: Annotated[
        int | None, typer.Option(min=1, help="Answers of the model, at most: 5, and 15 with tools.", show_default=False)
    ] = None,
    max_tokens: Annotated[int, typer.Option(min=1, help="Tokens, at most, all answers together.")] = 200_000,
    seconds: Annotated[float, typer.Option(min=1, help="Wall time, at most.")] = 1800.0,
    cpu_seconds: Annotated[float, typer.Option(min=1, help="CPU time of LAMMPS, at most, all runs together.")] = 600.0,
    base_url: Annotated[str | None, typer.Option(help="Address of the model's server.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the trajectory as JSON.")] = False,
    executor: Executor = None,
    scheduler: Scheduler = None,
    lammps: Lammps = None,
    tasks_dir: TasksDir = None,
) -> None:
    """Let a model write a LAMMPS simulation, check and run it, look at its physics, and mend it.

    Examples: `mdevalbench agent "thermal expansion of copper at 300 K" --model openai/gpt-5`,
    `mdevalbench agent --task lattice_constant/cu-mishin`

    With --task the script is judged at the end, like any answer; the model learns nothing of that.

    Exit code 0: a script ran and nothing was found wrong (with --task: it passed). 1: not. 2: wrong usage.
    3: the model's provider or the harness failed; what came before is kept.
    """
    from mdevalbench.agent.bench import Bench
    from mdevalbench.agent.budget import Budget
    from mdevalbench.agent.keeping import keep
    from mdevalbench.agent.wish import NOT_OURS, understand
    from mdevalbench.lammps.executor import open_executor
    from mdevalbench.scorers.judge import Judge
    from mdevalbench.tasks import given_files, load_task, reference_value

    if (request is None) == (task is None):
        raise UsageError('give a request in quotes, as "thermal expansion of copper at 300 K", or --task ID')
    asked = load_task(task).prompt if task else str(request)
    if task:
        reference_value(load_task(task))
    folder = output or _folder(task or asked)
    if folder.exists() and any(folder.iterdir()):
        raise UsageError(f"{folder} exists already and is not empty: give another folder with --output")
    if not understand(asked).of_the_field:
        raise UsageError(NOT_OURS)
    rounds = rounds or (5 if mode is Mode.WORKFLOW else 15)
    budget = Budget(rounds=rounds, tokens=max_tokens, seconds=seconds, cpu_seconds=cpu_seconds)
    with open_executor(1) as pool, TemporaryDirectory() as made:
        given = given_files(task) if task else {}
        found = _pursue(asked, mode, model, base_url, Bench(pool, given), budget, Path(made))
        page = keep(found, folder, Path(made))
        best = None if found.failed else found.best
        verdict = Judge(pool).judge(load_task(task), best.completion) if task and best else None
    if json:
        typer.echo(found.model_dump_json(indent=1))
    else:
        _print(found, page)
        if verdict:
            typer.echo(f"judged  {'passed' if verdict.passed else '; '.join(verdict.reasons)}")
    if found.failed:
        raise typer.Exit(HARNESS)
    if not (verdict.passed if verdict else found.done and not task):
        raise typer.Exit(FELL_SHORT)


def _pursue(
    request: str, mode: Mode, model: str, base_url: str | None, bench: Bench, budget: Budget, folder: Path
) -> Trajectory:
    import anyio
    from inspect_ai.model import GenerateConfig, get_model

    from mdevalbench.agent import single
    from mdevalbench.agent.workflow import Agent
    from mdevalbench.agent.writer import InspectWriter
    from mdevalbench.zoo.cards import Settings, named
    from mdevalbench.zoo.opening import check_model

    card = named(model)
    name = card.inspect or model if card else model
    settings = card.generation if card else Settings()
    check_model(name, base_url)

    watching = _shown("call" if mode is Mode.TOOLS else "answer")
    config = GenerateConfig(max_retries=RETRIES, **settings.model_dump(exclude_none=True))
    opened = get_model(name, config=config, base_url=base_url, memoize=False)
    if mode is Mode.TOOLS:
        with watching as watch:
            return single.pursue(request, opened, bench.executor, budget, folder, bench.given, watch)

    async def pursue() -> Trajectory:
        async with opened:
            with watching as watch:
                return await Agent(InspectWriter(opened), bench, budget, watch).pursue(request)

    return anyio.run(pursue)


@contextmanager
def _shown(each: str) -> Iterator[Watch]:
    """What happens, as lines; on a terminal with the time that the last takes."""
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = SpinnerColumn(), TextColumn("{task.description}", markup=False), TimeElapsedColumn()
    with Progress(*columns, console=Console(stderr=True, highlight=False), transient=True) as progress:
        current = progress.add_task("")

        def show(number: int, what: str) -> None:
            progress.console.print(f"{each} {number}: {what}", markup=False)
            progress.reset(current, description=what)

        yield show


def _folder(text: str) -> Path:
    """A name of its own for a request."""
    name = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:50].strip("-") or "request"
    taken = (Path("agent") / (name if number == 1 else f"{name}-{number}") for number in range(1, 10_000))
    return next(folder for folder in taken if not folder.exists())


def _print(found: Trajectory, page: Path) -> None:
    from rich.console import Console

    console = Console()
    marks = {"fine": "[green]✓[/]", "doubt": "[yellow]±[/]", "wrong": "[red]✗[/]", "unknown": "[dim]?[/]"}
    best = found.best
    if best:
        for finding in best.findings:
            console.print(f"{marks[finding.state]} {finding.check}: ", end="")
            console.print(finding.words, markup=False, highlight=False)
        for problem in best.problems:
            console.print(f"✗ {problem.words}", markup=False, highlight=False, style="red")
    result = best.result if best and best.result else "no result"
    console.print(f"\n{result}", style="bold", markup=False, highlight=False)
    console.print(f"{'done' if found.done else 'not done'}: {found.stopped}", markup=False, highlight=False)
    did = f"{len(found.calls)} calls of tools" if found.calls else f"{len(found.rounds)} answers"
    spent = f"{did}, {found.tokens} tokens, {found.seconds:.0f} s, {found.cpu_seconds:.1f} CPU s"
    console.print(f"{spent} of LAMMPS\npage    {page}\nscript  {page.with_name('in.lmp')}", style="dim", soft_wrap=True)
