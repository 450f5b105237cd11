"""From results, cards and what others report to the rows of the leaderboard. Everything is computed here from answers.

A row is one model with one way of asking it. Of several results of a suite in a language the latest counts. The
composite is the mean of the headline numbers of our own three suites, and only for those who were asked all of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import yaml
from pydantic import TypeAdapter, ValidationError

from mdevalbench.errors import TaskError
from mdevalbench.leaderboard.results import HEADLINE, Result
from mdevalbench.scorers.metrics import Interval, mean_interval, mean_of, pass_at_k_interval
from mdevalbench.types import Record
from mdevalbench.zoo.cards import Card, Reported, cards

REPORTED = Path(__file__).parent / "reported"
OURS = ("codegen-v1", "knowledge", "syntax")
"""suites of the composite, in English where they have a language"""
TITLES = {
    "codegen-v1": "Physics",
    "knowledge": "Knowledge",
    "syntax": "Syntax",
    "official-knowledge": "Published knowledge",
    "official-syntax": "Published syntax",
    "official-code": "Published code",
}


class Cell(Record):
    """A model on a suite."""

    suite: str
    language: str | None
    column: str
    interval: Interval | None
    at_k: Interval | None
    """at least one of `epochs` answers; None if each task was asked once, or where it means nothing"""
    result: Result

    @property
    def key(self) -> str:
        """Suite, with its seed if it is drawn, and its language if that is not English."""
        if self.result.kind == "physics" and self.result.seed is not None:
            return f"{self.suite} {self.result.seed}"
        return f"{self.suite}-{self.language}" if self.language not in (None, "en") else self.suite


class Row(Record):
    """A model on the leaderboard."""

    slug: str
    """name of its page"""
    name: str
    model: str
    card: Card | None
    cells: dict[str, Cell]
    composite: Interval | None
    rank: int | None
    """by the composite; None without one, and for built-in models"""

    @property
    def built_in(self) -> bool:
        """Whether it is a baseline of this project."""
        return self.card is not None and self.card.access == "built-in"


class Claim(Record):
    """A figure that others report, not measured here."""

    name: str
    """of the model"""
    reported: Reported


def rows(results: Sequence[Result]) -> tuple[Row, ...]:
    """The leaderboard, best first, built-in models last."""
    known = cards()
    gathered: dict[tuple[str, str], dict[str, Cell]] = {}
    for result in sorted(results, key=lambda result: result.created):
        if result.whole:
            cell = _cell(result)
            how = ", ".join(f"{key} {value}" for key, value in result.settings.items())
            gathered.setdefault((result.model, how), {})[cell.key] = cell
    found = [_row(model, how, cells, known) for (model, how), cells in gathered.items()]
    found.sort(key=_order)
    ranks = iter(range(1, len(found) + 1))
    return tuple(
        row.model_copy(update={"rank": next(ranks)}) if row.composite is not None and not row.built_in else row
        for row in found
    )


def parts(results: Sequence[Result]) -> tuple[Cell, ...]:
    """Results on a part of a suite only: shown apart, ranked nowhere."""
    return tuple(_cell(result) for result in results if not result.whole)


def _row(model: str, how: str, cells: dict[str, Cell], known: dict[str, Card]) -> Row:
    name = next((name for name, card in known.items() if card.inspect == model), None)
    card = known[name] if name else None
    title = card.name if card else model
    usual = card is not None and how == ", ".join(f"{k} {v}" for k, v in card.generation if v is not None)
    shown = title if usual or not how else f"{title} ({how})"
    ours = [cell.interval for suite in OURS if (cell := cells.get(suite)) and cell.interval]
    composite = mean_of(ours) if len(ours) == len(OURS) else None
    return Row(slug=slug(shown), name=shown, model=model, card=card, cells=cells, composite=composite, rank=None)


def _cell(result: Result) -> Cell:
    column = HEADLINE[result.kind]
    trials = result.trials(column)
    at_k = pass_at_k_interval(trials, result.epochs) if result.epochs > 1 and result.kind != "questions" else None
    return Cell(
        suite=result.suite,
        language=result.language,
        column=column,
        interval=mean_interval(trials),
        at_k=at_k,
        result=result,
    )


def _order(row: Row) -> tuple[bool, float, float, str]:
    """Built-in models last, then by the composite, then by the best headline."""
    best = max((cell.interval.mean for cell in row.cells.values() if cell.interval), default=0.0)
    return row.built_in, -(row.composite.mean if row.composite else -1.0), -best, row.name


def by_group(result: Result) -> dict[str, Interval | None]:
    """Family, or kind of question -> headline."""
    names = dict.fromkeys(result.groups.values())
    return {name: mean_interval(result.trials(HEADLINE[result.kind], name)) for name in names}


def slug(text: str) -> str:
    """A name for files and addresses."""
    return re.sub(r"[^a-z0-9.]+", "-", text.lower()).strip("-.")


def claims() -> tuple[Claim, ...]:
    """Figures that others report: those of the cards, and those in `reported/`. Raises TaskError for a broken file."""
    return (*_of_cards(), *_of_papers())


def _of_cards() -> Iterator[Claim]:
    for card in cards().values():
        yield from (Claim(name=card.name, reported=one) for one in card.reported)


def _of_papers() -> Iterator[Claim]:
    for path in sorted(REPORTED.glob("*.yml")):
        try:
            yield from TypeAdapter(tuple[Claim, ...]).validate_python(yaml.safe_load(path.read_text(encoding="utf-8")))
        except (yaml.YAMLError, ValidationError) as error:
            raise TaskError(f"{path}: {error}") from error
