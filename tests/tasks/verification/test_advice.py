"""What the author of a family is told to do next."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from mdevalbench.scorers.judge import Judge
from mdevalbench.tasks import load_suite, load_task
from mdevalbench.tasks.calibration import calibrate
from mdevalbench.tasks.verification.advice import inventory, lacking, next_steps, remarks
from mdevalbench.tasks.verification.verify import Offender, Report, verify

FOLDER = Path("codegen", "argon_lattice")


def report(*offenders: Offender) -> Report:
    return Report(groups={}, offenders=offenders, seconds=0)


def test_what_there_is(toy_root: Path, judge: Judge) -> None:
    assert inventory(load_suite("codegen")) == (
        "2 tasks, 1 second solution, 3 wrong scripts, 1 breaking change, 1 harmless change, reference values of 0 of 2"
    )
    calibrate([load_task("argon_lattice/ar")], judge)
    (toy_root / FOLDER / "solutions" / "aniso.lmp.j2").unlink()
    assert "no second solutions" in inventory(load_suite("codegen"))
    assert "reference values of 1 of 2" in inventory(load_suite("codegen"))


def test_an_incomplete_family_is_told_each_thing_once(toy_root: Path, judge: Judge) -> None:
    (toy_root / FOLDER / "wrong" / "guess.lmp.j2").unlink()
    tasks = load_suite("codegen")
    found = verify(tasks, judge)
    family, problems = lacking(found).popitem()
    assert family == "argon_lattice"
    assert len(problems) == 3
    assert len([problem for problem in problems if "'wrong'" in problem]) == 1
    assert [problem for problem in problems if "mdevalbench tasks reference --task argon_lattice/kr" in problem]
    assert next_steps(found, tasks) == [
        "Put right what is named above. Then: mdevalbench tasks verify --family argon_lattice --record judged.jsonl"
    ]


def test_a_family_that_lacks_current_references_only(toy_root: Path, judge: Judge) -> None:
    calibrate(load_suite("codegen"), judge)
    path = toy_root / FOLDER / "family.yml"
    path.write_text(path.read_text().replace("cells: 4", "cells: 5"))
    tasks = load_suite("codegen")
    assert next_steps(verify(tasks, judge), tasks) == [
        "The family is complete but for its reference values. Next: mdevalbench tasks reference --family argon_lattice"
    ]


@pytest.mark.parametrize(
    ("kind", "name", "told"),
    [
        ("reference", "reference", "`mdevalbench tasks reference --task argon_lattice/ar`"),
        ("solution", "aniso", "solutions/aniso.lmp.j2 has a mistake"),
        ("solution", "aniso, seed 7", "with another seed"),
        ("reseed", "seed 7", "with another seed"),
        ("wrong", "guess, seed 7", "wrong/guess.lmp.j2 from a right one"),
        ("breaking", "wrong_sigma", "`mutations.breaking.wrong_sigma`"),
        ("benign", "bigger", "`mutations.benign.bigger`"),
    ],
)
def test_what_to_do_about_a_wrong_judgement(toy_root: Path, kind: str, name: str, told: str) -> None:
    one = Offender(task="argon_lattice/ar", kind=kind, name=name, outcome="scored", reasons=())
    steps = next_steps(report(one, one), load_suite("codegen"))
    assert len(steps) == 2
    assert told in steps[0]
    assert steps[1] == "Then: mdevalbench tasks verify --family argon_lattice --record judged.jsonl"


def test_a_world_that_changes_nothing_is_named_and_not_the_script(toy_root: Path) -> None:
    reason = "other numbers in the prescribed potential left the simulation unchanged, so that"
    one = Offender(task="argon_lattice/ar", kind="reference", name="", outcome="scored", reasons=(reason,))
    assert "strengthen `world`" in next_steps(report(one), load_suite("codegen"))[0]


def test_families_elsewhere_are_verified_where_they_lie(toy_root: Path, tmp_path: Path) -> None:
    shutil.copytree(toy_root / FOLDER, tmp_path / "own" / "krypton_lattice")
    family = tmp_path / "own" / "krypton_lattice" / "family.yml"
    family.write_text(family.read_text().replace("family: argon_lattice", "family: krypton_lattice"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MDEVALBENCH_TASKS_DIR", str(tmp_path / "own"))
        tasks = load_suite("codegen", "krypton_lattice")
        one = Offender(task=tasks[0].id, kind="benign", name="bigger", outcome="scored", reasons=())
        assert f"--tasks-dir {tmp_path / 'own'} --record" in next_steps(report(one), tasks)[-1]


def test_a_wrong_script_that_never_ran_is_remarked(toy_root: Path, judge: Judge) -> None:
    calibrate(load_suite("codegen"), judge)
    script = toy_root / FOLDER / "wrong" / "guess.lmp.j2"
    script.write_text(script.read_text().replace("pair_style", "pair_styel"))
    found = verify([load_task("argon_lattice/ar")], judge, 2)
    assert found.ok and len(remarks(found)) == 1
    assert "wrong 'guess' never ran" in remarks(found)[0] and "pair_styel" in remarks(found)[0]


def test_nothing_is_to_be_done(toy_root: Path) -> None:
    assert next_steps(report(), load_suite("codegen")) == []


def test_the_harness_is_looked_at_first(toy_root: Path) -> None:
    fault = Offender(task="argon_lattice/ar", kind="wrong", name="guess", outcome="harness_fault", reasons=("died",))
    assert "mdevalbench doctor" in next_steps(report(fault), load_suite("codegen"))[0]


def test_the_advice_on_a_wrong_reference_value_works(toy_root: Path, judge: Judge) -> None:
    """Without the stored entry, the value is measured anew."""
    calibrate(load_suite("codegen"), judge)
    path = toy_root / FOLDER / "references.json"
    content = json.loads(path.read_text())
    right = content["tasks"]["ar"]["value"]
    content["tasks"]["ar"]["value"] += 0.1
    path.write_text(json.dumps(content))
    tasks = load_suite("codegen")
    assert "remove the entry from" in next_steps(verify([tasks[0]], judge, 2), tasks)[0]
    del content["tasks"]["ar"]
    path.write_text(json.dumps(content))
    assert calibrate([load_task("argon_lattice/ar")], judge)["argon_lattice/ar"].value == pytest.approx(right)
