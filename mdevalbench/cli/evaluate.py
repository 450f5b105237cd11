"""`mdevalbench eval`: how far a model comes on a suite of tasks."""

from __future__ import annotations

import contextlib
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from mdevalbench.cli import completion
from mdevalbench.cli.faults import HARNESS, OK
from mdevalbench.cli.options import CardsDir, DrawSeed, Executor, Lammps, Scheduler, TasksDir, warn_of_other_lammps
from mdevalbench.errors import UsageError


def models(incomplete: str) -> list[str]:
    """Built-in models and cards that begin so, for shell completion."""
    built_in = [f"mdevalbench/{name}" for name in ("reference", "wrong", "template", "majority", "nano")]
    return [name for name in (*built_in, *completion.cards(incomplete)) if name.startswith(incomplete)]


def evaluate(
    model: Annotated[
        str,
        typer.Option(
            help="Name of a card (`mdevalbench models`), or an Inspect model string: provider/model.",
            autocompletion=models,
        ),
    ],
    suite: Annotated[str, typer.Option(help="Suite of tasks.", autocompletion=completion.suites)] = "codegen",
    family: Annotated[
        str | None, typer.Option(help="Only the tasks of this family.", autocompletion=completion.families)
    ] = None,
    seed: DrawSeed = None,
    limit: Annotated[
        int | None, typer.Option(min=1, help="At most so many tasks, taken in turn from the families.")
    ] = None,
    epochs: Annotated[int, typer.Option(min=1, help="Answers per task; also the k of @k.")] = 1,
    log_dir: Annotated[
        Path | None, typer.Option(help="Folder of the Inspect logs. [default: $INSPECT_LOG_DIR or logs]")
    ] = None,
    max_cost: Annotated[float | None, typer.Option(min=0, help="Ask no more once so many dollars are spent.")] = None,
    prices: Annotated[
        tuple[float, float] | None,
        typer.Option(help="Dollars per million tokens read and written, where Inspect knows none."),
    ] = None,
    solver: Annotated[
        str | None,
        typer.Option(help="Way of answering: direct, mdagent1, mdagent, mdagent_tools."),
    ] = None,
    rounds: Annotated[int, typer.Option(min=1, help="Answers of the model to a task under --solver mdagent.")] = 3,
    max_connections: Annotated[int, typer.Option(min=1, help="Questions under way at once.")] = 10,
    temperature: Annotated[float | None, typer.Option(min=0, help="[default: the card's, or the provider's]")] = None,
    max_tokens: Annotated[
        int | None, typer.Option(min=1, help="Limit of an answer. [default: the card's, or the provider's]")
    ] = None,
    base_url: Annotated[str | None, typer.Option(help="Address of an OpenAI-compatible or other server.")] = None,
    model_args: Annotated[
        list[str] | None,
        typer.Option("-M", "--model-arg", metavar="NAME=VALUE", help="Argument of the provider, e.g. device=cuda:1."),
    ] = None,
    language: Annotated[str, typer.Option(help="Language of questions: en or zh.")] = "en",
    judge: Annotated[
        str | None, typer.Option(help="Model that judges open answers to questions. [default: words of their points]")
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Folder with the published MD-EvalBench. [default: fetched from the hub]"),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would run; ask nothing.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    executor: Executor = None,
    scheduler: Scheduler = None,
    lammps: Lammps = None,
    tasks_dir: TasksDir = None,
    cards_dir: CardsDir = None,
) -> None:
    """Evaluate a model: ask it every task, run its scripts, measure, and print how far it came.

    Interrupted? Give the same command again: answers that were judged are kept, the others are asked.

    Examples:

      mdevalbench eval --model mdevalbench/template --suite demo

      mdevalbench eval --model openai/gpt-5 --epochs 4 --max-cost 20

      mdevalbench eval --model openai/gpt-5 --suite codegen-train --seed 7 --limit 100

      mdevalbench eval --model openai/gpt-5 --suite syntax --language zh

      mdevalbench eval --model openai/gpt-5 --suite official --epochs 3 --data MD-EvalBench

      mdevalbench eval --model hf/mine -M model_path=runs/nano/grpo/model

      LOCAL_API_KEY=x mdevalbench eval --model openai-api/local/my-model --base-url http://127.0.0.1:8000/v1

    Exit code 0: every answer was given and judged. 2: wrong usage. 3: answers are missing; the same command asks for
    them.
    """
    from mdevalbench.cli.evaluate_questions import evaluate_questions
    from mdevalbench.cli.tables import print_plan, print_summary
    from mdevalbench.leaderboard.evaluation import Evaluation, check_options
    from mdevalbench.leaderboard.run import evaluate as run
    from mdevalbench.tasks.qa.suites import PUBLISHED
    from mdevalbench.zoo.cards import Settings, named

    if language not in ("en", "zh"):
        raise UsageError(f"--language {language}: questions are asked in en or zh")
    card = named(model)
    settings = card.generation if card else Settings()
    listed = (card.price.input, card.price.output) if card and card.price else None
    what = Evaluation(
        model=card.inspect or model if card else model,
        suite=suite,
        family=family,
        seed=seed,
        limit=limit,
        epochs=epochs,
        temperature=temperature if temperature is not None else settings.temperature,
        max_tokens=max_tokens if max_tokens is not None else settings.max_tokens,
        top_p=settings.top_p,
        top_k=settings.top_k,
        base_url=base_url,
        model_args=tuple(_argument(text) for text in model_args or ()),
        max_cost=max_cost,
        prices=prices or listed,
        max_connections=max_connections,
        solver=solver,
        rounds=rounds,
        language=language,  # type: ignore[arg-type]
        judge=judge,
        data=data,
        log_dir=log_dir or Path(os.environ.get("INSPECT_LOG_DIR", "logs")),
    )
    display = "none" if as_json else "rich" if sys.stdout.isatty() else "plain"
    quiet = contextlib.redirect_stdout(sys.stderr) if as_json else contextlib.nullcontext()
    if suite in PUBLISHED or not what.tasks:
        parts = [replace(what, suite=name) for name in PUBLISHED.get(suite, (suite,))]
        complete = evaluate_questions(parts, display, dry_run, as_json)
        raise typer.Exit(OK if complete else HARNESS)
    check_options(what)
    warn_of_other_lammps(what.tasks)
    if dry_run:
        print_plan(what.model, what.suite, what.tasks, what.epochs, as_json)
        return
    with quiet:
        summary = run(what, display)
    print_summary(summary, what.report, as_json)
    raise typer.Exit(OK if summary.complete else HARNESS)


def _argument(text: str) -> tuple[str, Any]:
    """A name and a value, which is read as YAML: numbers, true and false are what they look like."""
    import yaml

    from mdevalbench.tasks.source import read_value

    name, equals, value = text.partition("=")
    if not name or not equals:
        raise UsageError(f"-M {text}: arguments of a provider look like NAME=VALUE")
    try:
        return name, read_value(value)
    except yaml.YAMLError as error:
        raise UsageError(f"-M {text}: {value!r} is no YAML value") from error
