"""Suites select tasks by id or pattern."""

from __future__ import annotations

from pathlib import Path

import pytest

from mdevalbench.errors import TaskError
from mdevalbench.tasks import load_suite, suite_names


def test_suites_of_the_toy_folder(toy_root: Path) -> None:
    assert suite_names() == ("codegen", "demo")
    assert [task.id for task in load_suite("codegen")] == ["argon_lattice/ar", "argon_lattice/kr"]
    assert [task.id for task in load_suite("demo", "argon_lattice")] == ["argon_lattice/ar"]


def test_unknown_suites_families_and_entries(toy_root: Path) -> None:
    with pytest.raises(TaskError, match="no suite 'demos'; did you mean 'demo'"):
        load_suite("demos")
    with pytest.raises(TaskError, match="no task family 'argon'; did you mean 'argon_lattice'"):
        load_suite("codegen", "argon")
    (toy_root / "suites.yml").write_text("demo: {description: x, tasks: [argon_lattice/xe]}\n")
    with pytest.raises(TaskError, match="'argon_lattice/xe' fits no task; did you mean"):
        load_suite("demo")
    (toy_root / "suites.yml").write_text("demo:\n  tasks: []\n")
    with pytest.raises(
        TaskError, match=r"suites.yml:1: demo.description: is missing; expected text\n.*:2: demo.tasks: needs"
    ):
        load_suite("demo")
