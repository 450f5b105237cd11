"""References of drawn tasks in the user's cache, by content, shared by processes."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import platformdirs
from pydantic import ValidationError

from mdevalbench.lammps import install
from mdevalbench.tasks.references import StoredReference

if TYPE_CHECKING:
    from mdevalbench.tasks.loading import Task


def read_reference(task: Task) -> StoredReference | None:
    """The stored reference of a task, or None. A damaged file counts as none."""
    try:
        return StoredReference.model_validate_json(_path(task).read_text(encoding="utf-8"))
    except (FileNotFoundError, ValidationError):
        return None


def write_reference(task: Task, reference: StoredReference) -> None:
    """Store the reference of a task: the file is written whole or not at all."""
    path = _path(task)
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=path.parent)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(reference.model_dump_json())
    os.replace(name, path)


def _path(task: Task) -> Path:
    """By what was run and measured (`recipe_digest`), where (LAMMPS version), and by which code."""
    from mdevalbench.scorers.cache import judge_digest  # it imports this package
    from mdevalbench.tasks.scripts import recipe_digest

    content = [recipe_digest(task), task.spec.version, install.version(), judge_digest()]
    key = hashlib.sha256(json.dumps(content).encode()).hexdigest()
    return platformdirs.user_cache_path("mdevalbench") / "references" / key[:2] / f"{key}.json"
