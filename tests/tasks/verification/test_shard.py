"""The part of the suite that continuous integration verifies: bounded, rotating, and what has changed."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from mdevalbench.errors import UsageError
from mdevalbench.tasks import Task, load_family, load_suite
from mdevalbench.tasks.verification.judgements import Judgement
from mdevalbench.tasks.verification.shard import changed_families, choose

Make = Callable[..., Judgement]


@pytest.fixture(scope="module")
def tasks() -> tuple[Task, ...]:
    return tuple(
        task for name in ("energy_conservation", "lattice_constant", "lj_pressure") for task in load_family(name)
    )


def test_every_task_has_its_turn_once(tasks: tuple[Task, ...]) -> None:
    first = choose(tasks, 1, budget=1000)
    assert first.shards > 2
    shards = [choose(tasks, number, budget=1000) for number in range(1, first.shards + 1)]
    assert sorted(task.id for shard in shards for task in shard.tasks) == sorted(task.id for task in tasks)
    assert all(shard.seconds <= 500 or len(shard.tasks) == 1 for shard in shards)
    assert len({task.family for task in first.tasks}) == len(first.tasks)  # families take turns
    assert choose(tasks, 1, budget=1000) == first


def test_todays_shard_can_be_had_again_by_its_number(tasks: tuple[Task, ...]) -> None:
    today = choose(tasks, budget=1000)
    assert choose(tasks, today.number, budget=1000) == today
    assert f"(again with --shard {today.number})" in today.in_words


@pytest.mark.parametrize("number", [0, 100])
def test_a_shard_that_is_not_there(tasks: tuple[Task, ...], number: int) -> None:
    with pytest.raises(UsageError, match=rf"no shard {number}: choose one from 1 to \d+$"):
        choose(tasks, number)


def test_changed_families_come_first_as_far_as_there_is_room(tasks: tuple[Task, ...]) -> None:
    shard = choose(tasks, 1, ["lattice_constant"], budget=2000)
    assert {task.id for task in load_family("lattice_constant")} <= {task.id for task in shard.tasks}
    assert shard.left_out == ()
    tight = choose(tasks, 1, ["lattice_constant", "lj_pressure"], budget=1000)
    families = {task.family for task in tight.tasks}
    assert {"lattice_constant", "lj_pressure"} <= families
    assert tight.left_out
    assert tight.seconds <= 1000
    assert f"no room for {len(tight.left_out)} more of the changed families" in tight.in_words


def test_recorded_costs_count_instead_of_the_most_that_a_family_may_take(
    tasks: tuple[Task, ...], judgement: Make
) -> None:
    light = {"cpu_seconds": 0.1}
    known = [judgement(task=task.id).model_copy(update=light) for task in tasks]
    assert choose(tasks, 1, known=known, budget=2000).shards < choose(tasks, 1, budget=2000).shards


def git(folder: Path, *arguments: str) -> None:
    identity = ["-c", "user.name=a", "-c", "user.email=a@b"]
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def repository(toy_root: Path) -> Path:
    """The toy family and a copy of it, committed on `main`."""
    family = toy_root / "codegen" / "argon_lattice"
    other = toy_root / "codegen" / "krypton_lattice"
    other.mkdir()
    (other / "family.yml").write_text((family / "family.yml").read_text())
    git(toy_root, "init", "-b", "main")
    git(toy_root, "add", ".")
    git(toy_root, "commit", "-m", "families")
    return toy_root


def test_what_changed_since_the_commit_before(repository: Path) -> None:
    assert changed_families(repository) == ()  # there is none before
    (repository / "suites.yml").write_text("")
    git(repository, "commit", "-am", "suites")
    assert changed_families(repository) == ()
    family = repository / "codegen" / "argon_lattice" / "family.yml"
    family.write_text(f"{family.read_text()}# a remark changes nothing\n")
    assert changed_families(repository) == ()
    prompt = repository / "codegen" / "argon_lattice" / "prompt.md.j2"
    prompt.write_text("uncommitted")
    assert changed_families(repository) == ("argon_lattice",)
    git(repository, "commit", "-am", "prompt")
    assert changed_families(repository) == ("argon_lattice",)
    new = repository / "codegen" / "xenon_lattice"
    new.mkdir()
    (new / "family.yml").write_text("untracked")
    assert changed_families(repository) == ("argon_lattice", "xenon_lattice")
    git(repository, "commit", "--allow-empty", "-m", "nothing")
    assert changed_families(repository) == ("xenon_lattice",)


def test_what_changed_since_a_branch_left_main(repository: Path) -> None:
    git(repository, "switch", "-c", "work")
    for name in ("argon_lattice", "krypton_lattice"):
        (repository / "codegen" / name / "family.yml").write_text(f"changed {name}")
        git(repository, "commit", "-am", name)
    assert changed_families(repository) == ("argon_lattice", "krypton_lattice")


def test_a_family_that_was_removed_is_not_looked_for(repository: Path) -> None:
    git(repository, "rm", "-r", "codegen/krypton_lattice")
    git(repository, "commit", "-m", "removed")
    assert changed_families(repository) == ()


def test_without_git_there_is_the_shard_alone(toy_root: Path) -> None:
    assert changed_families(toy_root) == ()
    shard = choose(load_suite("codegen"), changed=changed_families(toy_root))
    assert len(shard.tasks) == 2
    assert "changed families: none" in shard.in_words
