"""How well points of open answers are recognised: labels of a reader beside what words, or a judging model, find."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path

import anyio
from inspect_ai.model import get_model
from pydantic import Field, RootModel

from mdevalbench.errors import TaskError
from mdevalbench.scorers.inspect_answers import judged_points
from mdevalbench.scorers.points import said
from mdevalbench.tasks.qa import SUITES, load_questions
from mdevalbench.tasks.qa.loading import ROOT, Question
from mdevalbench.tasks.qa.schema import Language
from mdevalbench.tasks.source import Source
from mdevalbench.types import Record

LABELS = ROOT / "labels.yml"


class Labelled(Record):
    """An answer to an open question, and which of its points a reader found in it."""

    id: str
    language: Language
    answer: str = Field(min_length=1)
    points: tuple[bool, ...]


class _Labels(RootModel[tuple[Labelled, ...]]):
    pass


class Agreement(Record):
    """Points of all answers: what a reader said and what was found."""

    answers: int
    both: int
    """points that both found"""
    neither: int
    missed: int
    """points that the reader found alone"""
    invented: int
    """points that the reader did not find"""
    by_language: dict[str, float]
    """share of points on which both agree"""
    errors: tuple[str, ...]
    """where they differ, in words"""

    @property
    def share(self) -> float:
        """Of the points on which both agree."""
        return (self.both + self.neither) / self.total

    @property
    def total(self) -> int:
        return self.both + self.neither + self.missed + self.invented

    @property
    def kappa(self) -> float:
        """Cohen's kappa (1960, Educ. Psychol. Meas. 20, 37): 0 for agreement by chance, 1 for complete agreement."""
        reader, found = (self.both + self.missed) / self.total, (self.both + self.invented) / self.total
        chance = reader * found + (1 - reader) * (1 - found)
        return (self.share - chance) / (1 - chance) if chance < 1 else math.nan


Decide = Callable[[Question, str, Language], Sequence[bool]]


def by_words(question: Question, answer: str, language: Language) -> list[bool]:
    """What the words of its points find in an answer."""
    return [said(point.words, answer, language) for point in question.item.points]


def by_model(name: str) -> Decide:
    """What a model finds. Raises HarnessFault where it does not decide."""

    def decide(question: Question, answer: str, language: Language) -> list[bool]:
        return anyio.run(judged_points, get_model(name), question, answer, language)

    return decide


def measure_agreement(decide: Decide, path: Path = LABELS) -> Agreement:
    """Compare decisions with labels. Raises TaskError for a label file that does not fit the questions."""
    source = Source.read(path)
    labels = source.validate(_Labels, source.data).root
    known = {question.id: question for suite in SUITES for question in load_questions(suite)}
    counts = {(a, b): 0 for a in (True, False) for b in (True, False)}
    agreed: dict[str, list[bool]] = {}
    errors = []
    for number, label in enumerate(labels):
        question = known.get(label.id)
        if question is None or len(question.item.points) != len(label.points):
            what = "is no question" if question is None else f"has {len(question.item.points)} points"
            raise TaskError(f"{source.at((number,))}: {label.id} {what}: label it anew")
        found = decide(question, label.answer, label.language)
        for point, reader, one in zip(question.item.points, label.points, found, strict=True):
            counts[reader, one] += 1
            agreed.setdefault(label.language, []).append(reader == one)
            if reader != one:
                errors.append(f"{label.id} ({label.language}), {'missed' if reader else 'invented'}: {point.text.en}")
    return Agreement(
        answers=len(labels),
        both=counts[True, True],
        neither=counts[False, False],
        missed=counts[True, False],
        invented=counts[False, True],
        by_language={language: sum(values) / len(values) for language, values in sorted(agreed.items())},
        errors=tuple(errors),
    )
