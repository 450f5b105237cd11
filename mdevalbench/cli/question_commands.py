"""`mdevalbench tasks list | show | verify` where the suite holds questions."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from mdevalbench.cli.faults import FELL_SHORT
from mdevalbench.cli.output import print_json, progress
from mdevalbench.errors import UsageError

if TYPE_CHECKING:
    from mdevalbench.tasks.qa import Question


def list_questions(suite: str, limit: int | None, as_json: bool) -> None:
    """Counts by kind, difficulty, tag and letter, and every question in one line."""
    from mdevalbench.tasks.qa import deal, load_questions, right_letters

    found = load_questions(suite)
    letters = Counter(letter for options in deal(found, 0).values() for letter in right_letters(options))
    shown = found[:limit]
    if as_json:
        print_json([_summary(question) for question in shown])
        return
    for question in shown:
        typer.echo(f"{question.item.kind:9s} {question.item.difficulty:7s} {question.id}")
    kinds = Counter(question.item.kind for question in found)
    difficulties = Counter(question.item.difficulty for question in found)
    Console(highlight=False).print(
        f"\n{len(found)} questions of suite {suite}, each in English and Chinese: {_counts(kinds)}; "
        f"{_counts(difficulties)}; right letters (seed 0): {_counts(dict(sorted(letters.items())))}.\n"
        f"More on one: mdevalbench tasks show {found[0].id}",
        style="dim",
    )


def show_question(task_id: str, as_json: bool) -> None:
    """A question as it is asked in both languages, its answer, and the proof of it."""
    from mdevalbench.tasks.qa import deal, load_questions, right_letters
    from mdevalbench.tasks.qa.prompts import prompt, right_answer
    from mdevalbench.tasks.source import did_you_mean

    questions = load_questions(task_id.partition("/")[0])
    known = {question.id: question for question in questions}
    if task_id not in known:
        raise UsageError(f"there is no question {task_id!r}{did_you_mean(task_id, known)}")
    question = known[task_id]
    if as_json:
        print_json(question.item.model_dump(mode="json"))
        return
    item, options = question.item, deal(questions, 0).get(task_id, ())
    typer.secho(f"{task_id}  {item.kind}, {item.difficulty}, {', '.join(item.tags)}\n", bold=True)
    for language in ("en", "zh"):
        typer.echo(prompt(item, language, options))
        typer.secho(right_answer(item, language, right_letters(options)) + "\n", fg="green")
    for label, text in (("computed", item.computed), ("source", item.source)):
        if text:
            typer.echo(f"{label}: {text}")
    if item.check:
        typer.echo(f"proven by LAMMPS, where this is to hold: {item.check.holds}\n{item.check.script}")
    typer.echo(f"written in {question.at()}")


def verify_questions(suite: str, jobs: int | None, as_json: bool) -> None:
    """Run every check and computation. Exit code 1 if one of them does not prove its item."""
    from mdevalbench.lammps.executor import open_executor
    from mdevalbench.tasks.qa import load_questions
    from mdevalbench.tasks.qa.proofs import problems, trials

    questions = load_questions(suite)
    begin = time.monotonic()
    with open_executor(jobs) as executor, progress("checks") as advance:
        found = problems(questions, executor, advance)
    counts = {
        "questions": len(questions),
        "scripts": sum(1 for question in questions for _ in trials(question)),
        "computations": sum(bool(question.item.computed) for question in questions),
    }
    if as_json:
        print_json({"suite": suite, **counts, "problems": found})
    else:
        for problem in found:
            typer.echo(f"- {problem}")
        typer.echo(
            f"{counts['questions']} questions of suite {suite}: {counts['scripts']} scripts run by LAMMPS, "
            f"{counts['computations']} numbers computed again, {len(found)} problems, {time.monotonic() - begin:.0f} s"
        )
    if found:
        raise typer.Exit(FELL_SHORT)


def agreement(
    judge: Annotated[
        str | None, typer.Option(help="Model whose decisions are measured. [default: the words of the points]")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """How well points of open answers are recognised: compared with 60 answers that a reader labelled.

    Example: `mdevalbench tasks agreement --judge openai/gpt-5`
    """
    from mdevalbench.leaderboard.agreement import by_model, by_words, measure_agreement
    from mdevalbench.zoo.opening import check_model

    if judge is not None:
        check_model(judge)
    found = measure_agreement(by_model(judge) if judge else by_words)
    if json:
        print_json(found.model_dump(mode="json") | {"share": found.share, "kappa": found.kappa})
        return
    for error in found.errors:
        typer.echo(f"- {error}")
    languages = ", ".join(f"{language} {100 * share:.0f} %" for language, share in found.by_language.items())
    typer.echo(
        f"{found.answers} labelled answers with {found.total} points: {100 * found.share:.0f} % agree ({languages}), "
        f"kappa {found.kappa:.2f}; {found.missed} points were missed, {found.invented} invented"
    )


def lm_eval() -> None:
    """Print the folder of the task files for lm-eval, after reading each of them.

    Example: `lm_eval run --model hf --model_args pretrained=Qwen/Qwen3-0.6B --apply_chat_template --include_path
    "$(mdevalbench tasks lm-eval)" --tasks mdevalbench_syntax_en,mdevalbench_codegen`
    """
    from mdevalbench.tasks.lm_eval import folder

    typer.echo(str(folder()))


def refuse_options(suite: str, given: Sequence[tuple[str, object]]) -> None:
    """Raises UsageError if an option was given that questions do not have."""
    for name, value in given:
        if value:
            raise UsageError(f"{name} does not go with suite {suite}, which holds questions")


def _summary(question: Question) -> dict[str, object]:
    item = question.item
    return {
        "id": question.id,
        "suite": question.suite,
        "kind": item.kind,
        "difficulty": item.difficulty,
        "tags": item.tags,
        "languages": ["en", "zh"],
        "options": len(item.options),
        "proof": [
            name
            for name, there in (
                ("LAMMPS", item.check or any(option.check for option in item.options)),
                ("computation", item.computed),
                ("source", item.source),
            )
            if there
        ],
    }


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in counts.items())
