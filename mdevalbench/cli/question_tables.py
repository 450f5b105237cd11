"""What `eval` prints of a suite of questions."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from mdevalbench.cli.tables import CHARACTERS_PER_TOKEN, print_end
from mdevalbench.leaderboard.evaluation import Evaluation
from mdevalbench.leaderboard.questions import QuestionSummary
from mdevalbench.scorers.metrics import Interval
from mdevalbench.tasks.qa.asking import samples
from mdevalbench.tasks.qa.suites import questions_of

KINDS = {"single": "single choice", "multiple": "multiple choice", "fill": "fill in", "open": "open"}


def question_plan(what: Evaluation) -> dict[str, Any]:
    """What an evaluation would ask. The number of tokens is an estimate from the number of characters."""
    questions = questions_of(what.suite, what.language, what.data)
    asked = samples(what.suite, questions, what.language, int(what.seed or 0))[: what.limit]
    tokens = round(sum(len(sample.input[-1].text) for sample in asked) * what.epochs / CHARACTERS_PER_TOKEN)  # type: ignore[union-attr]
    return {
        "model": what.model,
        "suite": what.suite,
        "questions": [sample.id for sample in asked],
        "kinds": Counter(KINDS[(sample.metadata or {})["kind"]] for sample in asked),
        "answers": len(asked) * what.epochs,
        "prompt_tokens_estimate": tokens,
    }


def print_question_plan(plan: dict[str, Any], epochs: int) -> None:
    """The plan in a sentence."""
    told = ", ".join(f"{count} {kind}" for kind, count in plan["kinds"].items())
    print(
        f"{plan['model']} would be asked {len(plan['questions'])} questions of suite {plan['suite']} ({told}), "
        f"{epochs} time{'s' * (epochs > 1)} each, about {plan['prompt_tokens_estimate']} prompt tokens. "
        "Nothing was asked."
    )


def question_json(summary: QuestionSummary, report: Path) -> dict[str, Any]:
    """A run for programs: everything but prompts and completions."""
    content = summary.model_dump(mode="json", exclude={"replies"})
    keys = {"question", "epoch", "given", "score", "partial", "unscored", "error"}
    replies = [reply.model_dump(mode="json", include=keys) for reply in summary.replies]
    return content | {"replies": replies, "report": str(report)}


def print_questions(summary: QuestionSummary, report: Path) -> None:
    """Scores by kind and in total, beside what guessing earns."""
    console = Console(highlight=False)
    title = f"{summary.model} on suite {summary.suite} ({summary.language}), in percent\n"
    console.print(title, style="bold", markup=False)
    table = Table(box=None, pad_edge=False, collapse_padding=True)
    table.add_column("kind", no_wrap=True)
    for name in ("questions", "score", "partial", "one letter", "guessing"):
        table.add_column(name, justify="right", no_wrap=True)
    for share in (*summary.kinds, *([summary.total] if len(summary.kinds) > 1 else [])):
        baselines = [f"{100 * value:.0f}" for value in (share.majority, share.random)]
        numbers = [str(share.questions), _percent(share.score), _percent(share.partial), *baselines]
        table.add_row(KINDS.get(share.name, share.name), *numbers, style="bold" if share is summary.total else "")
    console.print(table)
    judged = summary.judge or "the words of their points"
    cost = f", ${summary.dollars:.4f}" if summary.dollars is not None else ""
    console.print(
        f"\n[low,high]: 95 % interval over questions. Partial credit counts nowhere. One letter: always the most "
        f"frequent right one. Open answers were judged by {judged}. {summary.input_tokens} tokens read, "
        f"{summary.output_tokens} written{cost}.",
        style="dim",
        markup=False,
    )
    print_end(console, summary, "question", sum(reply.score is not None for reply in summary.replies), report)


def _percent(interval: Interval | None) -> str:
    if interval is None:
        return "-"
    return f"{100 * interval.mean:.0f} \\[{100 * interval.low:.0f},{100 * interval.high:.0f}]"
