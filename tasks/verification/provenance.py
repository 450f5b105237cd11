"""What a judgement depends on beside the task and the script: sources of the judge, LAMMPS, potential files.

`VerdictCache` takes every source of the judging rooms. Here only those count that take part in judging one task: its
own estimators, not those of other families, so that a new family leaves what was judged before as it is.
"""

from __future__ import annotations

import ast
import hashlib
import importlib
import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import mdevalbench
from mdevalbench.lammps import install
from mdevalbench.observables import get_estimator
from mdevalbench.tasks.loading import Task

_PACKAGE = Path(mdevalbench.__file__).parent
_FOLLOWED = ("mdevalbench.lammps.", "mdevalbench.observables.", "mdevalbench.scorers.")
_JUDGING = ("mdevalbench.scorers.judge", "mdevalbench.lammps.pool")


def judge_digest(task: Task) -> str:
    """SHA-256 over the sources that decide the verdicts of a task, their comments and docstrings aside."""
    return _digest(frozenset(way.estimator for way in task.spec.measure))


def judgement_key(task: Task, script: str) -> str:
    """SHA-256 over all that decides the verdict on a script."""
    potentials = [_file_digest(install.potentials_folder() / name) for name in task.spec.potential.files]
    content = [task.digest, script, judge_digest(task), install.identity(), potentials]
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()


@cache
def _digest(estimators: frozenset[str]) -> str:
    digest = hashlib.sha256()
    for path in sources(estimators):
        digest.update(path.name.encode() + b"\0" + code_of(path))
    return digest.hexdigest()


def code_of(path: Path) -> bytes:
    """A source file without what decides nothing: of Python, comments, docstrings and layout."""
    if path.suffix != ".py":
        return path.read_bytes()
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(body := getattr(node, "body", None), list):
            node.body = [one for one in body if not _is_text(one)]  # type: ignore[attr-defined]
    return ast.dump(tree).encode()


def _is_text(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(getattr(statement.value, "value", None), str)


def sources(estimators: frozenset[str]) -> list[Path]:
    """Source files that decide verdicts by these estimators.

    The recorder, and of engine, observables and scorers what judge, pool or one of the estimators imports. The static
    check of scripts, which takes no part in a verdict, may change.
    """
    waiting = [*_JUDGING, *(get_estimator(name).__module__ for name in estimators)]
    found: dict[str, Path] = {}
    while waiting:
        module = waiting.pop()
        path = _path(module)
        if module not in found and path is not None:
            found[module] = path
            waiting += [name for name in _imported(path) if name.startswith(_FOLLOWED) or name.count(".") == 1]
    recorder = [path for pattern in ("*.cpp", "*.h") for path in (_PACKAGE / "lammps").glob(pattern)]
    return sorted({*recorder, *found.values()})


def _path(module: str) -> Path | None:
    path = _PACKAGE.joinpath(*module.split(".")[1:]).with_suffix(".py")
    return path if path.is_file() else None


def _imported(path: Path) -> Iterator[str]:
    """Modules of the package that a source imports; what it takes from a room's `__init__`, from where that has it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.ImportFrom) or not (node.module or "").startswith("mdevalbench"):
            continue
        module = str(node.module)
        for alias in node.names:
            if _path(module) is not None:
                yield module
            elif module == "mdevalbench.observables":
                yield getattr(getattr(importlib.import_module(module), alias.name), "__module__", module)
            else:
                yield f"{module}.{alias.name}"


@cache
def _file_digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
