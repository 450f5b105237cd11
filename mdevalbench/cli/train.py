"""`mdevalbench train`: continued pre-training, fine-tuning and MD-GRPO by a recipe, and what came of it."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mdevalbench.cli.options import Executor, Scheduler, TasksDir
from mdevalbench.cli.output import progress
from mdevalbench.errors import UsageError

if TYPE_CHECKING:
    from mdevalbench.training.rollouts import Deal, Rollout, Rollouts

app = typer.Typer(no_args_is_help=True, rich_markup_mode="markdown")

Config = Annotated[
    str, typer.Option("--config", help="A recipe of the package (`mdevalbench train recipes`), or a .yml file.")
]
Output = Annotated[
    Path | None, typer.Option("--output", help="Folder of the run; by default runs/<name of the recipe>.")
]
Model = Annotated[
    str | None, typer.Option("--model", help="Begin with this model instead of what the stage before left.")
]
Changes = Annotated[
    list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Change the recipe, e.g. grpo.args.max_steps=5.")
]
RunFolder = Annotated[Path, typer.Argument(help="Folder of a run.")]


@app.callback()
def root() -> None:
    """Train a model by a recipe; each stage begins with what the one before left.

    A stage that was killed goes on from its last checkpoint when the same command is given again. Several GPUs:
    `accelerate launch -m mdevalbench train grpo --config ...`.
    """


def cpt(
    config: Config,
    output: Output = None,
    model: Model = None,
    changes: Changes = None,
    tasks_dir: TasksDir = None,
) -> None:
    """Continued pre-training on questions and scripts as running text, notes, and the recipe's files."""
    _train("cpt", config, output, model, changes)


def sft(
    config: Config,
    output: Output = None,
    model: Model = None,
    changes: Changes = None,
    tasks_dir: TasksDir = None,
) -> None:
    """Supervised fine-tuning on questions with right scripts."""
    _train("sft", config, output, model, changes)


def grpo(
    config: Config,
    output: Output = None,
    model: Model = None,
    changes: Changes = None,
    executor: Executor = None,
    scheduler: Scheduler = None,
    tasks_dir: TasksDir = None,
) -> None:
    """MD-GRPO: the judge rewards scripts by what they simulate; prompts that failed come back rewritten."""
    _train("grpo", config, output, model, changes)


def recipes() -> None:
    """The recipes of the package."""
    from mdevalbench.training.recipe import known, read_recipe

    for name in known():
        typer.echo(f"{name:14s} {read_recipe(name).about}")


def rollouts(
    folder: RunFolder,
    number: Annotated[int, typer.Option("-n", "--number", min=1, help="How many groups, the last ones.")] = 20,
    recycled: Annotated[bool, typer.Option("--recycled", help="Only groups whose prompt was recycled.")] = False,
    task: Annotated[str | None, typer.Option("--task", help="Only groups of this task or family.")] = None,
    show: Annotated[
        str | None, typer.Option("--show", metavar="ID", help="One completion with prompt and lineage.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object per completion.")] = False,
) -> None:
    """What MD-GRPO saw: groups of completions, their rewards, and which prompts were made of failures."""
    from mdevalbench.training.rollouts import Rollouts

    path = next((p for p in (folder / "rollouts.jsonl", folder / "grpo" / "rollouts.jsonl") if p.is_file()), None)
    if path is None:
        raise UsageError(f"{folder} holds no rollouts.jsonl: give the folder of a run whose stage grpo was begun")
    found = Rollouts(path)
    if show:
        _show(found, show)
        return
    groups = [
        (deal, group)
        for deal, group in found.groups()
        if (deal.parent or not recycled) and (not task or task in (deal.task, deal.task.partition("/")[0]))
    ]
    for deal, group in groups[-number:]:
        if json:
            for rollout in group:
                typer.echo(rollout.model_dump_json())
        else:
            _print_group(deal, group)
    if not json:
        made = sum(deal.parent is not None for deal, _ in groups)
        typer.echo(f"{len(groups)} groups, {made} of them recycled", err=True)


def _train(stage: str, config: str, output: Path | None, model: str | None, changes: list[str] | None) -> None:
    from mdevalbench.training.recipe import read_recipe

    recipe = read_recipe(config, changes or ())
    _need("torch", "transformers", "trl", "datasets", "peft")
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # threads that spin starve the scripts beside them
    from mdevalbench.training.run import Run
    from mdevalbench.training.stages import train

    run = Run.open(recipe, output or Path("runs") / recipe.name, stage)  # type: ignore[arg-type]
    if run.done:
        typer.echo(f"{run.home} is done already", err=True)
    else:
        train(run, model, measuring=lambda: progress("measuring references"))
    typer.echo(str(run.model))


def _need(*packages: str) -> None:
    missing = [name for name in packages if importlib.util.find_spec(name) is None]
    if missing:
        raise UsageError(f"training needs {', '.join(missing)}: pip install 'mdevalbench[train]'")


def _print_group(deal: Deal, group: list[Rollout]) -> None:
    rewards = " ".join("  -- " if r.reward is None else f"{r.reward:5.2f}" for r in group)
    origin = f"  from {deal.parent}" if deal.parent else ""
    typer.echo(f"step {deal.step:4d}  {deal.slot:5d}  {deal.task:40s} {rewards}{origin}")


def _show(found: Rollouts, name: str) -> None:
    if name not in found.rollouts:
        raise UsageError(
            f"there is no completion {name!r}: ids are <group>.<number>, e.g. {next(iter(found.rollouts), '0.0')}"
        )
    for rollout in reversed(found.lineage(found.rollouts[name])):
        typer.echo(
            f"=== prompt of {rollout.id} ({rollout.task}, step {rollout.step})\n{found.deals[rollout.slot].prompt}\n"
        )
        typer.echo(
            f"=== completion {rollout.id}: reward {rollout.reward}, stage {rollout.stage or 'unscored'}\n"
            f"{rollout.completion}\n"
        )
        for reason in rollout.reasons:
            typer.echo(f"- {reason}")
