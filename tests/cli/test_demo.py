"""`mdevalbench demo` on the small family: what it prints, leaves behind, and when it is not content."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from mdevalbench.cli.main import app
from mdevalbench.scorers import inspect
from mdevalbench.tasks.references import read_references, write_references
from mdevalbench.zoo import provider


@pytest.fixture
def folder(toy_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder of the small family, with a reference."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    made = CliRunner().invoke(app, ["tasks", "reference", "--task", "argon_lattice/ar", "--jobs", "1"])
    assert made.exit_code == 0, made.stderr
    provider._tasks_by_prompt.cache_clear()
    inspect.shared_judge.cache_clear()
    yield toy_root / "codegen" / "argon_lattice"
    inspect.shared_judge().pool.close()
    inspect.shared_judge.cache_clear()
    provider._tasks_by_prompt.cache_clear()


def test_compares_the_built_in_models(folder: Path, tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["demo"], env={"COLUMNS": "80"})
    assert result.exit_code == 0, result.stderr
    rows = {line.split()[0]: line.split()[1:] for line in result.stdout.splitlines() if line.startswith("mdevalbench/")}
    assert rows["mdevalbench/reference"][:5] == ["100", "100", "100", "100", "100"]
    assert rows["mdevalbench/wrong"][4] == "0"
    assert "mdevalbench/template" in rows
    assert len(list((tmp_path / "demo-results").glob("*.html"))) == 3
    assert len(list((tmp_path / "demo-results").glob("*.eval"))) == 3
    assert "inspect view --log-dir demo-results" in result.stdout


def test_is_not_content_with_a_reference_that_fails(folder: Path) -> None:
    reference = read_references(folder)["ar"]
    write_references(folder, {"ar": reference.model_copy(update={"value": reference.value + 0.1})})
    result = CliRunner().invoke(app, ["demo", "--out", "out", "--json"])
    assert result.exit_code == 1
    rates = {run["model"]: run["total"]["pass_at"]["1"]["mean"] for run in json.loads(result.stdout)}
    assert rates["mdevalbench/reference"] == 0
    assert "reference must pass everywhere" in result.stderr
