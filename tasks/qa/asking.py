"""Suites of questions as Inspect tasks: `inspect eval mdevalbench/syntax --model ...`."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import inspect_ai
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.model import ChatMessageUser

from mdevalbench import __version__
from mdevalbench.errors import UsageError
from mdevalbench.scorers.inspect_answers import answers
from mdevalbench.tasks.inspect_tasks import answer
from mdevalbench.tasks.qa.loading import Question, right_letters
from mdevalbench.tasks.qa.prompts import prompt
from mdevalbench.tasks.qa.schema import LANGUAGES, Language
from mdevalbench.tasks.qa.suites import dealt, published_flags, questions_of


@inspect_ai.task
def knowledge(language: Language = "en", seed: int = 0, judge: str | None = None) -> inspect_ai.Task:
    """Questions on molecular dynamics.

    Args:
        language: `en` or `zh`.
        seed: deals the letters of options.
        judge: model that judges open answers; by default their points are found by words.
    """
    return _asked("knowledge", language, seed, judge)


@inspect_ai.task
def syntax(language: Language = "en", seed: int = 0, judge: str | None = None) -> inspect_ai.Task:
    """Questions on LAMMPS, whose answers LAMMPS proved; arguments as of `knowledge`."""
    return _asked("syntax", language, seed, judge)


@inspect_ai.task
def official_knowledge(data: str | None = None, language: Language = "en", judge: str | None = None) -> inspect_ai.Task:
    """The published questions on molecular dynamics.

    Args:
        data: folder with the published files; by default they are fetched from the hub.
        language: `en` or `zh`.
        judge: model that judges open answers.
    """
    return _asked("official-knowledge", language, 0, judge, data)


@inspect_ai.task
def official_syntax(data: str | None = None, language: Language = "en", judge: str | None = None) -> inspect_ai.Task:
    """The published questions on LAMMPS; arguments as of `official_knowledge`."""
    return _asked("official-syntax", language, 0, judge, data)


def questions_task(
    suite: str, language: Language, seed: int = 0, judge: str | None = None, data: Path | None = None
) -> inspect_ai.Task:
    """The task of any suite of questions."""
    where = str(data) if data else None
    if suite == "official-knowledge":
        return official_knowledge(where, language, judge)
    if suite == "official-syntax":
        return official_syntax(where, language, judge)
    return (knowledge if suite == "knowledge" else syntax)(language, seed, judge)


def _asked(suite: str, language: Language, seed: int, judge: str | None, data: str | None = None) -> inspect_ai.Task:
    check_language(language)
    questions = questions_of(suite, language, Path(data) if data else None)
    digest = digest_of(questions)
    return inspect_ai.Task(
        dataset=MemoryDataset(samples(suite, questions, language, seed, data), name=suite),
        solver=answer(),
        scorer=answers(judge),
        # Inspect resumes a log only if name, arguments, model and this version agree
        version=digest[:12],
        metadata={
            "suite": suite,
            "suite_digest": digest,
            "mdevalbench": __version__,
            "language": language,
            "seed": seed,
            "judge": judge,
            "flags": published_flags(suite, language, Path(data) if data else None),
        },
    )


def check_language(language: str) -> None:
    """Raises UsageError for a language in which nothing is asked."""
    if language not in LANGUAGES:
        raise UsageError(f"questions are asked in {' or '.join(LANGUAGES)}, not in {language!r}")


def samples(
    suite: str, questions: Sequence[Question], language: Language, seed: int, data: str | None = None
) -> list[Sample]:
    """Questions as Inspect sees them, one of each kind in turn; the scorer finds a question again by its id."""
    letters = dealt(suite, questions, seed)
    found = []
    for question in in_turn(questions):
        item, options = question.item, letters.get(question.id, ())
        metadata = {
            "kind": item.kind,
            "difficulty": item.difficulty,
            "tags": list(item.tags),
            "language": language,
            "seed": seed,
            "data": data,
            "flags": list(getattr(item, "flags", ())),
            "right": right_letters(options),
            "options": len(options),
        }
        text = prompt(item, language, options)
        found.append(Sample(id=question.id, input=[ChatMessageUser(content=text)], metadata=metadata))
    return found


def in_turn(questions: Sequence[Question]) -> list[Question]:
    """The same questions, one of each kind in turn, so that a limit leaves no kind out."""
    turn: dict[str, int] = {}
    order = []
    for question in questions:
        turn[question.item.kind] = turn.get(question.item.kind, -1) + 1
        order.append((turn[question.item.kind], question))
    return [question for _, question in sorted(order, key=lambda entry: entry[0])]


def digest_of(questions: Sequence[Question]) -> str:
    """SHA-256 over questions and answers."""
    content = "\n".join(question.item.model_dump_json() for question in questions)
    return hashlib.sha256(content.encode()).hexdigest()
