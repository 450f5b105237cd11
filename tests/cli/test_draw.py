"""`mdevalbench tasks draw` and drawn suites on the command line."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from mdevalbench.cli.main import app
from mdevalbench.tasks import Seed, load_task

SECRET = "seven sealed seeds"
TRAIN = """\
train:
  systems: [{element: Ne, mass: 20.18}, {element: Ar, mass: 39.948}]
  parameters:
    sigma: {low: 2.7, high: 4.1, digits: 4}
    epsilon: {low: 0.003, high: 0.02, digits: 3}
"""


@pytest.fixture(autouse=True)
def drawn_root(toy_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The small family with a section `train`, a cache of its own and a suite that is drawn."""
    with (toy_root / "codegen" / "argon_lattice" / "family.yml").open("a") as file:
        file.write(TRAIN)
    with (toy_root / "suites.yml").open("a") as file:
        file.write("codegen-train: {description: drawn, drawn: 4}\n")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("MDEVALBENCH_SEAL", "")  # what a command sets is undone after the test
    return toy_root


def run(*args: str, stdin: str | None = None) -> Result:
    return CliRunner().invoke(app, list(args), input=stdin)


def test_rows_of_a_data_set() -> None:
    result = run("tasks", "draw", "--family", "argon_lattice", "--seed", "7", "-n", "2", "--json", "--no-references")
    assert result.exit_code == 0
    rows = [json.loads(line) for line in result.stdout.splitlines()]
    assert [row["id"] for row in rows] == ["argon_lattice/draw-7-0", "argon_lattice/draw-7-1"]
    first = load_task("argon_lattice/draw-7-0")
    assert rows[0] == {
        "id": first.id,
        "prompt": first.prompt,
        "family": "argon_lattice",
        "seed": 7,
        "index": 0,
        "parameters": first.instance.parameters,
        "observable": "lattice_constant",
        "unit": "angstrom",
        "reference": None,
    }


def test_references_are_made_and_the_task_is_judged_like_any_other() -> None:
    script = run("tasks", "show", "argon_lattice/draw-7-1", "--script").stdout
    result = run("score", "argon_lattice/draw-7-1", "-", stdin=script)
    assert result.exit_code == 2
    assert "mdevalbench tasks draw --family argon_lattice --seed 7 -n 2`" in result.stderr
    result = run("tasks", "draw", "--seed", "7", "-n", "2", "--check", "--jobs", "1", "--prompts")
    assert result.exit_code == 0, result.stderr
    assert "passed" in result.stdout and "Find the lattice constant" in result.stdout
    assert "2 of 2 references pass their task with another seed (1 families)" in result.stderr
    assert "4 of 4 runs took at most 0.5 CPU seconds" in result.stderr
    assert run("score", "argon_lattice/draw-7-1", "-", stdin=script).exit_code == 0


def test_a_sealed_seed_is_not_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    given = run("tasks", "draw", "--seed", SECRET, "-n", "2", "--no-references", "--json")
    monkeypatch.setenv("MDEVALBENCH_SEAL", SECRET)
    known = run("tasks", "draw", "-n", "2", "--no-references", "--json")
    assert given.stdout == known.stdout
    assert json.loads(known.stdout.splitlines()[0])["seed"].startswith("s")
    assert SECRET not in given.stdout + given.stderr
    listed = json.loads(run("tasks", "list", "--suite", "codegen-train", "--json").stdout)
    assert [task["id"] for task in listed][:2] == [json.loads(line)["id"] for line in known.stdout.splitlines()]


def test_drawn_suites_are_listed_and_evaluated_by_seed(tmp_path: Path) -> None:
    listed = run("tasks", "list", "--suite", "codegen-train", "--seed", "7", "--limit", "6")
    assert listed.exit_code == 0
    assert "argon_lattice/draw-7-5" in listed.stdout
    options = ["--suite", "codegen-train", "--seed", "7", "--limit", "3", "--dry-run", "--json"]
    planned = run("eval", "--model", "mdevalbench/reference", "--log-dir", str(tmp_path), *options)
    assert json.loads(planned.stdout)["tasks"] == [f"argon_lattice/draw-7-{index}" for index in range(3)]


@pytest.mark.parametrize(
    ("args", "told"),
    [
        (("tasks", "draw", "-n", "1"), "need a seed: give --seed"),
        (("tasks", "draw", "--seed", " ", "-n", "1"), "seals nothing"),
        (("tasks", "draw", "--seed", "7", "--family", "argon"), "did you mean 'argon_lattice'"),
        (("tasks", "list", "--suite", "demo", "--seed", "7"), "need no seed; drawn suites: codegen-train"),
        (("tasks", "list", "--suite", "codegen-train"), "need a seed"),
        (("tasks", "show", "argon_lattice/draw-s0123456789-0"), "are sealed: set MDEVALBENCH_SEAL"),
    ],
)
def test_wrong_usage_is_told(args: tuple[str, ...], told: str) -> None:
    result = run(*args)
    assert result.exit_code == 2
    assert told in " ".join(result.stderr.replace("│", " ").split())
    assert "Traceback" not in result.stderr


@pytest.mark.slow
def test_the_reference_model_passes_a_sealed_suite_and_no_log_tells_its_seed(tmp_path: Path) -> None:
    assert run("tasks", "draw", "--seed", SECRET, "-n", "3").exit_code == 0
    options = ["--suite", "codegen-train", "--seed", SECRET, "--limit", "3", "--json"]
    result = run("eval", "--model", "mdevalbench/reference", "--log-dir", str(tmp_path / "logs"), *options)
    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout)["total"]["pass_at"]["1"]["mean"] == 1
    [log] = (tmp_path / "logs").glob("*.eval")
    with zipfile.ZipFile(log) as archive:
        texts = [archive.read(name) for name in archive.namelist()]
    label = Seed.sealed(SECRET).label
    assert any(label.encode() in text for text in texts)
    files = [path.read_bytes() for path in (tmp_path / "logs").rglob("*") if path.is_file()]
    assert not any(SECRET.encode() in text for text in [*texts, *files, result.stdout.encode()])
