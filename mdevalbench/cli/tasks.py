"""`mdevalbench tasks`: list, show, reference; `verify` has the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from mdevalbench.cli import completion
from mdevalbench.cli.faults import guarded
from mdevalbench.cli.options import DrawSeed, Executor, Lammps, Scheduler, TasksDir
from mdevalbench.cli.output import print_json, progress, with_uncertainty
from mdevalbench.cli.question_commands import list_questions, refuse_options, show_question
from mdevalbench.errors import UsageError

if TYPE_CHECKING:
    from mdevalbench.tasks import Task

app = typer.Typer(
    no_args_is_help=True, help="The questions: what they ask, and the proof that they are judged rightly."
)

Family = Annotated[
    str | None, typer.Option("--family", "-f", help="Only this family.", autocompletion=completion.families)
]
Suite = Annotated[str, typer.Option("--suite", "-s", help="Suite of tasks.", autocompletion=completion.suites)]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Jobs = Annotated[
    int | None, typer.Option("--jobs", "-j", min=1, help="Scripts at once; by default what there is room for.")
]
TaskId = Annotated[
    str, typer.Argument(help="Task id, e.g. lattice_constant/cu-mishin", autocompletion=completion.task_ids)
]


@app.command("list")
@guarded
def list_(
    suite: Suite = "codegen",
    family: Family = None,
    seed: DrawSeed = None,
    limit: Annotated[int | None, typer.Option(min=1, help="At most so many tasks.")] = None,
    json: Json = False,
    tasks_dir: TasksDir = None,
) -> None:
    """List tasks.

    Examples: `mdevalbench tasks list --suite demo`, `mdevalbench tasks list --suite codegen-train --seed 7 --limit 10`
    """
    from mdevalbench.tasks import load_suite
    from mdevalbench.tasks.qa import SUITES as QUESTIONS

    if suite in QUESTIONS:
        refuse_options(suite, [("--family", family), ("--seed", seed)])
        list_questions(suite, limit, json)
        return
    found = load_suite(suite, family, seed=seed, count=limit)[:limit]
    if json:
        print_json([_summary(task, suite) for task in found])
        return
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, header_style="bold", pad_edge=False)
    for heading in ("task", "level", "materials", "pair style"):
        table.add_column(heading, no_wrap=True)
    family_before = ""
    for task in found:
        if task.family != family_before:
            table.add_row(f"[dim]{task.observable} in {task.unit}[/dim]")
        family_before = task.family
        table.add_row(task.id, task.level, ", ".join(task.materials), task.pair_style)
    console = Console()
    console.print(table)
    console.print(
        f"\n{len(found)} tasks of suite {suite}. More on one: mdevalbench tasks show {found[0].id}", style="dim"
    )


@app.command()
@guarded
def show(
    task_id: TaskId,
    name: Annotated[
        str | None,
        typer.Argument(help="With --script: another script than the reference, by the name of its file or mutation."),
    ] = None,
    script: Annotated[bool, typer.Option("--script", help="Print a script of the task, nothing else.")] = False,
    json: Json = False,
    tasks_dir: TasksDir = None,
) -> None:
    """Show the prompt of a task, its conditions and its reference value.

    Examples: `mdevalbench tasks show lattice_constant/cu-mishin`,
    `mdevalbench tasks show lattice_constant/cu-mishin --script pressure_scan > in.lammps`
    """
    from mdevalbench.tasks import load_task
    from mdevalbench.tasks.qa import SUITES as QUESTIONS
    from mdevalbench.tasks.scripts import named

    if (suite := task_id.partition("/")[0]) in QUESTIONS:
        refuse_options(suite, [("--script", script)])
        show_question(task_id, json)
        return
    task = load_task(task_id)
    if name is not None and not script:
        raise UsageError(f"to see the script {name!r}, add --script")
    if script:
        typer.echo(named(task, name or "reference/reference").script, nl=False)
    elif json:
        print_json(_details(task))
    else:
        _print_task(task)


@app.command()
@guarded
def estimators(
    name: Annotated[str | None, typer.Argument(help="Tell all about this one.")] = None,
    json: Json = False,
) -> None:
    """List what the harness can measure: the estimators that `measure:` of a family names, with their options.

    Example: `mdevalbench tasks estimators mean_pressure`
    """
    from mdevalbench.observables import get_estimator
    from mdevalbench.observables.catalogue import estimators as all_of_them

    if name is not None:
        get_estimator(name)
    found = [one for one in all_of_them() if name in (None, one.name)]
    if json:
        print_json([{"name": one.name, "options": one.options, "text": one.text} for one in found])
    elif name is not None:
        typer.echo(f"{name}  {', '.join(found[0].options)}\n\n{found[0].text}")
    else:
        for one in found:
            typer.secho(one.name, bold=True, nl=False)
            typer.echo(f"  {', '.join(one.options)}\n    {one.summary}")


@app.command()
@guarded
def reference(
    family: Family = None,
    task: Annotated[
        str | None, typer.Option("--task", help="Only this task.", autocompletion=completion.task_ids)
    ] = None,
    seeds: Annotated[
        int | None, typer.Option(min=1, help="Runs of a stochastic task. [default: 16; 4 for a drawn one]")
    ] = None,
    jobs: Jobs = None,
    json: Json = False,
    executor: Executor = None,
    scheduler: Scheduler = None,
    lammps: Lammps = None,
    tasks_dir: TasksDir = None,
) -> None:
    """Measure reference values with the reference scripts and store them beside the family.

    Finished runs are kept: an interrupted call goes on where it stopped. Refused if the content of a family is wrong.

    Example: `mdevalbench tasks reference --family lattice_constant`
    """
    from mdevalbench.lammps.executor import open_executor
    from mdevalbench.scorers.judge import Judge
    from mdevalbench.tasks import load_suite, load_task
    from mdevalbench.tasks.calibration import calibrate

    tasks = (load_task(task),) if task else load_suite("codegen", family)
    with open_executor(jobs) as pool, progress("measuring") as advance:
        found = calibrate(tasks, Judge(pool), seeds, pool.workers, advance)
    if json:
        print_json({task_id: value.model_dump(mode="json") for task_id, value in found.items()})
        return
    for task_id, value in found.items():
        runs = f"{len(value.seeds)} run{'s' * (len(value.seeds) > 1)}"
        typer.echo(f"{task_id:40s} {with_uncertainty(value.value, value.uncertainty)} {value.unit}  ({runs})")


def _summary(task: Task, suite: str) -> dict[str, Any]:
    return {
        "id": task.id,
        "family": task.family,
        "suite": suite,
        "kind": task.kind,
        "level": task.level,
        "pair_style": task.pair_style,
        "materials": list(task.materials),
        "observable": task.observable,
        "unit": task.unit,
    }


def _details(task: Task) -> dict[str, Any]:
    from mdevalbench.tasks import solutions, wrong

    spec = task.spec
    return {
        **_summary(task, "codegen"),
        "title": spec.title,
        "description": spec.description,
        "prompt": task.prompt,
        "reference": task.reference.model_dump(mode="json", exclude={"recipe"}) if task.reference else None,
        "published": task.instance.published.model_dump() if task.instance.published else None,
        "potential": spec.potential.model_dump(mode="json"),
        "measure": [way.model_dump(mode="json") for way in spec.measure],
        "compare": spec.compare.model_dump(mode="json"),
        "validity": spec.validity.model_dump(mode="json"),
        "limits": spec.limits.model_dump(mode="json"),
        "solutions": [variant.name for variant in solutions(task)],
        "wrong": [variant.name for variant in wrong(task)],
        "digest": task.digest,
    }


def _print_task(task: Task) -> None:
    from rich.console import Console
    from rich.markdown import Markdown
    from rich.panel import Panel
    from rich.table import Table

    from mdevalbench.cli.conditions import conditions

    console = Console()
    console.print(f"[bold]{task.id}[/bold]  {task.spec.title}  [dim]({task.level})[/dim]\n")
    console.print(Panel(Markdown(task.prompt.strip()), title="prompt", title_align="left", border_style="dim"))
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="dim")
    for name, text in conditions(task):
        table.add_row(name, text)
    console.print(table)
    console.print(f"\nJudge an answer: mdevalbench score {task.id} FILE", style="dim")
