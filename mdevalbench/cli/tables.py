"""What `eval` and `demo` print."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from mdevalbench.cli.output import print_json
from mdevalbench.leaderboard.code import CodeSummary
from mdevalbench.leaderboard.questions import QuestionSummary
from mdevalbench.leaderboard.summary import RUNGS, RunSummary, caveat
from mdevalbench.scorers.metrics import Interval
from mdevalbench.tasks import Task
from mdevalbench.tasks.chat import system_message

CHARACTERS_PER_TOKEN = 3.5
"""of prompts such as these, roughly, for common tokenizers"""


def print_plan(model: str, suite: str, tasks: Sequence[Task], epochs: int, as_json: bool) -> None:
    """What an evaluation would ask. The number of tokens is an estimate from the number of characters."""
    system = len(system_message())
    tokens = round(sum(system + len(task.prompt) for task in tasks) * epochs / CHARACTERS_PER_TOKEN)
    families: dict[str, list[str]] = {}
    for task in tasks:
        families.setdefault(task.family, []).append(task.id)
    if as_json:
        content = {"model": model, "suite": suite, "tasks": [task.id for task in tasks], "epochs": epochs}
        print_json(content | {"answers": len(tasks) * epochs, "prompt_tokens_estimate": tokens})
        return
    console = Console(highlight=False)
    table = Table("family", "tasks", box=None, pad_edge=False)
    for family, ids in families.items():
        table.add_row(family, ", ".join(i.partition("/")[2] for i in ids))
    console.print(table)
    console.print(
        f"\n{model} would be asked {len(tasks)} tasks of suite {suite}, {epochs} time{'s' * (epochs > 1)} each: "
        f"{len(tasks) * epochs} answers, about {tokens} prompt tokens. Nothing was asked."
    )


def print_summary(summary: RunSummary, report: Path, as_json: bool) -> None:
    """The ladder per family and in total."""
    if as_json:
        print_json(summary_json(summary) | {"report": str(report)})
        return
    console = Console(highlight=False)
    total = summary.total
    console.print(f"{summary.model} on suite {summary.suite}, in percent of the tasks\n", style="bold", markup=False)
    ks = sorted(total.pass_at)
    table = _table("family", *RUNGS[:-1], *(f"physics@{k}" for k in ks), "reward")
    for group in (*summary.families, *([total] if len(summary.families) > 1 else [])):
        rungs = [_percent(group.rungs[rung], short=True) for rung in RUNGS[:-1]]
        physics = [_percent(group.pass_at.get(k)) for k in ks]
        table.add_row(group.name, *rungs, *physics, _mean(group.reward), style="bold" if group is total else "")
    console.print(table)
    console.print("\n" + _footnotes(summary), style="dim", markup=False)
    for line in remarks(summary):
        console.print(line, style="yellow")
    print_places(console, report, Path(summary.log))


def print_end(console: Console, summary: QuestionSummary | CodeSummary, noun: str, scored: int, report: Path) -> None:
    """Flags of published items, what is missing, and where report and log lie."""
    for flag, count in summary.flags.items():
        print(f"{count} {noun}{'s' * (count > 1)}: {flag}")
    if note := caveat(summary.model):
        print(note)
    if missing := summary.planned - scored:
        print(f"{missing} of {summary.planned} answers are missing or unscored: the same command asks for them.")
    print_places(console, report, Path(summary.log))


def print_places(console: Console, report: Path, log: Path) -> None:
    """Where report and log lie, and how to open the log."""
    log = shown(log)
    console.print(
        f"\nreport  {shown(report)}\nlog     {log}\n        inspect view --log-dir {log.parent}", soft_wrap=True
    )


def print_comparison(summaries: Sequence[RunSummary]) -> None:
    """One row per model."""
    table = _table("model", *RUNGS, "reward", "CPU s")
    for summary in summaries:
        total = summary.total
        rungs = [_percent(total.rungs[rung], short=rung != "physics") for rung in RUNGS]
        table.add_row(summary.model, *rungs, _mean(total.reward), f"{total.lammps_seconds:.0f}")
    console = Console(highlight=False)
    console.print(table)
    console.print("\n" + _method(summaries[0]), style="dim", markup=False)


def shown(path: Path) -> Path:
    """A path as short as it can be: relative where it lies below the working folder."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


def summary_json(summary: RunSummary) -> dict[str, Any]:
    """A summary without texts and verdicts, for other programs and for `mdevalbench compare`."""
    texts = {"prompt", "completion", "verdict"}
    return summary.model_dump(mode="json", exclude={"answers": {"__all__": texts}})


def remarks(summary: RunSummary) -> list[str]:
    """What a reader must know before believing the numbers."""
    total, lines = summary.total, [note] if (note := caveat(summary.model)) else []
    if total.truncated:
        lines.append(f"{total.truncated} answers were cut off at the token limit: consider a larger --max-tokens.")
    if total.unscored:
        lines.append(f"{total.unscored} answers could not be judged (harness faults) and count nowhere.")
    missing = summary.planned - total.answers + total.errors
    if missing:
        lines.append(f"{missing} of {summary.planned} answers are missing: the same command asks for them.")
    return lines


def _footnotes(summary: RunSummary) -> str:
    total = summary.total
    cost = f", ${total.dollars:.4f}" if total.dollars is not None else ""
    return (
        f"{_method(summary)}\n"
        f"{total.tasks} tasks, {total.answers} answers: {total.truncated} truncated, {total.unscored} unscored, "
        f"{total.errors} errors. {total.input_tokens} tokens read, {total.output_tokens} written{cost}. "
        f"{total.lammps_seconds:.1f} CPU seconds of LAMMPS."
    )


def _method(summary: RunSummary) -> str:
    physics = summary.total.rungs["physics"]
    return f"[low,high] is the {physics.method}." if physics else "No answer was scored."


def _table(first: str, *columns: str) -> Table:
    table = Table(box=None, pad_edge=False, collapse_padding=True)
    table.add_column(first, no_wrap=True)
    for name in columns:
        table.add_column(name, justify="right", no_wrap=True)
    return table


def _percent(interval: Interval | None, short: bool = False) -> str:
    if interval is None:
        return "-"
    bounds = "" if short else f" [{100 * interval.low:.0f},{100 * interval.high:.0f}]"
    return f"{100 * interval.mean:.0f}" + bounds.replace("[", "\\[")


def _mean(interval: Interval | None) -> str:
    return "-" if interval is None else f"{interval.mean:.2f}"
