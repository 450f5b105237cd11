"""Model cards: one YAML file says what a model is, how it is asked, and what is known of it.

A card is all that a new model needs: `mdevalbench eval --model NAME` then takes its provider strings, settings and
prices. Cards of your own lie in a folder that `--cards-dir` or `$MDEVALBENCH_CARDS` names.
"""

from __future__ import annotations

import datetime
import os
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator, model_validator

from mdevalbench.errors import UsageError
from mdevalbench.tasks.source import Source, did_you_mean
from mdevalbench.types import Record

FOLDER = Path(__file__).parent / "cards"
VARIABLE = "MDEVALBENCH_CARDS"
"""environment variable with a folder of further cards"""
_FORM = "any other model is given as provider/model, for example openai/gpt-5 or hf/Qwen/Qwen3-4B"
Access = Literal["api", "open-weights", "unpublished", "built-in"]


class Price(Record):
    """US dollars per million tokens, as listed on a day."""

    input: float = Field(ge=0)
    output: float = Field(ge=0)
    date: datetime.date
    source: str


class Reported(Record):
    """A result that others report; it was not measured here."""

    suite: str
    """what was evaluated, e.g. `official`"""
    metric: str
    value: float
    unit: str = ""
    setting: str = ""
    """how: method, number of attempts"""
    source: str
    """publication with table or page; whether it was read there or is quoted by another"""


class Settings(Record):
    """What the developers recommend for generation, and what is used here unless the command line says otherwise."""

    temperature: float | None = Field(None, ge=0)
    top_p: float | None = Field(None, gt=0, le=1)
    top_k: int | None = Field(None, ge=1)
    max_tokens: int | None = Field(None, ge=1)


class Card(Record):
    """What is known of a model."""

    name: str
    """as people write it"""
    developer: str
    family: str
    """models that share training and architecture, e.g. Qwen3"""
    parameters: float | None = Field(None, gt=0)
    """billions, all of them; None if they were not published"""
    active: float | None = Field(None, gt=0)
    """billions that take part in a token, of a mixture of experts"""
    gigabytes: float | None = Field(None, gt=0)
    """memory that the weights need, where that is not two bytes for each parameter"""
    access: Access
    licence: str
    released: str | None = Field(None, pattern=r"^\d{4}-\d{2}$")
    """year and month"""
    inspect: str | None = None
    """provider string of Inspect"""
    lm_eval: str | None = None
    """`MODEL ARGUMENTS` of lm-eval, as after `--model` and `--model_args`"""
    context: int | None = Field(None, ge=1)
    """tokens"""
    generation: Settings = Settings()
    price: Price | None = None
    links: dict[str, str] = {}
    """what is there -> address"""
    reported: tuple[Reported, ...] = ()
    notes: str = ""

    @field_validator("inspect")
    @classmethod
    def _with_a_provider(cls, inspect: str | None) -> str | None:
        if inspect is not None and not all(inspect.partition("/")):
            raise ValueError(f"{inspect!r} is no provider/model")
        return inspect

    @field_validator("links")
    @classmethod
    def _addresses(cls, links: dict[str, str]) -> dict[str, str]:
        for address in links.values():
            if not address.startswith("https://"):
                raise ValueError(f"{address!r} is no address that begins with https://")
        return links

    @model_validator(mode="after")
    def _can_be_asked(self) -> Card:
        if self.access == "unpublished" and self.inspect:
            raise ValueError("a model whose weights are unpublished has no `inspect`")
        if self.access != "unpublished" and not self.inspect:
            raise ValueError("`inspect` is missing: the provider string by which the model is asked")
        if self.active is not None and (self.parameters is None or self.active > self.parameters):
            raise ValueError("`active` parameters are a part of `parameters`")
        return self

    @property
    def size(self) -> str:
        """`8B`, `30B (3B active)`, or empty."""
        if self.parameters is None:
            return ""
        whole = _billions(self.parameters)
        return f"{whole} ({_billions(self.active)} active)" if self.active else whole


def _billions(number: float) -> str:
    return f"{number:g}B" if number >= 0.1 else f"{1000 * number:g}M"


def cards() -> dict[str, Card]:
    """Every card by the name of its file: those of the package, then the user's, which may replace them.

    Raises UsageError if the user's folder is not there, and TaskError, with file and line, for a card that is broken.
    """
    own = os.environ.get(VARIABLE)
    return dict(_read(Path(own).expanduser().absolute() if own else None))


def card(name: str) -> Card:
    """One card. Raises UsageError if there is none of that name."""
    known = cards()
    if name not in known:
        raise UsageError(f"there is no card {name!r}{did_you_mean(name, known)}")
    return known[name]


def named(model: str) -> Card | None:
    """The card behind a name on the command line; None for `provider/model`, which needs none.

    Raises UsageError if there is no such card, or if its model cannot be asked by anyone.
    """
    if "/" in model:
        return None
    known = cards()
    if model not in known:
        near = did_you_mean(model, known)
        raise UsageError(f"--model {model}: there is no such card (`mdevalbench models` lists them), and {_FORM}{near}")
    if known[model].inspect is None:
        raise UsageError(
            f"--model {model}: the weights of {known[model].name} are unpublished, so that nobody can ask it"
        )
    return known[model]


@lru_cache(maxsize=8)
def _read(own: Path | None) -> dict[str, Card]:
    if own is not None and not own.is_dir():
        raise UsageError(f"{own} is no folder with model cards ($MDEVALBENCH_CARDS or --cards-dir)")
    return dict(_all((FOLDER, own) if own else (FOLDER,)))


def _all(folders: tuple[Path, ...]) -> Iterator[tuple[str, Card]]:
    for folder in folders:
        for path in sorted(folder.glob("*.yml")):
            source = Source.read(path)
            yield path.stem, source.validate(Card, source.data)
