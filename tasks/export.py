"""Tasks as rows of a data set, in the form that a trainer expects.

A row holds the question and the task's id, by which the reward finds everything else; never a reference value or a
solution. Its `digest` is that of the question: a reward that gets it too refuses a row whose question has changed.

| format | columns | reward |
| --- | --- | --- |
| trl | prompt (messages), task, digest | `reward_funcs=[physics]` of mdevalbench.reward |
| verl | data_source, prompt (messages), ability, reward_model, extra_info | `compute_score` of mdevalbench/reward.py |
| openrlhf | input, label | `/openrlhf` of `mdevalbench serve reward` |
| verifiers | id, prompt, task, digest: fields of a `TaskData` | `aphysics` in a `@vf.reward` |
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from mdevalbench.errors import UsageError
from mdevalbench.tasks.chat import messages
from mdevalbench.tasks.loading import Task
from mdevalbench.tasks.source import did_you_mean

Row = Mapping[str, Any]


def question_digest(task: Task) -> str:
    """SHA-256 of the question. Unlike `Task.digest` it is the same wherever the reference was measured."""
    return hashlib.sha256(f"{task.id}\0{task.prompt}".encode()).hexdigest()


def rows(tasks: Sequence[Task], trainer: str) -> list[Row]:
    """One row for each task, in order. Raises UsageError if there is no format of that trainer."""
    if trainer not in FORMATS:
        raise UsageError(f"there is no format {trainer!r}{did_you_mean(trainer, FORMATS, 'there are')}")
    return [FORMATS[trainer](task, index) for index, task in enumerate(tasks)]


def check_path(path: Path) -> None:
    """Raise UsageError if rows cannot be written to a file: it exists, has another ending, or no folder."""
    if path.suffix not in (".jsonl", ".parquet"):
        raise UsageError(f"{path}: rows are written as .jsonl or .parquet")
    if path.exists():
        raise UsageError(f"{path} is there already: remove it, or choose another file")
    if not path.parent.is_dir():
        raise UsageError(f"{path} cannot be written: there is no folder {path.parent}")


def write(found: Sequence[Row], path: Path) -> None:
    """Write rows to a new file, as JSON lines or Parquet by its ending.

    Raises UsageError like `check_path`, if the file cannot be written, and if Parquet needs `pyarrow`.
    """
    check_path(path)
    content = _parquet(found) if path.suffix == ".parquet" else _json_lines(found)
    try:
        path.write_bytes(content)
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}") from error


def _json_lines(found: Sequence[Row]) -> bytes:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in found).encode()


def _parquet(found: Sequence[Row]) -> bytes:
    import pandas

    try:
        content: bytes = pandas.DataFrame(list(found)).to_parquet(engine="pyarrow", index=False)
    except ImportError as error:
        raise UsageError("Parquet needs pyarrow: pip install pyarrow, or write .jsonl") from error
    return content


def _trl(task: Task, index: int) -> Row:
    return {"prompt": messages(task.prompt), "task": task.id, "digest": question_digest(task)}


def _verl(task: Task, index: int) -> Row:
    return {
        "data_source": "mdevalbench",
        "prompt": messages(task.prompt),
        "ability": "molecular_dynamics",
        "reward_model": {"style": "rule", "ground_truth": task.id},
        "extra_info": {"index": index, "family": task.family, "digest": question_digest(task)},
    }


def _openrlhf(task: Task, index: int) -> Row:
    return {"input": task.prompt, "label": task.id}


def _verifiers(task: Task, index: int) -> Row:
    return {"id": task.id, "prompt": task.prompt, "task": task.id, "digest": question_digest(task)}


FORMATS: dict[str, Callable[[Task, int], Row]] = {
    "trl": _trl,
    "verl": _verl,
    "openrlhf": _openrlhf,
    "verifiers": _verifiers,
}
