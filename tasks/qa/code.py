"""The code tasks of MD-EvalBench as MDAgent2 publishes them: a request in a sentence or two, and a script for it.

A published script is no proof: most read files that were never published, and what a right result would be is said
nowhere. Flags tell so. Scripts are decoded in memory and never written.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from functools import lru_cache
from pathlib import Path

from pydantic import AliasChoices, Field, ValidationError

from mdevalbench.errors import TaskError
from mdevalbench.lammps.filecheck import is_there, reads
from mdevalbench.lammps.script import Command, bodies, parse
from mdevalbench.tasks.qa.published import decoded, find_files, folder
from mdevalbench.tasks.qa.schema import Language
from mdevalbench.tasks.source import read_text
from mdevalbench.types import Record

SUITE = "official-code"
FILES = "*CodeGenEval*.json"
"""name of the files, anywhere below a folder EN or ZH"""
PUBLISHED = 167
"""tasks that the paper counts"""
NO_RUN, MISSING, NO_SCRIPT = "performs no run", "needs files that were not published", "no script is published"
BROKEN = "the reference does not run"
_LOOPS = frozenset("run minimize rerun neb prd tad temper hyper dynamical_matrix third_order".split())


class CodeTask(Record):
    """A published code task."""

    id: str
    """`official-code/` with the number in its file, from 1"""
    prompt: str
    reference: str
    """the published script; empty if there is none"""
    missing: tuple[str, ...] = ()
    """files that the reference reads, and that neither it nor LAMMPS brings"""
    flags: tuple[str, ...] = ()
    """what a reader of its score has to know, as far as the text of the reference tells"""


class _Row(Record, extra="ignore"):
    task: str = Field(min_length=1)
    code: object = Field(None, validation_alias=AliasChoices("standrd_code", "standard_code", "code"))


def load_code(data: Path | None, language: Language) -> tuple[CodeTask, ...]:
    """The published code tasks.

    Args:
        data: folder that holds the files, in whatever depth; None to fetch them from the hub.
        language: `en` or `zh`.

    Raises:
        UsageError: there is no such folder or file, or the hub cannot be reached.
        TaskError: a file is damaged or another one; the message names file and line.
    """
    return _load(folder(data), language)


@lru_cache(maxsize=4)
def _load(root: Path, language: Language) -> tuple[CodeTask, ...]:
    rows: dict[tuple[str, str], None] = {}
    for path in find_files(root, FILES, language):
        rows |= dict.fromkeys(_rows(path))
    found = tuple(_task(number, prompt, script) for number, (prompt, script) in enumerate(rows, 1))
    _read.setdefault(language, {}).update({task.prompt: task for task in found})
    return found


_read: dict[Language, dict[str, CodeTask]] = {}


def recognise_code(prompt: str) -> CodeTask | None:
    """The task with exactly this prompt, among those that this process has read; None if there is none."""
    return next((tasks[prompt.strip()] for tasks in _read.values() if prompt.strip() in tasks), None)


def _rows(path: Path) -> Iterator[tuple[str, str]]:
    """Request and script of each row."""
    text = read_text(path)
    try:
        rows = json.loads(text)
    except ValueError as error:
        line = getattr(error, "lineno", 1)
        cut = ": the file ends in the middle of it, download it again" if not text.rstrip().endswith("]") else ""
        raise TaskError(f"{path}:{line}: this is no valid JSON ({error}){cut}") from error
    if not isinstance(rows, list) or not rows:
        raise TaskError(f"{path}:1: published code tasks are a list of objects with task and standrd_code")
    for number, (row, line) in enumerate(zip(rows, _lines(text, len(rows)), strict=True), 1):
        try:
            known = _Row.model_validate(row)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, first["loc"])) or "it"
            raise TaskError(
                f"{path}:{line}: task {number}: {where}: {first['msg'].lower()}; a published code task is an object "
                "with task and standrd_code"
            ) from error
        script = decoded(known.code, f"{path}:{line}: task {number}: standrd_code")
        if not isinstance(script, str | None):
            raise TaskError(f"{path}:{line}: task {number}: standrd_code is no text")
        yield known.task.strip(), (script or "").replace("\r\n", "\n").strip()


def _lines(text: str, count: int) -> list[int]:
    """The line on which each row begins; 1 for all where the file is not laid out by lines."""
    starts = [number for number, line in enumerate(text.splitlines(), 1) if '"task"' in line]
    return starts if len(starts) == count else [1] * count


def _task(number: int, prompt: str, script: str) -> CodeTask:
    missing = tuple(dict.fromkeys(_missing(script)))
    flags = [
        flag for flag, so in ((NO_SCRIPT, not script), (NO_RUN, script and not _runs(script)), (MISSING, missing)) if so
    ]
    return CodeTask(id=f"{SUITE}/{number:03d}", prompt=prompt, reference=script, missing=missing, flags=tuple(flags))


def _commands(script: str) -> Iterator[Command]:
    for command in parse(script).commands:
        yield command
        yield from bodies(command)


def _runs(script: str) -> bool:
    return any(command.name in _LOOPS for command in _commands(script))


def _missing(script: str) -> Iterator[str]:
    """Files that the script reads without having made them, and that do not come with LAMMPS."""
    earlier: list[Command] = []
    pair_style = ""
    for command in _commands(script):
        if command.name == "pair_style" and command.args:
            pair_style = command.args[0].text
        yield from (read.word.text for read in reads(command, pair_style) if not is_there(read, (), earlier))
        earlier.append(command)


def flags_of(tasks: Sequence[CodeTask], broken: Collection[str]) -> dict[str, int]:
    """Flag -> number of tasks, with what is to be said of all; `broken` are ids whose reference does not run."""
    table = dict(Counter(flag for task in tasks for flag in task.flags).most_common())
    if broken:
        table = {BROKEN: len(broken)} | table
    if len(tasks) < PUBLISHED:
        table[f"of the {PUBLISHED} that the paper counts, not in these files"] = PUBLISHED - len(tasks)
    return table
