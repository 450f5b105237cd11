"""Light tasks without end, drawn by a seed from the `train:` section of a family.

```yaml
train:
  systems:                 # one is drawn; it takes the place of `parameters:` of a task. `materials:` may stand in it
    - {element: Kr, mass: 83.798, epsilon: 0.0140, sigma: 3.65}
  parameters:              # drawn in this order; expressions may use recipe, system and what was drawn before
    temperature: {low: 20, high: "{{ 4000 * epsilon }}", digits: 3}    # evenly between the two, 3 significant digits
    cells: {choices: [2, 3]}
  recipe: {time: 5.0}      # values of the recipe that are lighter
  spec: {limits: {cpu_seconds: 10}}    # what else differs; mappings are merged, anything else is replaced
```

A drawn task is fixed by family, version of the family, seed and index (`lattice_constant/draw-7-0`), on every machine.
One that has the prompt of a frozen task, or of an earlier task of the same draw, is drawn again.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

from pydantic import Field

from mdevalbench.errors import TaskError
from mdevalbench.tasks.drawn import cache
from mdevalbench.tasks.drawn.seeds import LABEL, Numbers, Seed
from mdevalbench.tasks.loading import (
    DRAWN,
    Layers,
    Skeleton,
    Task,
    family_names,
    load_family,
    read_family,
    render_prompt,
    render_spec,
)
from mdevalbench.tasks.references import StoredReference
from mdevalbench.tasks.render import render_value, resolve
from mdevalbench.tasks.source import KeyPath, Source
from mdevalbench.types import Record

MOST = 1_000_000
"""tasks of one family that a seed gives at most"""
_TRIES = 200
"""draws for one task before the ranges are called too narrow"""


class Range(Record):
    """Where a parameter is drawn from: evenly between two numbers, or one of several values."""

    low: Any = None
    high: Any = None
    digits: int | None = Field(None, ge=1, le=12)
    """significant digits, so that the prompt shows a number as people write it"""
    choices: tuple[Any, ...] = ()


class Train(Record):
    """The section `train:` of a family."""

    systems: tuple[dict[str, Any], ...] = Field(min_length=1)
    parameters: dict[str, Range] = {}
    recipe: dict[str, Any] = {}
    spec: dict[str, Any] = {}


@dataclass(frozen=True)
class DrawnTask(Task):
    """A task that was drawn; its reference comes from 4 seeds and lies in the user's cache, by content."""

    seed: str = ""
    """label of the seed"""
    index: int = 0
    seeds: ClassVar[int] = 4

    @cached_property
    def reference(self) -> StoredReference | None:
        """The reference value, or None if it was not measured here yet."""
        return cache.read_reference(self)

    def keep_reference(self, reference: StoredReference) -> None:
        """Store a reference value once it is whole, for all processes."""
        law = self.spec.compare.size_law
        enough = self.seeds if self.spec.stochastic else 1
        if len(reference.seeds) >= enough and (law is None or len(reference.second_size) >= enough):
            cache.write_reference(self, reference)

    @property
    def to_make_reference(self) -> str:
        """The command that makes the reference values of all tasks up to this one."""
        seed = f" --seed {self.seed}" if self.seed.isdecimal() else ""
        return f"mdevalbench tasks draw --family {self.family}{seed} -n {self.index + 1}"


def draw(family: str, seed: int | Seed, count: int, root: Path | None = None) -> tuple[DrawnTask, ...]:
    """The first `count` tasks that a seed draws from a family. Fewer of them are the beginning of more.

    Raises TaskError if the family is unknown, cannot be drawn from, or gives no so many different tasks.
    """
    deck = _deck(family, seed if isinstance(seed, Seed) else Seed.open(seed), root)
    return tuple(deck.task(index) for index in range(count))


def drawn_task(family: str, instance: str, root: Path | None = None) -> DrawnTask:
    """The drawn task of a family with an instance such as `draw-7-0`.

    Raises TaskError if there is none, or if its seed is sealed and not known here.
    """
    found = re.fullmatch(rf"{DRAWN}({LABEL})-(\d{{1,7}})", instance)
    if found is None or int(found[2]) >= MOST:
        raise TaskError(
            f"there is no task '{family}/{instance}'; drawn tasks are called '{family}/{DRAWN}<seed>-<index>', with an "
            f"index below {MOST}"
        )
    return _deck(family, Seed.labelled(found[1]), root).task(int(found[2]))


def drawable(root: Path | None = None) -> tuple[str, ...]:
    """Families that have a `train` section, by name."""
    return tuple(name for name in family_names(root) if "train" in read_family(name, root)[0].data)


def draw_in_turn(seed: Seed, count: int, family: str | None = None, root: Path | None = None) -> tuple[DrawnTask, ...]:
    """So many tasks, one in turn from each family that can be drawn from, or all from one family.

    Raises TaskError like `draw`, and if there is no family to draw from.
    """
    families = (family,) if family else drawable(root)
    if not families:
        raise TaskError("nothing can be drawn: no family has a section `train`")
    decks = [_deck(name, seed, root) for name in families]
    return tuple(decks[number % len(decks)].task(number // len(decks)) for number in range(count))


def dealt(prompt: str) -> DrawnTask | None:
    """The task with this prompt among those that this process has drawn."""
    for deck in _decks.values():
        if (index := deck.prompts.get(prompt.strip())) is not None:
            return deck.task(index)
    return None


class _Deck:
    """The tasks that one seed draws from one family, dealt in order."""

    def __init__(self, source: Source, skeleton: Skeleton, frozen: set[str], seed: Seed) -> None:
        self.source, self.skeleton, self.seed = source, skeleton, seed
        self.train = _train(source)
        self.prompts: dict[str, int] = {}
        self._frozen = frozen
        self._lock = threading.Lock()
        self._hands: list[tuple[int, Layers]] = []

    def task(self, index: int) -> DrawnTask:
        """The task of that index."""
        with self._lock:
            while len(self._hands) <= index:
                self._deal(len(self._hands))
        number, layers = self._hands[index]
        source, system = self.source, self.train.systems[number]
        names = resolve(layers, source.at)
        content = _merged({k: v for k, v in source.data.items() if k != "studies"}, self.train.spec)
        content["mutations"] = {}  # a family proves its scripts on the frozen tasks
        materials = system.get("materials") or list(
            render_value(content["potential"]["elements"], names, source.at, ("potential", "elements"))
        )
        instance = f"{DRAWN}{self.seed.label}-{index}"
        parameters = {k: None for k in (*system, *self.train.parameters) if k != "materials"}
        entry = {"id": instance, "materials": materials, "parameters": parameters}
        spec = render_spec(source, content, entry, names, ("train", "systems", number))
        return DrawnTask(
            f"{spec.family}/{instance}",
            spec,
            render_prompt(source, names),
            source.path.parent,
            source,
            layers,
            seed=self.seed.label,
            index=index,
        )

    def _deal(self, index: int) -> None:
        """Draw until there is a task that is neither a frozen one nor one of those before."""
        for attempt in range(_TRIES):
            number, layers = self._hand(index, attempt)
            prompt = render_prompt(self.source, resolve(layers, self.source.at)).strip()
            if prompt not in self.prompts and prompt not in self._frozen:
                self.prompts[prompt] = index
                self._hands.append((number, layers))
                return
        raise TaskError(
            f"{self.source.at(('train',))}: after {index} tasks, {_TRIES} further draws gave no new prompt: the "
            "parameters that the prompt shows need wider ranges"
        )

    def _hand(self, index: int, attempt: int) -> tuple[int, Layers]:
        """Number of a drawn system, and recipe and parameters with what was drawn."""
        source, train = self.source, self.train
        numbers = Numbers(self.seed, f"{self.skeleton.family} {source.data['version']} {index} {attempt}")
        number = numbers.below(len(train.systems))
        layers: dict[str, tuple[KeyPath, Any]] = {k: (("recipe", k), v) for k, v in self.skeleton.recipe.items()}
        layers |= {k: (("train", "recipe", k), v) for k, v in train.recipe.items()}
        system = train.systems[number]
        layers |= {k: (("train", "systems", number, k), v) for k, v in system.items() if k != "materials"}
        for name, span in train.parameters.items():
            where = ("train", "parameters", name)
            layers[name] = where, _drawn(span, numbers, layers, source, where)
        return number, layers


_decks: dict[tuple[object, ...], _Deck] = {}
"""decks of this process; the texts that decide about one are part of its key, so that a change is seen"""


def _deck(family: str, seed: Seed, root: Path | None) -> _Deck:
    source, skeleton = read_family(family, root)
    prompt = source.path.with_name("prompt.md.j2")
    key = (source.path, source.path.read_bytes(), prompt.read_bytes() if prompt.exists() else b"", seed.label)
    if key not in _decks:
        frozen = {task.prompt.strip() for task in load_family(family, root)}
        _decks[key] = _Deck(source, skeleton, frozen, seed)
    return _decks[key]


def _train(source: Source) -> Train:
    """The section `train:`, checked. Raises TaskError."""
    if "train" not in source.data:
        raise TaskError(f"{source.path}: has no section `train`, so that nothing can be drawn from it")
    train = source.validate(_Section, {"train": source.data["train"]}).train
    for name, span in train.parameters.items():
        ends = [end is not None for end in (span.low, span.high, span.digits)]
        if not (all(ends) and not span.choices) and not (not any(ends) and span.choices):
            where = source.at(("train", "parameters", name))
            raise TaskError(f"{where}: give either `low`, `high` and `digits`, or `choices`")
    return train


class _Section(Record):
    train: Train


def _drawn(span: Range, numbers: Numbers, layers: Layers, source: Source, where: KeyPath) -> Any:
    """A value from a range."""
    if span.choices:
        return span.choices[numbers.below(len(span.choices))]
    low, high = (_number(end, layers, source, (*where, key)) for key, end in (("low", span.low), ("high", span.high)))
    if not low < high:
        raise TaskError(f"{source.at(where)}: `low` is {low:g} and `high` is {high:g}")
    return float(f"{low + numbers.fraction() * (high - low):.{span.digits}g}")


def _number(value: Any, layers: Layers, source: Source, where: KeyPath) -> float:
    found = resolve({**layers, "": (where, value)}, source.at, [""])[""] if isinstance(value, str) else value
    if isinstance(found, bool) or not isinstance(found, int | float):
        raise TaskError(f"{source.at(where)}: expected a number, got {found!r}")
    return float(found)


def _merged(first: Mapping[str, Any], second: Mapping[str, Any]) -> dict[str, Any]:
    """`second` laid over `first`, mappings merged at every depth."""
    merged = dict(first)
    for key, value in second.items():
        both = isinstance(value, Mapping) and isinstance(merged.get(key), Mapping)
        merged[key] = _merged(merged[key], value) if both else value
    return merged
