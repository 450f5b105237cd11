"""`mdevalbench tasks verify | statistics | study` on the small family, with real LAMMPS."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from mdevalbench.cli.main import app

FOLDER = Path("codegen", "argon_lattice")


def run(*args: str) -> Result:
    return CliRunner().invoke(app, list(args))


@pytest.fixture
def complete(toy_root: Path) -> Path:
    """The small family with its reference values and a study."""
    family = toy_root / FOLDER / "family.yml"
    study = "studies: {size: {about: unit cells along an edge, vary: cells, values: [3, 4, 5]}}"
    family.write_text(family.read_text().replace("mutations:", f"{study}\nmutations:"))
    made = run("tasks", "reference", "--jobs", "1")
    if made.exit_code:
        raise RuntimeError(made.stderr)
    return toy_root


def test_a_record_is_made_taken_up_and_turned_into_a_page(complete: Path, tmp_path: Path) -> None:
    record, output = tmp_path / "reports" / "record.jsonl", tmp_path / "docs" / "statistics.md"
    verify = ("tasks", "verify", "--full", "--record", str(record), "--jobs", "2")
    first = run(*verify)
    assert first.exit_code == 0, first.stdout
    assert "16 of 16 judged, 0 remain" in first.stderr
    assert len(record.read_text().splitlines()) == 16
    again = run(*verify)
    assert again.exit_code == 0
    assert "judged" not in again.stderr
    assert len(record.read_text().splitlines()) == 16

    made = run("tasks", "statistics", "--record", str(record), "--output", str(output))
    assert made.exit_code == 1  # so few scripts do not bound the rate of false rejects
    assert "16 of 16 scripts are judged" in made.stdout
    text = output.read_text()
    assert "| argon_lattice | 2 | 0 of 2 | 0 of 2 | - | 0 of 4 | 52.7% |" in text
    content = json.loads(run("tasks", "statistics", "--record", str(record), "--json").stdout)
    assert (content["judged"], content["planned"], content["other_judge"]) == (16, 16, 0)


def test_statistics_leave_out_what_has_changed(complete: Path, tmp_path: Path) -> None:
    record = tmp_path / "record.jsonl"
    run("tasks", "verify", "--full", "--record", str(record), "--jobs", "2")
    guess = complete / FOLDER / "wrong" / "guess.lmp.j2"
    guess.write_text(guess.read_text() + "# changed\n")
    result = run("tasks", "statistics", "--record", str(record))
    assert result.exit_code == 1
    assert "14 of 16 scripts are judged" in result.stdout
    assert "make verify-full" in result.stdout
    text = record.read_text()  # another state of the judge: the figures stand, and this is told
    record.write_text("".join(line.replace('"key": "', '"key": "x') for line in text.splitlines(keepends=True)))
    result = run("tasks", "statistics", "--record", str(record))
    assert "14 of 16 scripts are judged" in result.stdout
    assert "14 of them by an earlier state of the judge" in result.stdout


def test_single_tasks_are_verified(complete: Path) -> None:
    one = run("tasks", "verify", "--task", "argon_lattice/kr", "--jobs", "2")
    assert one.exit_code == 0 and "8 of 8 judged" in one.stderr, one.stderr
    wrong = run("tasks", "verify", "--task", "argon_lattice/krr")
    assert wrong.exit_code == 2 and "argon_lattice/kr" in wrong.stderr


def test_a_missing_record_is_told(complete: Path, tmp_path: Path) -> None:
    result = run("tasks", "statistics", "--record", str(tmp_path / "none.jsonl"))
    assert result.exit_code == 2
    assert "tasks verify --full --record" in result.stderr


def test_a_shard_is_named_and_can_be_had_again(complete: Path) -> None:
    result = run("tasks", "verify", "--shard", "1", "--jobs", "2")
    assert result.exit_code == 0
    assert "shard 1 of 1 (again with --shard 1), changed families: none; 2 tasks of argon_lattice" in result.stderr
    assert run("tasks", "verify", "--shard", "2").exit_code == 2
    wrong = run("tasks", "verify", "--shard", "tomorrow")
    assert (wrong.exit_code, "a number or `today`" in wrong.stderr) == (2, True)


def test_an_incomplete_family_is_told_what_is_missing(complete: Path) -> None:
    (complete / FOLDER / "wrong" / "guess.lmp.j2").unlink()
    result = run("tasks", "verify", "--family", "argon_lattice")
    assert result.exit_code == 1
    told = " ".join(result.stdout.split())
    assert "argon_lattice is not complete" in told
    assert "it has 2 tasks, 1 second solution, 2 wrong scripts" in told
    assert told.count("too few scripts of the kind 'wrong'") == 1
    assert "→ Put right what is named above. Then: mdevalbench tasks verify --family argon_lattice" in told


def test_a_study_is_run_and_shown(complete: Path) -> None:
    result = run("tasks", "study", "--family", "argon_lattice", "--jobs", "2")
    assert result.exit_code == 0, result.stderr
    assert "size: lattice_constant in angstrom of argon_lattice/ar against unit cells along an edge" in result.stdout
    assert (complete / FOLDER / "studies.json").is_file()
    content = json.loads(run("tasks", "study", "--family", "argon_lattice", "--json").stdout)
    assert [one["value"] for one in content["size"]["runs"]] == [3, 4, 5]
