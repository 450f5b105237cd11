"""Verdicts by content: the same script on the same task, judged by the same judge, needs no second simulation."""

from __future__ import annotations

import hashlib
import inspect
import json
import os
import tempfile
from functools import cache
from pathlib import Path

import platformdirs
from pydantic import ValidationError

import mdevalbench
from mdevalbench.extract import Extraction
from mdevalbench.lammps import install
from mdevalbench.observables import get_estimator
from mdevalbench.tasks.loading import Task
from mdevalbench.types import Verdict

_JUDGING = ("lammps", "observables", "scorers")
_FILES = ("*.py", "*.cpp", "*.h")


class VerdictCache:
    """Verdicts in a folder, one JSON file each, shared by processes (files are written whole or not at all)."""

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder or platformdirs.user_cache_path("mdevalbench") / "verdicts"

    def key(self, task: Task, extraction: Extraction) -> str:
        """SHA-256 over script, files, task (with its limits and reference), judge, LAMMPS and potential files."""
        content = [
            extraction.script,
            sorted(extraction.files.items()),
            task.digest,
            judge_digest(),
            install.identity(),
            [_file_digest(install.potentials_folder() / name) for name in task.spec.potential.files],
            *[_estimator_digest(way.estimator) for way in task.spec.measure],
        ]
        return hashlib.sha256(json.dumps(content).encode()).hexdigest()

    def get(self, key: str) -> Verdict | None:
        """The stored verdict, or None. A damaged file counts as none."""
        try:
            return Verdict.model_validate_json(self._path(key).read_text())
        except (FileNotFoundError, ValidationError):
            return None

    def put(self, key: str, verdict: Verdict) -> None:
        """Store a verdict."""
        path = self._path(key)
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(dir=path.parent)
        with os.fdopen(descriptor, "w") as file:
            file.write(verdict.model_dump_json())
        os.replace(name, path)

    def _path(self, key: str) -> Path:
        return self.folder / key[:2] / f"{key}.json"


@cache
def _estimator_digest(name: str) -> str:
    """SHA-256 of the module of an estimator that another package brings; empty for ours (`judge_digest`)."""
    function = get_estimator(name)
    if function.__module__.startswith("mdevalbench."):
        return ""
    return _file_digest(Path(inspect.getfile(function)))


@cache
def judge_digest() -> str:
    """SHA-256 over the sources that decide a verdict."""
    package = Path(mdevalbench.__file__).parent
    sources = [path for name in _JUDGING for pattern in _FILES for path in (package / name).glob(pattern)]
    digest = hashlib.sha256()
    for path in sorted([*sources, package / "extract.py", package / "blocks.py"]):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


@cache
def _file_digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
