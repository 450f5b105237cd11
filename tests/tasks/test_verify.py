"""Verification of the small family with the real judge."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from mdevalbench.errors import HarnessFault, TaskError
from mdevalbench.scorers.judge import Judge
from mdevalbench.tasks import Task, load_suite, load_task
from mdevalbench.tasks.calibration import calibrate
from mdevalbench.tasks.references import read_references, write_references
from mdevalbench.tasks.verify import Report, Tally, verify
from mdevalbench.types import Verdict

FOLDER = Path("codegen", "argon_lattice")


@pytest.fixture
def calibrated(toy_root: Path, judge: Judge) -> Path:
    calibrate(load_suite("codegen"), judge, jobs=2)
    return toy_root


def test_right_scripts_pass_and_wrong_ones_fail(calibrated: Path, judge: Judge) -> None:
    steps: list[tuple[int, int]] = []
    report = verify(load_suite("codegen"), judge, 2, lambda done, total: steps.append((done, total)))
    assert report.offenders == ()
    assert report.ok
    content = report.as_json()
    assert content.pop("seconds") > 0
    assert content == {
        "references": {"passed": 2, "total": 2},
        "solutions": {"passed": 2, "total": 2},
        "wrong": {"failed": 6, "total": 6},
        "breaking": {"failed": 2, "total": 2},
        "benign": {"passed": 4, "total": 4},
        "reseeds": {"passed": 0, "total": 0},
        "offenders": [],
    }
    assert steps[-1] == (16, 16)


def test_offenders_are_named_with_the_reasons_of_the_judge(calibrated: Path, judge: Judge) -> None:
    folder = calibrated / FOLDER
    guess = folder / "wrong" / "guess.lmp.j2"
    guess.write_text("# is right after all\n" + (folder / "reference.lmp.j2").read_text())
    solution = folder / "solutions" / "aniso.lmp.j2"
    solution.write_text(solution.read_text().replace("minimize", "minimise"))
    report = verify([load_task("argon_lattice/ar")], judge, 2)
    assert not report.ok
    first, second = report.offenders
    assert (first.kind, first.name, first.stage) == ("solution", "aniso", "found")
    assert "minimise" in first.reasons[0]
    assert (second.kind, second.name, second.reward) == ("wrong", "guess", 1.0)
    assert second.reasons[0].startswith("measured 5.2")
    assert report.groups["wrong"] == Tally(good=2, total=3)


def test_a_wrong_reference_value_is_found(calibrated: Path, judge: Judge) -> None:
    stored = read_references(calibrated / FOLDER)
    shifted = stored["ar"].model_copy(update={"value": stored["ar"].value + 0.01})
    write_references(calibrated / FOLDER, {"ar": shifted})
    report = verify([load_task("argon_lattice/ar")], judge, 2)
    assert report.groups["references"] == Tally(good=0, total=1)
    assert "off by 0.01 where 0.002 is allowed" in report.offenders[0].reasons[0]


def test_wrong_content_is_reported_before_anything_is_run(calibrated: Path, judge: Judge) -> None:
    (calibrated / FOLDER / "wrong" / "guess.lmp.j2").unlink()
    report = verify([load_task("argon_lattice/ar")], judge)
    assert [(offender.kind, offender.outcome) for offender in report.offenders] == [("content", "content")]
    assert not report.ok
    assert report.groups["references"].total == 0


def test_tasks_without_reference_are_refused(toy_root: Path, judge: Judge) -> None:
    with pytest.raises(TaskError, match="has no reference value yet"):
        verify(load_suite("demo"), judge)


def test_a_harness_fault_is_neither_pass_nor_fail(calibrated: Path, judge: Judge) -> None:
    class Faulty:
        def judge(self, task: Task, completion: str, cancel: threading.Event | None = None) -> Verdict:
            if "whole_box" in completion:
                raise HarnessFault("a worker died")
            return judge.judge(task, completion, cancel)

    report = verify([load_task("argon_lattice/ar")], Faulty())
    assert report.harness_faults == 1
    assert (report.offenders[0].name, report.offenders[0].reasons) == ("whole_box", ("a worker died",))
    assert report.groups["wrong"] == Tally(good=2, total=3)
    assert not report.ok


@pytest.mark.parametrize(
    ("group", "good", "total", "ok"),
    [
        ("references", 99, 100, False),
        ("solutions", 99, 100, False),
        ("wrong", 99, 100, False),
        ("breaking", 97, 100, True),
        ("breaking", 96, 100, False),
        ("benign", 97, 100, True),
        ("benign", 96, 100, False),
        ("reseeds", 97, 100, True),
        ("reseeds", 0, 0, True),
    ],
)
def test_the_fractions_that_are_needed(group: str, good: int, total: int, ok: bool) -> None:
    assert Report(groups={group: Tally(good=good, total=total)}, offenders=(), seconds=0).ok is ok
