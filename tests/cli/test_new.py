"""`mdevalbench tasks new` and families outside the package (`--tasks-dir`)."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from mdevalbench.cli.main import app
from mdevalbench.tasks import family_names, load_family
from mdevalbench.tasks.content import content_problems
from mdevalbench.tasks.loading import TASKS_DIR
from mdevalbench.tasks.scaffold import unfinished


@pytest.fixture(autouse=True)
def own(toy_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for families of one's own; the package holds the small family only."""
    monkeypatch.setenv(TASKS_DIR, "")  # what a command sets is undone after the test
    return tmp_path / "my-families"


def run(*args: str) -> Result:
    return CliRunner().invoke(app, list(args))


def made(own: Path, name: str = "noble_lattice") -> Path:
    result = run("tasks", "new", name, "--tasks-dir", str(own))
    assert result.exit_code == 0, result.stderr
    return own / name


def test_the_scaffold_is_complete_and_says_what_is_to_be_done(own: Path) -> None:
    folder = made(own)
    tasks = load_family("noble_lattice")
    assert [task.id for task in tasks] == ["noble_lattice/ar", "noble_lattice/kr", "noble_lattice/xe"]
    assert [problem for task in tasks for problem in content_problems(task)] == []
    todo = unfinished(folder)
    assert len(todo) >= 8
    assert all(line.startswith(str(folder)) and "is still to be done: " in line for line in todo)
    assert {Path(line.split(":")[0]).name for line in todo} >= {"family.yml", "prompt.md.j2", "reference.lmp.j2"}
    assert "TODO" not in "".join(task.prompt for task in tasks)


def test_families_of_both_folders_are_known_by_option_and_by_environment(
    own: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made(own)
    monkeypatch.setenv(TASKS_DIR, "")
    assert family_names() == ("argon_lattice",)
    listed = run("tasks", "list", "--tasks-dir", str(own)).stdout
    assert "noble_lattice/xe" in listed and "argon_lattice/ar" in listed
    monkeypatch.setenv(TASKS_DIR, str(own))
    shown = run("tasks", "show", "noble_lattice/kr", "--script")
    assert "pair_coeff      1 1 0.014 3.65" in shown.stdout


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("Bulk-Modulus", "how about 'bulk_modulus'"),
        ("BulkModulus", "how about 'bulk_modulus'"),
        ("3d_ising", "how about 'd_ising'"),
        ("../escape", "how about 'escape'"),
        ("λ", "lower-case letters, digits and _"),
        ("argon_lattice", "the package has a family 'argon_lattice'"),
    ],
)
def test_bad_names_are_explained(own: Path, name: str, told: str) -> None:
    result = run("tasks", "new", name, "--tasks-dir", str(own))
    assert result.exit_code == 2
    assert told in result.stderr
    assert not own.exists()


def test_nothing_is_overwritten(own: Path) -> None:
    folder = made(own)
    (folder / "prompt.md.j2").write_text("mine")
    result = run("tasks", "new", "noble_lattice", "--tasks-dir", str(own))
    assert result.exit_code == 2
    assert "is there already" in result.stderr
    assert (folder / "prompt.md.j2").read_text() == "mine"


def test_without_a_folder_it_says_that_one_is_needed() -> None:
    result = run("tasks", "new", "noble_lattice")
    assert result.exit_code == 2
    assert "--tasks-dir DIR" in result.stderr


def test_a_folder_without_families_and_a_clash_of_names_are_told(own: Path, toy_root: Path) -> None:
    def told() -> str:
        result = run("tasks", "list", "--tasks-dir", str(own))
        assert (result.exit_code, result.stdout) == (2, "")
        return result.stderr

    assert "is not there" in told() and "tasks new" in told()
    own.mkdir()
    assert "holds no family" in told()
    shutil.copytree(toy_root / "codegen" / "argon_lattice", own / "argon_lattice")
    assert "two families are called 'argon_lattice'" in told()
    result = run("tasks", "list", "--tasks-dir", str(own / "argon_lattice"))
    assert f"give the folder above it, {own}" in result.stderr


def test_a_todo_is_pointed_out_with_file_and_line(tmp_path: Path) -> None:
    (tmp_path / "family.yml").write_text("a: 1\nb: 2  # TODO the mass\nc: TODOS\n")
    (tmp_path / "wrong").mkdir()
    (tmp_path / "wrong" / "x.lmp.j2").write_text("# x\n{# TODO: another one #}\n")
    assert unfinished(tmp_path) == [
        f"{tmp_path}/family.yml:2: is still to be done: the mass",
        f"{tmp_path}/wrong/x.lmp.j2:2: is still to be done: another one",
    ]


@pytest.mark.slow
def test_the_scaffold_verifies_as_it_is(own: Path) -> None:
    made(own)
    where = ["--family", "noble_lattice", "--tasks-dir", str(own), "--jobs", "2"]
    told = run("tasks", "verify", *where)
    assert "mdevalbench tasks reference" in told.stdout + told.stderr
    assert run("tasks", "reference", *where).exit_code == 0
    result = run("tasks", "verify", *where)
    assert result.exit_code == 0, result.stdout
    assert "family.yml:" in result.stdout and "is still to be done" in result.stdout
    assert run("tasks", "draw", "--seed", "1", "-n", "3", "--check", *where).exit_code == 0


def test_a_copy_of_a_family_is_a_family_and_says_that_it_is_a_copy(own: Path) -> None:
    done = run("tasks", "new", "my_lattice", "--like", "argon_lattice", "--tasks-dir", str(own))
    assert done.exit_code == 0, done.stderr
    assert "mdevalbench tasks show my_lattice/ar" in done.stdout
    tasks = load_family("my_lattice")
    assert [task.id for task in tasks] == ["my_lattice/ar", "my_lattice/kr"]
    assert [problem for task in tasks for problem in content_problems(task)] == []
    assert all(task.reference is None for task in tasks)
    assert unfinished(own / "my_lattice") == [
        f"{own}/my_lattice/family.yml:1: is still to be done: this is a copy of argon_lattice: give it a title, a "
        "question, systems and published values of its own"
    ]
    again = run("tasks", "new", "another", "--like", "my_lattice", "--tasks-dir", str(own))  # one of one's own
    assert again.exit_code == 0 and (own / "another" / "solutions" / "aniso.lmp.j2").is_file()


def test_only_what_is_there_can_be_copied(own: Path) -> None:
    done = run("tasks", "new", "my_lattice", "--like", "argon_latice", "--tasks-dir", str(own))
    assert done.exit_code == 2 and "no family 'argon_latice' to copy; did you mean 'argon_lattice'?" in done.stderr
    assert not own.exists()
