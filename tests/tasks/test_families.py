"""The families of the package: every template renders, and nothing is to be objected to."""

from __future__ import annotations

import pytest

from mdevalbench.tasks import draw, drawable, family_names, load_family, load_suite, render_reference, suites
from mdevalbench.tasks.calibration import reference_problems
from mdevalbench.tasks.content import content_problems
from mdevalbench.tasks.suites import digest


@pytest.mark.parametrize("family", family_names())
def test_family_is_complete(family: str) -> None:
    tasks = load_family(family)
    assert len(tasks) >= 3
    assert [problem for task in tasks for problem in content_problems(task)] == []
    assert len({render_reference(task) for task in tasks}) == len(tasks)
    assert len({task.digest for task in tasks}) == len(tasks)


@pytest.mark.parametrize("family", family_names())
def test_references_belong_to_the_family_as_it_is(family: str) -> None:
    assert [problem for task in load_family(family) for problem in reference_problems(task)] == []


def test_the_demo_suite_has_a_task_or_two_of_several_families() -> None:
    demo = [task.family for task in load_suite("demo")]
    assert len(set(demo)) >= 4
    assert max(demo.count(family) for family in demo) <= 2


@pytest.mark.parametrize("family", drawable())
def test_what_is_drawn_is_complete_and_no_frozen_task(family: str) -> None:
    frozen = {task.prompt for task in load_family(family)}
    drawn = draw(family, 20261123, 6)
    assert [problem for task in drawn for problem in content_problems(task)] == []
    assert len({task.prompt for task in drawn} | frozen) == len(drawn) + len(frozen)
    assert all(task.materials and render_reference(task) for task in drawn)


def test_the_benchmark_is_as_large_as_it_says() -> None:
    """The suite `codegen-v1` is written down task by task: a new task does not slip into it, and none changes."""
    tasks = load_suite("codegen-v1")
    assert len(tasks) == 60
    assert len({task.family for task in tasks}) == 15
    assert len({task.pair_style for task in tasks}) >= 10
    assert len({material for task in tasks for material in task.materials}) >= 12
    assert sum(task.level == "L3" for task in tasks) >= 4
    changed = "what was frozen has changed: put it back, or, before a release, write the new digest into suites.yml"
    assert digest(tasks) == suites()["codegen-v1"].frozen, changed
