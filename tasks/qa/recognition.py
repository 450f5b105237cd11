"""The question behind a prompt, for baselines: found by its exact text, options by what stands behind the letters."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import lru_cache

from mdevalbench.tasks.qa.loading import Question, right_letters
from mdevalbench.tasks.qa.prompts import prompt
from mdevalbench.tasks.qa.schema import LANGUAGES, LETTERS, Language, Option
from mdevalbench.tasks.qa.suites import OFFICIAL, Read, dealt, known_questions, published_so_far

Asked = tuple[Question, Language, tuple[Option, ...]]
"""a question, the language in which it is asked, and its options as A, B, C, ..."""


def recognise_question(text: str) -> Asked | None:
    """The question that has exactly this prompt, whatever its letters are dealt by; None if there is none."""
    for question, language in _by_text(published_so_far()).get(_stem(text), ()):
        published = question.suite in OFFICIAL  # with letters that stay
        options = question.item.options if published else _shown(text, question, language)
        if options is not None and prompt(question.item, language, options).strip() == text.strip():
            return question, language, options
    return None


def favourite_letters(suite: str, questions: Sequence[Question], kind: str, seed: int) -> str:
    """The letter, or the set of letters, that is right most often among questions of a kind, as a seed deals them."""
    shown = dealt(suite, questions, seed)
    counts = Counter(right_letters(shown[q.id]) for q in questions if q.item.kind == kind and q.id in shown)
    return min(counts, key=lambda letters: (-counts[letters], letters), default="")


def _stem(text: str) -> str:
    """What a prompt begins with, which is the question."""
    return text.strip().partition("\n\n")[0]


@lru_cache(maxsize=2)
def _by_text(read: Read) -> dict[str, tuple[tuple[Question, Language], ...]]:
    found: dict[str, tuple[tuple[Question, Language], ...]] = {}
    for question in known_questions(read):
        for language in LANGUAGES:
            stem = _stem(question.item.question[language])
            found[stem] = (*found.get(stem, ()), (question, language))
    return found


def _shown(text: str, question: Question, language: Language) -> tuple[Option, ...] | None:
    """Options in the order in which a prompt lists them; None if it lists others."""
    places = {}
    for option in question.item.options:
        at = [letter for letter in LETTERS if f"\n{letter}. {option.text[language]}\n" in text]
        if len(at) != 1:
            return None
        places[at[0]] = option
    return tuple(places[letter] for letter in sorted(places))
