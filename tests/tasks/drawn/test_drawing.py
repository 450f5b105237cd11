"""Tasks drawn by a seed: the same everywhere, never twice the same, never a frozen one; sealed seeds; references."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from mdevalbench.errors import TaskError
from mdevalbench.scorers.judge import Judge
from mdevalbench.tasks import (
    DrawnTask,
    Seed,
    draw,
    drawable,
    load_family,
    load_suite,
    load_task,
    reference_value,
    render_reference,
)
from mdevalbench.tasks.calibration import measure_references
from mdevalbench.tasks.drawn.drawing import dealt
from mdevalbench.tasks.drawn.proof import prove
from mdevalbench.tasks.drawn.seeds import VARIABLE, Numbers
from mdevalbench.types import Measurement

TRAIN = """\
train:
  systems:
    - {element: Ne, mass: 20.18}
    - {element: Ar, mass: 39.948, materials: [argon]}
  parameters:
    sigma: {low: 2.7, high: 4.1, digits: 3}
    epsilon: {low: "{{ sigma / 1000 }}", high: "{{ sigma / 200 }}", digits: 2}
    cells: {choices: [3, 4]}
  recipe: {cutoff: "{{ (2.5 * sigma) | round(2) }}"}
  spec: {limits: {cpu_seconds: 5}, compare: {floor: 0.003}}
"""


def add_train(root: Path, text: str = TRAIN) -> None:
    with (root / "codegen" / "argon_lattice" / "family.yml").open("a") as file:
        file.write(text)


@pytest.fixture
def drawn_root(toy_root: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The small family with a section `train`, a cache of its own and no sealed seed."""
    add_train(toy_root)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv(VARIABLE, raising=False)
    return toy_root


def test_a_draw_is_the_same_on_every_machine(drawn_root: Path) -> None:
    numbers = Numbers(Seed.open(7), "argon_lattice 1 0 0")
    assert [numbers.fraction() for _ in range(2)] == [0.08522648847862468, 0.12051701464403985]
    tasks = draw("argon_lattice", 7, 6)
    parameters = [t.instance.parameters for t in tasks]
    assert parameters[0] == {"element": "Ne", "mass": 20.18, "sigma": 2.87, "epsilon": 0.0092, "cells": 4}
    code = (
        f"from pathlib import Path; from mdevalbench.tasks import draw; import json; "
        f"print(json.dumps([t.instance.parameters for t in draw('argon_lattice', 7, 6, Path({str(drawn_root)!r}))]))"
    )
    environment = {**os.environ, "PYTHONHASHSEED": "12"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    assert json.loads(done.stdout) == parameters


def test_a_draw_is_fixed_by_seed_and_index_alone(drawn_root: Path) -> None:
    many = draw("argon_lattice", 7, 40)
    assert [t.id for t in many[:2]] == ["argon_lattice/draw-7-0", "argon_lattice/draw-7-1"]
    assert [t.prompt for t in draw("argon_lattice", 7, 5)] == [t.prompt for t in many[:5]]
    assert load_task("argon_lattice/draw-7-31").digest == many[31].digest
    others = draw("argon_lattice", 8, 40)
    assert len({t.prompt for t in many} & {t.prompt for t in others}) < 4  # 3 and 2 digits make equal ones by chance
    assert {t.materials for t in many} == {("Ne",), ("argon",)}


def test_a_drawn_task_has_its_own_numbers_and_prompts_have_natural_ones(drawn_root: Path) -> None:
    for task in draw("argon_lattice", 3, 30):
        sigma, epsilon = task.names["sigma"], task.names["epsilon"]
        assert 2.7 <= sigma <= 4.1 and len(f"{sigma:g}") <= 4
        assert sigma / 1000 * 0.95 <= epsilon <= sigma / 200 * 1.05 and len(f"{epsilon:g}".lstrip("0.")) <= 2
        assert f"sigma = {sigma:g} angstrom" in task.prompt
        assert task.spec.potential.pair_style == f"lj/cut {round(2.5 * sigma, 2):g}"
        assert (task.spec.limits.cpu_seconds, task.spec.compare.floor) == (5, 0.003)
        assert task.spec.compare.max_uncertainty == 0.0005
        assert f"block 0 {task.names['cells']} 0" in render_reference(task)
    assert len({task.names["sigma"] for task in draw("argon_lattice", 3, 30)}) > 20


def test_equal_prompts_are_drawn_again_until_there_are_no_others(drawn_root: Path, toy_root: Path) -> None:
    file = toy_root / "codegen" / "argon_lattice" / "family.yml"
    start = file.read_text().split("train:")[0]
    narrow = "train:\n  systems: [{element: Ne, mass: 20.18, sigma: 3.0}]\n  parameters:\n"
    file.write_text(
        start + narrow + "    epsilon: {choices: [0.01, 0.02, 0.03]}\n    cells: {low: 3, high: 9, digits: 8}\n"
    )
    tasks = draw("argon_lattice", 1, 3)  # `cells` makes other scripts, but not other prompts
    assert sorted(t.names["epsilon"] for t in tasks) == [0.01, 0.02, 0.03]
    with pytest.raises(TaskError, match=r"train: after 3 tasks, \d+ further draws gave no new prompt"):
        draw("argon_lattice", 1, 4)


def test_no_drawn_task_is_a_frozen_one(drawn_root: Path, toy_root: Path) -> None:
    file = toy_root / "codegen" / "argon_lattice" / "family.yml"
    start = file.read_text().split("train:")[0]
    argon = "train:\n  systems: [{element: Ar, mass: 39.948, sigma: 3.4}]\n  parameters:\n"
    file.write_text(start + argon + "    epsilon: {choices: [0.0104, 0.0105, 0.0106]}\n")
    frozen = load_family("argon_lattice")[0]
    assert frozen.names["epsilon"] == 0.0104
    for seed in range(10):
        tasks = draw("argon_lattice", seed, 2)
        assert sorted(t.names["epsilon"] for t in tasks) == [0.0105, 0.0106]
        assert frozen.prompt not in {t.prompt for t in tasks}


def test_a_sealed_seed_is_shown_nowhere(drawn_root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    secret = "the cat sat on 17 mats"
    seed = Seed.sealed(secret)
    task = draw("argon_lattice", seed, 2)[1]
    assert task.id == f"argon_lattice/draw-{seed.label}-1"
    assert not {secret, "17"} & {task.id, task.seed, repr(seed), repr(task)}
    with pytest.raises(TaskError, match=f"are sealed: set {VARIABLE}"):
        load_task(task.id)
    monkeypatch.setenv(VARIABLE, "another text")
    with pytest.raises(TaskError, match=f"were drawn with the seed {seed.label}, but {VARIABLE} holds that of"):
        load_task(task.id)
    monkeypatch.setenv(VARIABLE, secret)
    assert load_task(task.id).digest == task.digest
    assert [t.id for t in load_suite("training", count=2)] == [t.id for t in draw("argon_lattice", seed, 2)]
    assert Seed.sealed("7").key != Seed.open(7).key
    assert draw("argon_lattice", Seed.sealed("7"), 1)[0].prompt != draw("argon_lattice", 7, 1)[0].prompt


@pytest.fixture(autouse=True)
def training_suite(toy_root: Path) -> None:
    with (toy_root / "suites.yml").open("a") as file:
        file.write("training: {description: drawn, drawn: 4}\n")


def test_a_drawn_suite_takes_families_in_turn(drawn_root: Path) -> None:
    folder = drawn_root / "codegen" / "argon_lattice"
    other = drawn_root / "codegen" / "neon_lattice"
    subprocess.run(["cp", "-r", str(folder), str(other)], check=True)
    text = (other / "family.yml").read_text().replace("argon_lattice", "neon_lattice")
    (other / "family.yml").write_text(text)
    assert drawable() == ("argon_lattice", "neon_lattice")
    assert [t.id for t in load_suite("training", seed=5)] == [
        "argon_lattice/draw-5-0",
        "neon_lattice/draw-5-0",
        "argon_lattice/draw-5-1",
        "neon_lattice/draw-5-1",
    ]
    assert len(load_suite("training", "neon_lattice", seed="5", count=9)) == 9
    (other / "family.yml").write_text(text.split("train:")[0])
    assert drawable() == ("argon_lattice",)
    with pytest.raises(TaskError, match="has no section `train`"):
        load_suite("training", "neon_lattice", seed=5)


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (lambda: load_suite("training"), f"need a seed: give --seed .*{VARIABLE}"),
        (lambda: load_suite("demo", seed=3), "need no seed; drawn suites: training"),
        (lambda: load_suite("training", seed="a word"), "is no seed"),
        (lambda: load_task("argon_lattice/draw-7"), "drawn tasks are called 'argon_lattice/draw-<seed>-<index>'"),
        (lambda: load_task("argon_lattice/draw-7-1000000"), "index below 1000000"),
        (lambda: draw("argon_lattice", -1, 1), "a seed is a whole number"),
        (lambda: draw("argon", 1, 1), "did you mean 'argon_lattice'"),
        (lambda: Seed.sealed("  "), "seals nothing"),
    ],
)
def test_what_cannot_be_drawn_is_told(drawn_root: Path, call: object, told: str) -> None:
    with pytest.raises(TaskError, match=told):
        call()  # type: ignore[operator]


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("low: 2.7, high: 4.1, digits: 3", "low: 2.7, high: 4.1", "sigma: give either `low`, `high` and `digits`, or"),
        ("low: 2.7, high: 4.1", "low: 4.1, high: 2.7", "sigma: `low` is 4.1 and `high` is 2.7"),
        ("digits: 3", "digits: 0", "sigma.digits: must be greater than or equal to 1, got 0"),
        ("digits: 3", "digit: 3", "sigma.digit: unknown key; did you mean 'digits'"),
        ("choices: [3, 4]", "choices: []", "cells: give either"),
        ("sigma / 1000", "sigmas / 1000", "epsilon.low: '{{ sigmas / 1000 }}': `sigmas` is neither"),
        ("cpu_seconds: 5", "cpu_second: 5", "limits.cpu_second: unknown key; did you mean 'cpu_seconds'"),
        ("element: Ne, mass: 20.18", "element: Ne", "`mass` is neither in the recipe nor a parameter"),
    ],
)
def test_a_mistake_in_the_section_is_told_with_its_place(drawn_root: Path, old: str, new: str, told: str) -> None:
    file = drawn_root / "codegen" / "argon_lattice" / "family.yml"
    file.write_text(file.read_text().replace(old, new))
    with pytest.raises(TaskError) as caught:
        draw("argon_lattice", 1, 8)
    assert told in str(caught.value)
    assert str(file) in str(caught.value)


def test_ids_of_drawn_tasks_are_taken(toy_root: Path) -> None:
    file = toy_root / "codegen" / "argon_lattice" / "family.yml"
    file.write_text(file.read_text().replace("id: kr", "id: draw-7-0"))
    with pytest.raises(TaskError, match=r"tasks\[1\].id: ids that begin with 'draw-' belong to drawn tasks"):
        load_family("argon_lattice")


class Counting:
    """The judge, with the number of its measurements; every second one fails if so wanted."""

    def __init__(self, judge: Judge) -> None:
        self.judge, self.runs = judge, 0

    def measure(self, task: DrawnTask, script: str, cancel: threading.Event | None = None) -> Measurement:
        self.runs += 1
        return self.judge.measure(task, script, cancel)


def test_references_are_measured_once_and_kept_by_content(drawn_root: Path, judge: Judge) -> None:
    tasks, spy = draw("argon_lattice", 7, 3), Counting(judge)
    with pytest.raises(TaskError, match="tasks draw --family argon_lattice --seed 7 -n 3`"):
        reference_value(tasks[2])
    found = measure_references(tasks, spy, jobs=2)
    assert spy.runs == 3
    again = draw("argon_lattice", 7, 3)
    assert {t.id: reference_value(t) for t in again} == found
    # five shells of an fcc crystal lie within 2.5 sigma; the virial vanishes at (a / sigma)^6 = 2 A12 / A6
    a6, a12 = (sum(c * (n / 2) ** (-k / 2) for n, c in enumerate((12, 6, 24, 12, 24), 1)) for k in (6, 12))
    for task in tasks:
        assert found[task.id].value / task.names["sigma"] == pytest.approx((2 * a12 / a6) ** (1 / 6), rel=1e-5)
    measure_references(again, spy)
    assert spy.runs == 3
    assert not (drawn_root / "codegen" / "argon_lattice" / "references.json").exists()
    file = drawn_root / "codegen" / "argon_lattice" / "reference.lmp.j2"
    file.write_text(file.read_text() + "# another recipe\n")
    assert load_task("argon_lattice/draw-7-0").reference is None


def test_stochastic_references_come_from_four_seeds_and_are_stored_whole(drawn_root: Path, judge: Judge) -> None:
    folder = drawn_root / "codegen" / "argon_lattice"
    text = (folder / "family.yml").read_text()
    text = text.replace("stochastic: false", "stochastic: true").replace("recipe:\n", "recipe:\n  seed: 7\n", 1)
    (folder / "family.yml").write_text(text)
    script = (folder / "reference.lmp.j2").read_text()
    (folder / "reference.lmp.j2").write_text(script.replace("fix 1", "# seed {{ seed }}\nfix 1", 1))
    task, spy = draw("argon_lattice", 7, 1)[0], Counting(judge)
    partial = measure_references([task], spy)[task.id]
    assert (spy.runs, len(partial.seeds), partial.dof) == (4, 4, 3)
    task.keep_reference(partial.model_copy(update={"seeds": partial.seeds[:3], "value": 1.0}))
    assert reference_value(load_task(task.id)).value == partial.value


def test_a_reference_script_that_cannot_be_measured_stops_no_other(drawn_root: Path, judge: Judge) -> None:
    file = drawn_root / "codegen" / "argon_lattice" / "reference.lmp.j2"
    file.write_text(
        file.read_text().replace("minimize 0 {{", '{% if element == "Ne" %}quit 1{% endif %}\n\nminimize 0 {{')
    )
    tasks = draw("argon_lattice", 7, 4)
    found = measure_references(tasks, judge)
    failed = {t.id for t in tasks if isinstance(found[t.id], TaskError)}
    assert failed == {t.id for t in tasks if t.names["element"] == "Ne"}
    assert 0 < len(failed) < 4


def test_drawn_tasks_are_proven_and_judged_by_their_id(drawn_root: Path, judge: Judge) -> None:
    tasks = draw("argon_lattice", 7, 2)
    measure_references(tasks, judge)
    proofs = prove([t.id for t in tasks], judge.pool)
    assert [(p.task, p.passed, len(p.runs)) for p in proofs] == [(t.id, True, 2) for t in tasks]
    assert all(0 < proof.longest < 5 for proof in proofs)
    wrong = render_reference(tasks[0], overrides={"sigma": 1.02 * tasks[0].names["sigma"]})
    assert not judge.judge(load_task(tasks[0].id), f"```lammps\n{wrong}```").passed


def test_a_prompt_that_was_drawn_here_is_recognised(drawn_root: Path) -> None:
    task = draw("argon_lattice", 123, 2)[1]
    found = dealt(task.prompt + "\n")
    assert found is not None
    assert found.id == task.id
    assert dealt("another prompt") is None
