"""What `eval` prints of the published code tasks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from mdevalbench.cli.tables import CHARACTERS_PER_TOKEN, print_end
from mdevalbench.leaderboard.code import CodeSummary
from mdevalbench.leaderboard.evaluation import Evaluation
from mdevalbench.scorers.metrics import Interval
from mdevalbench.tasks.chat import system_message
from mdevalbench.tasks.qa.code import load_code


def code_plan(what: Evaluation) -> dict[str, Any]:
    """What an evaluation would ask. The number of tokens is an estimate from the number of characters."""
    asked = load_code(what.data, what.language)[: what.limit]
    characters = sum(len(system_message()) + len(task.prompt) for task in asked)
    return {
        "model": what.model,
        "suite": what.suite,
        "tasks": [task.id for task in asked],
        "answers": len(asked) * what.epochs,
        "prompt_tokens_estimate": round(characters * what.epochs / CHARACTERS_PER_TOKEN),
    }


def code_json(summary: CodeSummary, report: Path) -> dict[str, Any]:
    """A run for programs: everything but prompts and completions."""
    content = summary.model_dump(mode="json", exclude={"answers"})
    answers = [answer.model_dump(mode="json", exclude={"prompt", "completion"}) for answer in summary.answers]
    return content | {"answers": answers, "report": str(report)}


def print_code_plan(plan: dict[str, Any], epochs: int) -> None:
    """The plan in a sentence."""
    print(
        f"{plan['model']} would be asked {len(plan['tasks'])} tasks of suite {plan['suite']}, "
        f"{epochs} time{'s' * (epochs > 1)} each, about {plan['prompt_tokens_estimate']} prompt tokens. "
        "Nothing was asked."
    )


def print_code(summary: CodeSummary, report: Path) -> None:
    """The paper's numbers, and those that they hide."""
    console = Console(highlight=False)
    way = f" by {summary.solver}" if summary.solver else ""
    title = f"{summary.model}{way} on suite {summary.suite} ({summary.language})\n"
    console.print(title, style="bold", markup=False)
    table = Table(box=None, pad_edge=False, collapse_padding=True)
    table.add_column("", no_wrap=True)
    ks = ["Exec@1", *([f"Exec@{summary.epochs}"] if summary.epochs > 1 else [])]
    for name in ("tasks", *ks, "simulated", "Code-Score", "cut off"):
        table.add_column(name, justify="right", no_wrap=True)
    for some in (summary.sound, summary.total):
        if some is None:
            continue
        success = [_percent(some.exec_1), *([_percent(some.exec_k)] if summary.epochs > 1 else [])]
        style = "bold" if some is summary.total else ""
        table.add_row(
            some.name,
            str(some.tasks),
            *success,
            _percent(some.simulated),
            _of_ten(some.score),
            str(some.cut_off),
            style=style,
        )
    console.print(table)
    judged = summary.judge or "evidence, as far as it decides the paper's rubric"
    cost = f", ${summary.dollars:.4f}" if summary.dollars is not None else ""
    console.print(
        "\nExec-Success in percent: LAMMPS raised no error, which says nothing of the result. Simulated: and at least "
        f"a step was done. Code-Score out of 10, by {judged}. [low,high]: 95 % interval over tasks. "
        f"{summary.input_tokens} tokens read, {summary.output_tokens} written{cost}.",
        style="dim",
        markup=False,
    )
    print_end(console, summary, "task", sum(answer.executed is not None for answer in summary.answers), report)


def _percent(interval: Interval | None) -> str:
    return _interval(interval, 100, 0)


def _of_ten(interval: Interval | None) -> str:
    return _interval(interval, 10, 1)


def _interval(interval: Interval | None, scale: float, digits: int) -> str:
    if interval is None:
        return "-"
    mean, low, high = (f"{scale * value:.{digits}f}" for value in (interval.mean, interval.low, interval.high))
    return f"{mean} \\[{low},{high}]"
