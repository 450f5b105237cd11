"""Reference values made with real LAMMPS: statistics, resuming, refusals."""

from __future__ import annotations

import statistics
import threading
from pathlib import Path

import pytest

from mdevalbench.errors import TaskError
from mdevalbench.scorers.judge import Judge
from mdevalbench.tasks import Task, load_suite, load_task, reference_value
from mdevalbench.tasks.calibration import calibrate, reference_problems
from mdevalbench.types import Measurement

FOLDER = Path("codegen", "argon_lattice")


class Spy:
    """The judge, with a list of what it measured; it stops like an interrupted user after `patience` runs."""

    def __init__(self, judge: Judge, patience: int = 1000) -> None:
        self.judge, self.patience = judge, patience
        self.scripts: list[str] = []

    def measure(self, task: Task, script: str, cancel: threading.Event | None = None) -> Measurement:
        if len(self.scripts) >= self.patience:
            raise KeyboardInterrupt
        self.scripts.append(script)
        return self.judge.measure(task, script, cancel)


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    if old not in text:
        raise ValueError(f"{old!r} is not in {path}")
    path.write_text(text.replace(old, new))


@pytest.fixture
def stochastic(toy_root: Path) -> Path:
    """The small family as a stochastic one: atoms are displaced at random before the box is relaxed."""
    edit(toy_root / FOLDER / "family.yml", "stochastic: false", "stochastic: true")
    edit(toy_root / FOLDER / "family.yml", "recipe:", "recipe:\n  seed: 7")
    edit(
        toy_root / FOLDER / "reference.lmp.j2",
        "fix 1 all box/relax iso 0 vmax 0.01\n",
        "displace_atoms all random 0.002 0.002 0.002 {{ seed }}\nfix 1 all box/relax iso 0 vmax 0.01\n",
    )
    return toy_root


def test_a_deterministic_task_takes_one_run(toy_root: Path, judge: Judge) -> None:
    spy = Spy(judge)
    found = calibrate(load_suite("codegen"), spy, jobs=2)
    assert len(spy.scripts) == 2
    argon = reference_value(load_task("argon_lattice/ar"))
    assert argon == found["argon_lattice/ar"]
    assert (argon.dof, argon.natoms, len(argon.seeds)) == (None, 256, 1)
    # corresponding states: the lattice constant in units of sigma belongs to the reduced cutoff, here 3 for both
    krypton = found["argon_lattice/kr"]
    assert argon.value / 3.4 == pytest.approx(krypton.value / 3.65, rel=1e-6)
    assert 1.53 < argon.value / 3.4 < 1.56
    assert reference_problems(load_task("argon_lattice/ar")) == []


def test_an_interrupted_call_goes_on_where_it_stopped(stochastic: Path, judge: Judge) -> None:
    with pytest.raises(KeyboardInterrupt):
        calibrate([load_task("argon_lattice/ar")], Spy(judge, patience=3), seeds=5)
    task = load_task("argon_lattice/ar")
    assert "from 3 seeds, not 16" in reference_problems(task)[0]
    spy, steps = Spy(judge), list[tuple[int, int]]()
    calibrate([task], spy, seeds=5, progress=lambda done, total: steps.append((done, total)))
    assert steps == [(1, 2), (2, 2)]
    found = reference_value(load_task("argon_lattice/ar"))
    values = [run.value for run in found.seeds]
    assert len(set(spy.scripts)) == 2
    assert len({run.seed for run in found.seeds}) == 5
    assert found.value == pytest.approx(statistics.fmean(values))
    assert found.uncertainty == pytest.approx(statistics.stdev(values) / 5**0.5)
    assert found.dof == 4


def test_another_recipe_version_or_measurement_is_measured_anew(toy_root: Path, judge: Judge) -> None:
    calibrate([load_task("argon_lattice/ar")], judge)
    edit(toy_root / FOLDER / "family.yml", "cells: 4", "cells: 5")
    assert "the reference script, or what is measured, changed" in reference_problems(load_task("argon_lattice/ar"))[0]
    spy = Spy(judge)
    assert calibrate([load_task("argon_lattice/ar")], spy)["argon_lattice/ar"].natoms == 500
    edit(toy_root / FOLDER / "family.yml", "version: 1", "version: 2")
    with pytest.raises(TaskError, match="was made for version 1 of the family, which is now at version 2"):
        reference_value(load_task("argon_lattice/ar"))
    calibrate([load_task("argon_lattice/ar")], spy)
    assert len(spy.scripts) == 2


def test_a_size_law_takes_two_sizes(toy_root: Path, judge: Judge) -> None:
    law = "compare:\n  size_law: {exponent: -1, second_size: {cells: '{{ cells + 1 }}'}}"
    edit(toy_root / FOLDER / "family.yml", "compare:", law)
    found = calibrate([load_task("argon_lattice/ar")], judge)["argon_lattice/ar"]
    assert [run.natoms for run in found.seeds + found.second_size] == [256, 500]
    task = load_task("argon_lattice/ar")
    assert found.at(500, task.spec.compare.size_law)[0] == pytest.approx(found.second_size[0].value)


def test_one_run_of_a_stochastic_task_is_no_reference(stochastic: Path, judge: Judge) -> None:
    calibrate([load_task("argon_lattice/ar")], judge, seeds=1)
    with pytest.raises(TaskError, match="comes from a single run"):
        reference_value(load_task("argon_lattice/ar"))


def test_nothing_is_run_for_a_family_with_wrong_content(toy_root: Path, judge: Judge) -> None:
    (toy_root / FOLDER / "wrong" / "guess.lmp.j2").unlink()
    spy = Spy(judge)
    with pytest.raises(TaskError, match="too few scripts of the kind 'wrong'"):
        calibrate([load_task("argon_lattice/ar")], spy)
    assert spy.scripts == []


def test_a_reference_script_that_cannot_be_measured_is_told(toy_root: Path, judge: Judge) -> None:
    edit(
        toy_root / FOLDER / "reference.lmp.j2", "minimize 0 {{ tolerance }} 500 5000", "minimize 0 {{ tolerance }} 1 1"
    )
    with pytest.raises(
        TaskError, match=r"argon_lattice/ar: the reference script \(seed \d+\) cannot be measured: .*relaxed"
    ):
        calibrate([load_task("argon_lattice/ar")], judge)
    assert not (toy_root / FOLDER / "references.json").exists()
