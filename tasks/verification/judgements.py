"""Judgements of the scripts of tasks: one JSON line each, kept in a file so that nothing is judged twice.

A line is found again by its key, which covers all that decides the verdict: after an interruption, or after a family
has changed, only what is not there yet is judged.
"""

from __future__ import annotations

import fcntl
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Literal

from pydantic import ValidationError

from mdevalbench.errors import UsageError
from mdevalbench.tasks.scripts import Kind
from mdevalbench.types import Measurement, Record, Reference

Group = Literal["references", "solutions", "wrong", "breaking", "benign", "reseeds"]
GROUPS: dict[Kind, Group] = {
    "reference": "references",
    "solution": "solutions",
    "wrong": "wrong",
    "breaking": "breaking",
    "benign": "benign",
    "reseed": "reseeds",
}


def group_of(kind: Kind, seed: int | None) -> Group:
    """Where a script counts: a second solution with another seed than the recipe's counts with the new seeds."""
    return "reseeds" if kind == "solution" and seed is not None else GROUPS[kind]


def label(kind: Kind, name: str, seed: int | None) -> str:
    """Name and seed of a script: `no_tail, seed 123`."""
    return f"{name}, seed {seed}" if seed is not None and kind != "reseed" else name


class Judgement(Record):
    """What the judge said of one script of a task, and what it was that said so."""

    key: str
    """SHA-256 over all that decides the verdict"""
    task: str
    kind: Kind
    name: str
    seed: int | None
    """random seed in place of that of the recipe"""
    stochastic: bool
    two_sided: bool
    """whether the measured value is compared with the reference; False for an upper bound"""
    passed: bool
    outcome: str
    stage: str
    reward: float
    measured: Measurement | None
    reference: Reference
    reference_dof: float | None
    """degrees of freedom of the reference's uncertainty; None if it is not statistical"""
    claim: float | None
    reasons: tuple[str, ...]
    cpu_seconds: float
    """of LAMMPS for the verdict: the script's own run and, where it came so far, that in another world"""
    script_seconds: float | None
    """of LAMMPS for the script's own run"""
    task_digest: str
    script_digest: str
    judge_digest: str
    lammps: str
    package: str
    """version of MD-EvalBench"""
    date: str
    """day, ISO 8601"""

    @property
    def family(self) -> str:
        """Name of the family."""
        return self.task.partition("/")[0]

    @property
    def right(self) -> bool:
        """Whether the script is right."""
        return self.kind not in ("wrong", "breaking")

    @property
    def good(self) -> bool:
        """Whether the verdict is as it has to be."""
        return self.passed == self.right

    @property
    def group(self) -> Group:
        """Where it counts."""
        return group_of(self.kind, self.seed)

    @property
    def label(self) -> str:
        """`no_tail, seed 123`."""
        return label(self.kind, self.name, self.seed)


class Book:
    """Judgements that are known, by key, and where to write new ones."""

    def __init__(self, known: dict[str, Judgement] | None = None, file: IO[bytes] | None = None) -> None:
        self.known, self._file = known or {}, file

    def add(self, judgement: Judgement) -> None:
        """Keep a judgement; its line is with the operating system when this returns."""
        self.known[judgement.key] = judgement
        if self._file is not None:
            self._file.write(json.dumps(judgement.model_dump()).encode() + b"\n")


@contextmanager
def open_book(path: Path) -> Iterator[Book]:
    """The judgements of a file, to be added to. Raises UsageError if it cannot be written, or is being written to."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("ab", buffering=0)
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}") from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise UsageError(f"another verification is writing to {path}: wait for it, or use another file") from error
        whole = path.read_bytes().rpartition(b"\n")
        file.truncate(len(whole[0]) + len(whole[1]))  # a line that was torn when its writer was killed
        yield Book({judgement.key: judgement for judgement in read_judgements(path)}, file)


def read_judgements(path: Path) -> list[Judgement]:
    """The judgements of a file in their order; lines that are torn or of another format are left out.

    Raises UsageError if the file cannot be read.
    """
    try:
        lines = path.read_bytes().split(b"\n")[:-1]  # what follows the last line break is torn
    except OSError as error:
        raise UsageError(
            f"{path} cannot be read: {error.strerror}; `mdevalbench tasks verify --full --record {path}` makes it"
        ) from error
    return [judgement for line in lines if (judgement := _parsed(line)) is not None]


def _parsed(line: bytes) -> Judgement | None:
    try:
        content: Any = json.loads(line)
        return Judgement.model_validate(content)
    except (ValueError, ValidationError):
        return None
