"""Verification of the small family with the real judge."""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path

import pytest

from mdevalbench.errors import HarnessFault, TaskError
from mdevalbench.lammps import install
from mdevalbench.lammps.pool import Pool
from mdevalbench.scorers.judge import Judge
from mdevalbench.tasks import Task, load_suite, load_task
from mdevalbench.tasks.calibration import calibrate
from mdevalbench.tasks.references import read_references, write_references
from mdevalbench.tasks.verification.cases import full_set
from mdevalbench.tasks.verification.judgements import Book, open_book, read_judgements
from mdevalbench.tasks.verification.stopwatch import Stopwatch
from mdevalbench.tasks.verification.verify import Report, Tally, verify
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
    with pytest.raises(TaskError, match="ar has no reference value yet: run `mdevalbench tasks reference --family a"):
        verify(load_suite("demo"), judge)
    with pytest.raises(TaskError, match="ar has no reference value yet, nor has 1 other: run"):
        verify(load_suite("codegen"), judge)


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
        ("breaking", 98, 100, True),
        ("breaking", 97, 100, False),
        ("benign", 97, 100, True),
        ("benign", 96, 100, False),
        ("reseeds", 97, 100, True),
        ("reseeds", 0, 0, True),
    ],
)
def test_the_fractions_that_are_needed(group: str, good: int, total: int, ok: bool) -> None:
    assert Report(groups={group: Tally(good=good, total=total)}, offenders=(), seconds=0).ok is ok


class Counting:
    """The judge, with a list of the scripts that it judged; `patience` runs later its process is killed."""

    def __init__(self, judge: Judge, patience: int = 1000) -> None:
        self.judged: list[str] = []
        self._judge, self._patience = judge, patience

    def judge(self, task: Task, completion: str, cancel: threading.Event | None = None) -> Verdict:
        if len(self.judged) >= self._patience:
            os.kill(os.getpid(), signal.SIGKILL)
        self.judged.append(completion)
        return self._judge.judge(task, completion, cancel)


def test_a_killed_verification_goes_on_where_it_stopped(calibrated: Path, judge: Judge, tmp_path: Path) -> None:
    record = tmp_path / "record.jsonl"
    child = os.fork()
    if child == 0:
        try:
            with Pool(1) as pool, open_book(record) as book:
                verify(load_suite("codegen"), Counting(Judge(pool), patience=5), book=book)
        finally:
            os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
    before = read_judgements(record)
    assert 4 <= len(before) <= 5  # the last one may not have been handed over yet
    record.write_bytes(record.read_bytes()[:-20])
    spy, steps = Counting(judge), list[tuple[int, int]]()
    with open_book(record) as book:
        report = verify(load_suite("codegen"), spy, 2, lambda done, total: steps.append((done, total)), book=book)
    assert len(spy.judged) == 16 - (len(before) - 1) == steps[-1][1]
    assert report.ok
    assert report.groups["wrong"] == Tally(good=6, total=6)
    again = Counting(judge)
    with open_book(record) as book:
        assert verify(load_suite("codegen"), again, 2, book=book).groups == report.groups
    assert again.judged == []
    assert len({one.key for one in read_judgements(record)}) == len(read_judgements(record)) == 16


def test_a_record_says_all_that_statistics_need(calibrated: Path, judge: Judge) -> None:
    stopwatch, book, task = Stopwatch(judge.pool), Book(), load_task("argon_lattice/ar")
    verify([task], Judge(stopwatch), 2, book=book, stopwatch=stopwatch)
    found = {(one.kind, one.name): one for one in book.known.values()}
    right, wrong = found["reference", "reference"], found["wrong", "guess"]
    assert right.measured is not None and right.script_seconds is not None
    assert right.measured.value == pytest.approx(right.reference.value, abs=1e-6)
    assert right.reference.tolerance == 0.002
    assert (right.passed, right.stage, right.reward, right.reasons) == (True, "passed", 1.0, ())
    assert (right.task_digest, right.lammps, right.seed) == (task.digest, install.identity(), None)
    assert 0 < right.script_seconds < right.cpu_seconds  # its second run was in another world
    assert (wrong.passed, wrong.good, wrong.group) == (False, True, "wrong")
    assert wrong.reasons


def test_after_a_change_only_what_it_concerns_is_judged_again(calibrated: Path, judge: Judge) -> None:
    book, folder = Book(), calibrated / FOLDER
    verify(load_suite("codegen"), judge, 2, book=book)
    guess = folder / "wrong" / "guess.lmp.j2"
    guess.write_text(guess.read_text().replace("minimize 0 ", "minimize 0.0 "))
    spy = Counting(judge)
    verify(load_suite("codegen"), spy, 2, book=book)
    assert len(spy.judged) == 2  # that script for both tasks
    family = folder / "family.yml"
    family.write_text(family.read_text().replace("epsilon: 0.0140,", "epsilon: 0.01400, extra: 1,"))
    guess.rename(folder / "wrong" / "called_otherwise.lmp.j2")
    spy = Counting(judge)
    (folder / "solutions" / "aniso.lmp.j2").write_text("# says nothing\n")
    report = verify(load_suite("codegen"), spy, 2, book=book)
    assert len(spy.judged) == 2
    assert [(one.kind, one.name) for one in report.offenders] == [("solution", "aniso")] * 2
    assert report.groups["wrong"] == Tally(good=6, total=6)


def test_a_harness_fault_is_not_kept(calibrated: Path, judge: Judge) -> None:
    class Faulty:
        def judge(self, task: Task, completion: str, cancel: threading.Event | None = None) -> Verdict:
            raise HarnessFault("a worker died")

    book, task = Book(), load_task("argon_lattice/ar")
    assert verify([task], Faulty(), book=book).harness_faults == 8
    assert book.known == {}
    assert verify([task], judge, 2, book=book).ok


def test_the_full_set_can_be_chosen(calibrated: Path, judge: Judge) -> None:
    report = verify([load_task("argon_lattice/ar")], judge, 2, chosen=lambda task: full_set(task)[:3])
    assert {name: tally.total for name, tally in report.groups.items() if tally.total} == {
        "references": 1,
        "solutions": 1,
        "wrong": 1,
    }


@pytest.mark.parametrize(
    ("group", "good", "total", "ok"),
    [
        ("reseeds", 7, 8, True),
        ("reseeds", 6, 8, False),
        ("benign", 4, 5, True),
        ("solutions", 1, 2, True),
        ("references", 1, 2, False),
        ("wrong", 2, 3, False),
    ],
)
def test_one_miss_by_chance_may_be_spared(group: str, good: int, total: int, ok: bool) -> None:
    groups = {group: Tally(good=good, total=total, by_chance=total - good)}
    assert Report(groups=groups, offenders=(), seconds=0, spared=1).ok is ok
    assert not Report(groups=groups, offenders=(), seconds=0).ok
    certain = {group: Tally(good=good, total=total)}  # of tasks that depend on no seed
    assert not Report(groups=certain, offenders=(), seconds=0, spared=1).ok
