"""What happened in MD-GRPO: every prompt that was dealt and every completion, with its reward, reasons and lineage.

One JSON line each in `rollouts.jsonl`, written as it happens, so that a kill loses nothing and a run can be browsed
while it goes on. Processes of one training share the file.
"""

from __future__ import annotations

import fcntl
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from mdevalbench.types import Components, Record


class Deal(Record):
    """A prompt that was dealt to a slot, that is, to one group of completions."""

    kind: Literal["deal"] = "deal"
    slot: int
    step: int
    """optimiser steps that are done when its completions are written"""
    task: str
    prompt: str
    parent: str | None = None
    """rollout that was recycled into this prompt"""
    depth: int = 0
    """rewritings that led to it"""


class Rollout(Record):
    """A completion and what it earned."""

    kind: Literal["rollout"] = "rollout"
    id: str
    """`slot.number`"""
    slot: int
    step: int
    task: str
    parent: str | None = None
    depth: int = 0
    completion: str
    reward: float | None
    """None where the harness failed"""
    stage: str = ""
    components: Components = Components()
    reasons: tuple[str, ...] = ()
    diagnosis: str = ""
    """what went wrong, in words that do not tell the reference"""


_LINE: TypeAdapter[Deal | Rollout] = TypeAdapter(Annotated[Deal | Rollout, Field(discriminator="kind")])


class Rollouts:
    """The file of a run, and what it holds."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.deals: dict[int, Deal] = {}
        self.rollouts: dict[str, Rollout] = {}
        self._read = 0  # bytes
        self.refresh()

    def refresh(self) -> None:
        """Take in what other processes have written; a line that a kill cut short is left out."""
        if not self.path.is_file():
            return
        with self.path.open("rb") as file:
            file.seek(self._read)
            for line in file:
                if not line.endswith(b"\n"):
                    break
                self._read += len(line)
                self._take(_LINE.validate_json(line))

    def add(self, lines: Sequence[Deal | Rollout]) -> None:
        """Append; all of them or, after a kill, the first of them."""
        with self.path.open("ab") as file:
            file.write(b"".join(line.model_dump_json().encode() + b"\n" for line in lines))
        self.refresh()

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Alone among the processes of a training, with all that they have written."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            self.refresh()
            yield

    def forget_after(self, step: int) -> None:
        """Take back what was dealt and done at or after a step, which training will do again from its checkpoint."""
        if not self.path.is_file():
            return
        lines: list[Deal | Rollout] = [*self.deals.values(), *self.rollouts.values()]
        kept = [line for line in lines if line.step < step]
        part = self.path.with_suffix(".part")
        part.write_text("".join(line.model_dump_json() + "\n" for line in kept))
        part.replace(self.path)
        self.deals, self.rollouts, self._read = {}, {}, 0
        self.refresh()

    def lineage(self, rollout: Rollout) -> list[Rollout]:
        """A rollout and those that it was recycled from, the youngest first."""
        found = [rollout]
        while (parent := found[-1].parent) is not None and parent in self.rollouts:
            found.append(self.rollouts[parent])
        return found

    def groups(self) -> Iterable[tuple[Deal, list[Rollout]]]:
        """Prompts with their completions, in the order of their slots."""
        by_slot: dict[int, list[Rollout]] = {}
        for rollout in self.rollouts.values():
            by_slot.setdefault(rollout.slot, []).append(rollout)
        return [(deal, by_slot.get(slot, [])) for slot, deal in sorted(self.deals.items())]

    def _take(self, line: Deal | Rollout) -> None:
        if isinstance(line, Deal):
            self.deals[line.slot] = line
        else:
            self.rollouts[line.id] = line
