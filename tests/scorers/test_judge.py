"""What the judge says of scripts that go wrong in ordinary ways, and what it remembers."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from mdevalbench.errors import Cancelled, TaskError
from mdevalbench.extract import extract
from mdevalbench.scorers.cache import VerdictCache
from mdevalbench.scorers.judge import Judge, _in_another_unit
from mdevalbench.tasks import Task, load_task, render_reference
from mdevalbench.types import Limits, Outcome, Stage


@pytest.fixture
def argon(toy_root: Path) -> Task:
    """A light task whose reference value stands in a file made here."""
    folder = toy_root / "codegen" / "argon_lattice"
    entry = (
        '{"value": 5.2577, "uncertainty": 0.0, "unit": "angstrom", "natoms": 256, "version": 1, "lammps": "x", '
        '"date": "2026-01-01", "recipe": "x", "seeds": [{"seed": 1, "value": 5.2577, "uncertainty": 0, "natoms": 256}]}'
    )
    (folder / "references.json").write_text(f'{{"tasks": {{"ar": {entry}}}}}')
    return load_task("argon_lattice/ar")


def test_a_right_answer_climbs_the_whole_ladder(judge: Judge, argon: Task) -> None:
    value = judge.measure(argon, render_reference(argon))
    assert value.unit == "angstrom" and value.natoms == 256
    verdict = judge.judge(argon, f"Sure.\n```\n{render_reference(argon)}```")
    assert verdict.measured is not None and verdict.measured.value == value.value
    assert verdict.measured.value == pytest.approx(1.5464 * 3.4, rel=1e-4)  # cutoff of 3 sigma; 1.5424 without one
    assert (verdict.passed, verdict.reward, verdict.stage) == (True, 1.0, Stage.PASSED)
    assert verdict.claim is not None and verdict.claim.derived


@pytest.mark.parametrize(
    "completion",
    ["", "   \n", "I cannot do that.", "```lammps\n```", '```lammps\nprint "hello"\n```', "<think>run 100"],
)
def test_doing_nothing_earns_next_to_nothing(judge: Judge, argon: Task, completion: str) -> None:
    assert judge.judge(argon, completion).reward <= 0.05


@pytest.mark.parametrize("task_id", ["lattice_constant/cu-mishin", "energy_conservation/ar-liquid"])
def test_the_reference_passes_with_a_claim_that_is_derived(judge: Judge, task_id: str) -> None:
    task = load_task(task_id)
    verdict = judge.judge(task, f"Here it is:\n```lammps\n{render_reference(task)}```\n")
    assert (verdict.passed, verdict.reward, verdict.reasons) == (True, 1.0, ())
    assert verdict.claim is not None and verdict.claim.derived


@pytest.mark.parametrize(
    ("change", "stage", "outcome", "least", "most", "why"),
    [
        (("units metal", "units mettal"), Stage.FOUND, Outcome.MODEL_FAULT, 0.02, 0.02, "line 2, `units mettal`"),
        (("mass 1", "mas 1"), Stage.FOUND, Outcome.MODEL_FAULT, 0.02, 0.02, "Unknown command"),
        (("RESULT", "NOTHING"), Stage.MEASURED, Outcome.SCORED, 0.2, 0.85, "reported no result"),
        (("angstrom", "furlong"), Stage.MEASURED, Outcome.SCORED, 0.2, 0.85, "unit"),
        (
            ("units metal", "units real"),
            Stage.EXECUTED,
            Outcome.MODEL_FAULT,
            0.0,
            0.3,
            "metal units; the script uses real",
        ),
        (('print "RESULT', 'prnt "RESULT'), Stage.STARTED, Outcome.SCORED, 0.2, 0.85, "line 15"),
    ],
    ids=["units", "command", "no-claim", "odd-unit", "other-units", "error-at-the-end"],
)
def test_ordinary_mistakes(
    judge: Judge,
    argon: Task,
    change: tuple[str, str],
    stage: Stage,
    outcome: Outcome,
    least: float,
    most: float,
    why: str,
) -> None:
    script = render_reference(argon)
    assert change[0] in script
    verdict = judge.judge(argon, script.replace(*change, 1))
    assert not verdict.passed
    assert verdict.stage.rank <= Stage.MEASURED.rank
    assert verdict.outcome is outcome
    assert least <= verdict.reward <= most
    assert why in " ".join(verdict.reasons)
    assert (verdict.error is not None) == (stage in (Stage.FOUND, Stage.STARTED))


@pytest.mark.parametrize(
    ("claim", "remark"),
    [
        (56.4, ""),
        (564.4, " (about 10 times that: a unit?)"),
        (0.0000564, " (about 1e-06 times that: a unit?)"),
        (-56.4, " (of the other sign)"),
        (0.0, ""),
        (120.0, ""),
    ],
)
def test_a_claim_in_another_unit_is_called_that(claim: float, remark: str) -> None:
    assert _in_another_unit(claim, 56.4) == remark
    assert _in_another_unit(claim, 0.0) == ""


def test_a_cached_verdict_costs_no_simulation(judge: Judge, argon: Task, tmp_path: Path) -> None:
    remembering = Judge(judge.pool, VerdictCache(tmp_path / "cache"))
    first = remembering.judge(argon, render_reference(argon))
    (stored,) = (tmp_path / "cache").rglob("*.json")
    assert remembering.judge(argon, render_reference(argon)) == first
    stored.write_text("damaged")
    assert remembering.judge(argon, render_reference(argon)).stage is first.stage


def test_what_decides_a_verdict_is_in_the_key(argon: Task, tmp_path: Path) -> None:
    cache = VerdictCache(tmp_path / "cache")
    other = load_task("argon_lattice/kr")
    script = extract("units lj\nrun 0\n")
    keys = {cache.key(argon, script), cache.key(other, script), cache.key(argon, extract("units lj\nrun 1\n"))}
    assert len(keys) == 3


def test_time_outs_are_never_cached(judge: Judge, argon: Task, tmp_path: Path) -> None:
    short = Task(
        argon.id,
        argon.spec.model_copy(update={"limits": Limits(cpu_seconds=0.3)}),
        argon.prompt,
        argon.folder,
        argon.source,
        argon.layers,
    )
    verdict = Judge(judge.pool, VerdictCache(tmp_path / "cache")).judge(short, "label a\nprint 'x'\njump SELF a\n")
    assert "limit of 0.3 CPU seconds" in verdict.reasons[0]
    assert not list((tmp_path / "cache").rglob("*.json"))


def test_a_task_without_reference_is_a_clear_error(judge: Judge, toy_root: Path) -> None:
    with pytest.raises(TaskError, match="tasks reference"):
        judge.judge(load_task("argon_lattice/ar"), "units lj\n")


def test_cancelling(judge: Judge, argon: Task) -> None:
    cancel = threading.Event()
    cancel.set()
    with pytest.raises(Cancelled):
        judge.judge(argon, render_reference(argon), cancel)
