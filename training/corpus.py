"""What a model is shown: prompts and right scripts of drawn tasks, and text.

Tasks come from the training tier without end (`mdevalbench tasks draw`), whose reference scripts and second solutions
were proven against the judge family by family; none has the prompt of a frozen task. Everything here is fixed by the
recipe's `data`, whatever the machine.
"""

from __future__ import annotations

import glob
import hashlib
import itertools
import json
import random
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from mdevalbench.errors import UsageError
from mdevalbench.tasks import DrawnTask, Seed, drawable, render_reference
from mdevalbench.tasks.drawn.drawing import draw_in_turn, drawn_task
from mdevalbench.tasks.loading import DRAWN
from mdevalbench.tasks.scripts import seed_of, solutions
from mdevalbench.tasks.source import did_you_mean
from mdevalbench.training.recipe import Data
from mdevalbench.training.rewriting import in_words
from mdevalbench.training.spoiling import spoilt
from mdevalbench.training.styles import answer, restyled

NOTES = Path(__file__).parent / "notes"


@dataclass(frozen=True, slots=True)
class Example:
    """A question with a right answer."""

    task: str
    prompt: str
    completion: str


def families(data: Data) -> tuple[str, ...]:
    """Families that may be shown. Raises UsageError if one that is held out does not exist, or if none is left."""
    there = drawable()
    for name in data.held_out:
        if name not in there:
            raise UsageError(f"data.held_out: no family {name!r} can be drawn from{did_you_mean(name, there)}")
    if left := tuple(name for name in there if name not in data.held_out):
        return left
    raise UsageError("data.held_out: every family is held out, so that nothing is left to learn from")


def tasks(data: Data, seed: int, count: int) -> Iterator[DrawnTask]:
    """So many tasks, in turn from each family that may be shown; none with a prompt of those that are spared."""
    spared = _spared(data)
    decks = [_unspared(name, Seed.open(seed), spared) for name in families(data)]
    for number in range(count):
        yield next(decks[number % len(decks)])


def _spared(data: Data) -> set[str]:
    draw = data.spared
    return {task.prompt.strip() for task in draw_in_turn(Seed.open(draw.seed), draw.tasks)} if draw else set()


def _unspared(family: str, seed: Seed, spared: set[str]) -> Iterator[DrawnTask]:
    for index in itertools.count():
        task = drawn_task(family, f"{DRAWN}{seed.label}-{index}")
        if task.prompt.strip() not in spared:
            yield task


def examples(data: Data) -> Iterator[Example]:
    """Questions with right answers: `data.scripts` for each task, by its methods, each in a style of its own."""
    for task in tasks(data, data.seed, data.tasks):
        rng = random.Random(f"{data.seed} {task.id}")
        for number in range(data.scripts):
            seed = seed_of(task, f"corpus {data.seed}", number) if "seed" in task.layers else None
            methods = [render_reference(task, seed), *(variant.script for variant in solutions(task, seed))]
            script = restyled(methods[0] if number == 0 else rng.choice(methods), rng)
            yield Example(task.id, _asked(data, task.prompt.strip(), script, rng), answer(script, rng))


def _asked(data: Data, prompt: str, script: str, rng: random.Random) -> str:
    """The prompt of a task; now and then that of repairing the script, as MD-GRPO's recycled prompts have it."""
    if rng.random() >= data.repairs:
        return prompt
    failed, why = spoilt(script, rng)
    return in_words(prompt, answer(failed, rng), why)


def documents(data: Data) -> Iterator[str]:
    """Text for continued pre-training: questions and scripts as running text, our notes, and the recipe's files."""
    for example in examples(data):
        yield f"{example.prompt}\n\n{example.completion}\n"
    for path in sorted(NOTES.glob("*.md")):
        yield path.read_text(encoding="utf-8")
    yield from _files(data.files)


def _files(patterns: Iterable[str]) -> Iterator[str]:
    """Each text once. Raises UsageError for a pattern that fits no file, or a file that is no text."""
    seen: set[str] = set()
    for pattern in patterns:
        paths = sorted(path for path in map(Path, glob.glob(pattern, recursive=True)) if path.is_file())
        if not paths:
            raise UsageError(f"data.files: no file is called {pattern!r}")
        for path in paths:
            try:
                text = path.read_text(encoding="utf-8").strip()
            except (OSError, UnicodeDecodeError) as error:
                raise UsageError(f"data.files: {path} cannot be read as text: {error}") from error
            digest = hashlib.sha256(text.encode()).hexdigest()
            if text and digest not in seen:
                seen.add(digest)
                yield text + "\n"


def digest(rows: Iterable[Any]) -> str:
    """SHA-256 over examples or documents, in their order."""
    found = hashlib.sha256()
    for row in rows:
        found.update(json.dumps(row if isinstance(row, str) else asdict(row)).encode() + b"\n")
    return found.hexdigest()
