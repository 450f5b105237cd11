"""Suites of questions as Inspect tasks: `inspect eval mdevalbench/syntax --model ...`."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import inspect_ai
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.model import ChatMessageUser

from mdevalbench import __version__
from mdevalbench.errors import UsageError
from mdevalbench.scorers.inspect_answers import answers
from mdevalbench.tasks.inspect_tasks import answer
from mdevalbench.tasks.qa.loading import Question, deal, load_questions, right_letters
from mdevalbench.tasks.qa.prompts import prompt
from mdevalbench.tasks.qa.schema import LANGUAGES, Language


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


TASKS = {"knowledge": knowledge, "syntax": syntax}


def _asked(suite: str, language: Language, seed: int, judge: str | None) -> inspect_ai.Task:
    if language not in LANGUAGES:
        raise UsageError(f"questions are asked in {' or '.join(LANGUAGES)}, not in {language!r}")
    questions = load_questions(suite)
    digest = digest_of(questions)
    return inspect_ai.Task(
        dataset=MemoryDataset(samples(questions, language, seed), name=suite),
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
        },
    )


def samples(questions: Sequence[Question], language: Language, seed: int) -> list[Sample]:
    """Questions as Inspect sees them, one of each kind in turn; the scorer finds a question again by its id."""
    dealt = deal(questions, seed)
    found = []
    for question in in_turn(questions):
        item, options = question.item, dealt.get(question.id, ())
        metadata = {
            "kind": item.kind,
            "difficulty": item.difficulty,
            "tags": list(item.tags),
            "language": language,
            "seed": seed,
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
