"""Reading questions, and dealing letters to their options."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from mdevalbench.errors import TaskError
from mdevalbench.tasks.qa.schema import LETTERS, Item, Language, Option
from mdevalbench.tasks.source import Source, did_you_mean

ROOT = Path(__file__).parent
SUITES = ("knowledge", "syntax")
_SHUFFLES = 24
"""orders of options of which the one is taken that balances the letters best"""


@dataclass(frozen=True)
class Question:
    """An item and where it stands."""

    suite: str
    item: Item
    source: Source
    number: int
    """in its file, from 0"""

    @property
    def id(self) -> str:
        """`syntax/timestep-of-metal-units`."""
        return f"{self.suite}/{self.item.id}"

    def at(self, *where: int | str) -> str:
        """`file:line: key` of something in it, for messages."""
        return self.source.at((self.number, *where))


def load_questions(suite: str, root: Path | None = None) -> tuple[Question, ...]:
    """All questions of a suite, in the order of its files.

    Raises TaskError: the suite is unknown, a file is no list of items, an item is malformed, or an id stands twice; the
    message names file and line.
    """
    if suite not in SUITES:
        raise TaskError(f"there is no suite of questions {suite!r}{did_you_mean(suite, SUITES, 'suites')}")
    return _of_package(suite) if root is None else _load(suite, root)


@cache
def _of_package(suite: str) -> tuple[Question, ...]:
    return _load(suite, ROOT)


def _load(suite: str, root: Path) -> tuple[Question, ...]:
    found: dict[str, Question] = {}
    for path in sorted((root / suite).glob("*.yml")):
        source = Source.read(path)
        if not isinstance(source.data, list):
            raise TaskError(f"{path}:1: a file of questions is a list: each item begins with `- id:`")
        for number, entry in enumerate(source.data):
            item = source.validate(Item, entry, {(): (number,)})
            question = Question(suite, item, source, number)
            if item.id in found:
                raise TaskError(f"{question.at('id')}: {item.id!r} is also the id at {found[item.id].at('id')}")
            found[item.id] = question
    return tuple(found.values())


def deal(questions: Iterable[Question], seed: int) -> Mapping[str, tuple[Option, ...]]:
    """Id -> its options as A, B, C, ...; right answers are spread evenly over the letters.

    The same seed deals the same to the same questions, in either language. Deal a whole suite: a part of it is dealt
    otherwise.
    """
    rng = random.Random(f"letters {seed}")
    used: Counter[str] = Counter()
    dealt: dict[str, tuple[Option, ...]] = {}
    for question in questions:
        if not question.item.options:
            continue
        orders = [rng.sample(question.item.options, len(question.item.options)) for _ in range(_SHUFFLES)]
        best = min(orders, key=lambda order: sum(used[question.item.kind + letter] for letter in right_letters(order)))
        used.update(question.item.kind + letter for letter in right_letters(best))
        dealt[question.id] = tuple(best)
    return dealt


def right_letters(options: Iterable[Option]) -> str:
    """`BD`, of options in their order."""
    return "".join(letter for letter, option in zip(LETTERS, options, strict=False) if option.right)


def texts(options: Iterable[Option], language: Language) -> list[tuple[str, str]]:
    """(letter, text) of options in their order."""
    return [(letter, option.text[language]) for letter, option in zip(LETTERS, options, strict=False)]
