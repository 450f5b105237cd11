"""Imports go down the floors only, and engine and judge import no framework."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import mdevalbench

PACKAGE = Path(mdevalbench.__file__).parent
FLOORS = {
    **dict.fromkeys(("__main__", "cli", "web", "_registry"), 4),
    **dict.fromkeys(("agent", "audit", "zoo", "training", "leaderboard"), 3),
    **dict.fromkeys(("scorers", "tasks", "reward"), 2),
}
"""room -> floor; everything else in the package is on floor 1"""
FRAMEWORKS = {"inspect_ai", "lm_eval", "trl", "torch", "transformers", "openai", "fastapi", "typer", "rich"}
ADAPTERS = {
    *("scorers/inspect.py", "scorers/inspect_answers.py", "scorers/inspect_code.py", "scorers/lm_eval.py"),
    *("scorers/paper_model.py", "tasks/inspect_tasks.py", "tasks/qa/asking.py", "tasks/qa/asking_code.py"),
    "tasks/budget.py",
}
"""thin adapters on floor 2, which may import their framework"""


def sources() -> Iterator[tuple[str, ast.Module]]:
    """Every module of the package by its path in it; rooms are links."""
    for folder in [PACKAGE, *(p for p in PACKAGE.iterdir() if p.is_dir())]:
        for path in folder.glob("*.py") if folder == PACKAGE else folder.resolve().rglob("*.py"):
            name = path.name if folder == PACKAGE else f"{folder.name}/{path.relative_to(folder.resolve())}"
            yield name, ast.parse(path.read_text(encoding="utf-8"))


def imported(tree: ast.Module) -> Iterator[str]:
    """Full names of what a module imports, at its top or within functions."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def floor(room: str) -> int:
    """Floor of a room or module at the top of the package."""
    return FLOORS.get(room, 1)


def test_imports_go_down() -> None:
    upwards = []
    for name, tree in sources():
        here = floor(name.split("/")[0].removesuffix(".py"))
        for module in imported(tree):
            words = module.split(".")
            if words[0] == "mdevalbench" and len(words) > 1 and floor(words[1]) > here:
                upwards.append(f"{name} imports {module}")
    assert upwards == []


def test_engine_and_judge_import_no_framework() -> None:
    found = []
    for name, tree in sources():
        if floor(name.split("/")[0].removesuffix(".py")) > 2 or name in ADAPTERS:
            continue
        found += [f"{name} imports {m}" for m in imported(tree) if m.split(".")[0] in FRAMEWORKS]
    assert found == []


def test_there_is_something_to_look_at() -> None:
    names = {name for name, _ in sources()}
    assert {"types.py", "lammps/pool.py", "scorers/judge.py", "cli/main.py", "zoo/provider.py"} <= names
