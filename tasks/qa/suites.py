"""Suites of questions by name: ours, whose letters are dealt by a seed, and the published ones, as they are.

Beside them the published code tasks, and `official`, which is all that is published.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from mdevalbench.errors import TaskError
from mdevalbench.tasks.qa import code, loading, published
from mdevalbench.tasks.qa.loading import Question, deal, load_questions
from mdevalbench.tasks.qa.published import load_published
from mdevalbench.tasks.qa.schema import Language, Option
from mdevalbench.tasks.source import did_you_mean

OURS, OFFICIAL = loading.SUITES, tuple(published.FILES)
SUITES = (*OURS, *OFFICIAL)
CODE = code.SUITE
"""the published code tasks, which are no questions"""
PUBLISHED = {"official": (*OFFICIAL, CODE)}
"""suite -> suites that it is the whole of"""
ASKED = (*SUITES, CODE, *PUBLISHED)
"""all that can be asked beside the physics tasks"""


def questions_of(suite: str, language: Language = "en", data: Path | None = None) -> tuple[Question, ...]:
    """The questions of a suite that have an answer.

    `language` and `data` matter for the published ones only, whose languages are files of their own. Raises UsageError
    like `load_published` and TaskError like `load_questions`.
    """
    if suite in OFFICIAL:
        found = tuple(question for question in load_published(suite, data, language) if answerable(question))
        _read[suite, language, data] = found
        return found
    if suite in OURS:
        return load_questions(suite)
    raise TaskError(f"there is no suite of questions {suite!r}{did_you_mean(suite, SUITES, 'suites')}")


Read = tuple[tuple[str, Language, Path | None], ...]
_read: dict[tuple[str, Language, Path | None], tuple[Question, ...]] = {}
"""published questions that this process has read, for baselines that recognise them"""


def published_so_far() -> Read:
    """Suite, language and folder of the published questions that this process has read."""
    return tuple(_read)


def known_questions(read: Read) -> tuple[Question, ...]:
    """Our questions, and published ones that were read."""
    ours = (question for suite in OURS for question in load_questions(suite))
    return (*ours, *(question for key in read for question in _read[key]))


def answerable(question: Question) -> bool:
    """Whether an answer is known; without one nothing can be scored."""
    item = question.item
    return bool(any(option.right for option in item.options) or item.answer or item.points)


def dealt(suite: str, questions: Sequence[Question], seed: int) -> Mapping[str, tuple[Option, ...]]:
    """Id -> options as A, B, C, ...; the published ones keep their letters."""
    if suite in OFFICIAL:
        return {question.id: question.item.options for question in questions if question.item.options}
    return deal(questions, seed)


def published_flags(suite: str, language: Language, data: Path | None) -> dict[str, int]:
    """Flag of published questions -> how many have it; empty for ours."""
    return published.flags(load_published(suite, data, language), suite) if suite in OFFICIAL else {}
