"""Convergence studies of the small family, with real LAMMPS."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from mdevalbench.errors import TaskError
from mdevalbench.scorers.judge import Judge
from mdevalbench.tasks import Task, load_family, load_task
from mdevalbench.tasks.studies import StoredStudy, read_studies, run_studies
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


def declare(root: Path, studies: str) -> None:
    path = root / FOLDER / "family.yml"
    path.write_text(path.read_text().replace("mutations:", f"studies: {{{studies}}}\nmutations:"))


CUTOFF = "range: {about: cutoff in angstrom, vary: cutoff, values: [6, 9, 20], task: kr}"
SIZE = "size: {about: unit cells along an edge, vary: cells, values: [3, 4, 11]}"


def study(judge: Judge | Spy, jobs: int = 1) -> dict[str, StoredStudy]:
    return run_studies(load_family("argon_lattice"), judge, jobs)


def test_values_are_measured_and_stored(toy_root: Path, judge: Judge) -> None:
    declare(toy_root, f"{SIZE}, {CUTOFF}")
    found = study(judge, 2)
    assert read_studies(toy_root / FOLDER) == found
    size, cutoff = found["size"], found["range"]
    assert (size.task, size.vary, size.usual, size.unit) == ("argon_lattice/ar", "cells", 4, "angstrom")
    assert [(run.value, run.natoms, run.seed) for run in size.runs] == [
        (3, 108, None),
        (4, 256, None),
        (11, 5324, None),
    ]
    # a perfect crystal does not depend on its size; 5324 atoms are more than a task accepts
    values = [run.measured for run in size.runs]
    assert values == [pytest.approx(values[0], abs=1e-5)] * 3
    # without cutoff a = (2 L12 / L6)^(1/6) sqrt(2) sigma, lattice sums 12.13188 and 14.45392: 1.5419 sigma
    assert cutoff.task == "argon_lattice/kr"
    exact = [abs(run.measured - 1.5419 * 3.65) for run in cutoff.runs if run.measured is not None]
    assert exact == sorted(exact, reverse=True)
    assert exact[-1] < 0.003 < 0.01 < exact[0]


def test_an_interrupted_study_goes_on_where_it_stopped(toy_root: Path, judge: Judge) -> None:
    declare(toy_root, SIZE)
    with pytest.raises(KeyboardInterrupt):
        study(Spy(judge, patience=2))
    assert len(read_studies(toy_root / FOLDER)["size"].runs) == 2
    spy = Spy(judge)
    assert [run.value for run in study(spy)["size"].runs] == [3, 4, 11]
    assert len(spy.scripts) == 1
    study(spy)
    assert len(spy.scripts) == 1


def test_another_recipe_is_studied_anew_and_another_value_is_added(toy_root: Path, judge: Judge) -> None:
    declare(toy_root, SIZE)
    study(judge, 2)
    path = toy_root / FOLDER / "family.yml"
    path.write_text(path.read_text().replace("[3, 4, 11]", "[3, 5, 4]"))
    spy = Spy(judge)
    assert [run.value for run in study(spy)["size"].runs] == [3, 5, 4]
    assert len(spy.scripts) == 1
    path.write_text(path.read_text().replace("tolerance: 1e-10", "tolerance: 1e-11"))
    spy = Spy(judge)
    study(spy)
    assert len(spy.scripts) == 3


def test_several_seeds_where_the_script_takes_one(toy_root: Path, judge: Judge) -> None:
    declare(toy_root, SIZE.replace("11]}", "5], seeds: 2}"))
    assert [run.seed for run in study(judge, 2)["size"].runs] == [None] * 3
    family, script = toy_root / FOLDER / "family.yml", toy_root / FOLDER / "reference.lmp.j2"
    family.write_text(family.read_text().replace("recipe:", "recipe:\n  seed: 7"))
    script.write_text(
        script.read_text().replace("fix 1", "displace_atoms all random 0.01 0.01 0.01 {{ seed }}\nfix 1", 1)
    )
    spy = Spy(judge)
    runs = study(spy, 2)["size"].runs
    assert [run.value for run in runs] == [3, 3, 4, 4, 5, 5]
    assert len({run.seed for run in runs}) == 2
    assert len(set(spy.scripts)) == 6


def test_a_value_that_cannot_be_measured_has_its_reason(toy_root: Path, judge: Judge) -> None:
    declare(toy_root, "guess: {about: first guess, vary: guess, values: [0.01, 5.3, 5.4]}")
    failed, right, _ = study(judge, 2)["guess"].runs
    assert failed.measured is None
    assert failed.reason
    assert right.measured == pytest.approx(5.2, abs=0.1)


@pytest.mark.parametrize(
    ("studies", "told"),
    [
        ("", "declares no `studies:`"),
        (SIZE.replace("cells,", "cels,"), "'cels' is not in the recipe"),
        (CUTOFF.replace("kr", "xe"), "there is no task 'xe' here"),
    ],
)
def test_what_cannot_be_studied_is_told(toy_root: Path, judge: Judge, studies: str, told: str) -> None:
    declare(toy_root, studies)
    with pytest.raises(TaskError, match=told):
        study(judge)
    assert not (toy_root / FOLDER / "studies.json").exists()


def test_a_damaged_file_is_told(toy_root: Path, judge: Judge) -> None:
    declare(toy_root, SIZE)
    (toy_root / FOLDER / "studies.json").write_text('{"studies": {"size": {"task": 1}}}')
    with pytest.raises(TaskError, match=r"studies.json: is damaged \(\d+ fields do not fit\): remove it"):
        study(judge)


def test_studies_decide_no_verdict(toy_root: Path, judge: Judge) -> None:
    before = load_task("argon_lattice/ar").digest
    declare(toy_root, SIZE)
    study(judge, 2)
    assert load_task("argon_lattice/ar").digest == before
