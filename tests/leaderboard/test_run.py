"""Evaluations in this process: built-in models on a small family, resumed, extended, limited in cost, judged again."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from inspect_ai.log import read_eval_log
from scipy.optimize import minimize_scalar

from mdevalbench.errors import TaskError, UsageError
from mdevalbench.leaderboard import run
from mdevalbench.leaderboard.evaluation import Evaluation
from mdevalbench.leaderboard.run import evaluate
from mdevalbench.leaderboard.summary import RunSummary
from mdevalbench.scorers import inspect
from mdevalbench.tasks import StoredReference, load_family
from mdevalbench.tasks.references import SeedValue, write_references
from mdevalbench.zoo import provider


def argon_lattice_constant(sigma: float) -> float:
    """Static fcc Lennard-Jones crystal cut off at 3 sigma: the minimum of its lattice sum, in the unit of `sigma`."""
    n = np.arange(-6, 7)
    sites = np.array([[0, 0, 0], [0.5, 0.5, 0], [0.5, 0, 0.5], [0, 0.5, 0.5]])
    points = (np.stack(np.meshgrid(n, n, n), -1).reshape(-1, 1, 3) + sites).reshape(-1, 3)
    distances = np.linalg.norm(points, axis=1)
    distances = distances[distances > 0]

    def energy(a: float) -> float:
        r = distances * a
        r = r[r < 3]
        return float((r**-12 - r**-6).sum())

    return float(minimize_scalar(energy, bounds=(1.50, 1.58), method="bounded", options={"xatol": 1e-9}).x) * sigma


@pytest.fixture
def family(toy_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The small family with references from lattice sums, and a judge and a cache of its own."""
    references = {}
    for task in load_family("argon_lattice"):
        value = argon_lattice_constant(float(task.names["sigma"]))
        references[task.instance.id] = StoredReference(
            value=value,
            uncertainty=1e-5,
            unit="angstrom",
            natoms=500,
            version=1,
            lammps="any",
            date="2026-01-01",
            recipe="lattice sum",
            seeds=(SeedValue(seed=1, value=value, uncertainty=1e-5, natoms=500),),
        )
    write_references(toy_root / "codegen" / "argon_lattice", references)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    provider._tasks_by_prompt.cache_clear()
    inspect.shared_judge.cache_clear()
    yield tmp_path / "logs"
    inspect.shared_judge().pool.close()
    inspect.shared_judge.cache_clear()
    provider._tasks_by_prompt.cache_clear()


def plan(model: str, folder: Path, **settings: object) -> Evaluation:
    return Evaluation(f"mdevalbench/{model}", log_dir=folder, **settings)  # type: ignore[arg-type]


def rates(summary: RunSummary) -> dict[str, float]:
    return {name: rate.mean for name, rate in summary.total.rungs.items() if rate is not None}


def test_reference_passes_and_wrong_fails(family: Path) -> None:
    right = evaluate(plan("reference", family), display="none")
    assert right.complete
    assert rates(right) == dict.fromkeys(("found", "accepted", "started", "executed", "physics"), 1.0)
    assert right.total.reward is not None
    assert right.total.reward.mean == 1
    assert right.total.lammps_seconds > 0
    assert right.total.input_tokens > 0
    assert plan("reference", family).report.read_text().count("<article>") == 2

    wrong = evaluate(plan("wrong", family, epochs=3), display="none")
    assert wrong.complete
    assert len(wrong.answers) == 6
    assert rates(wrong)["physics"] == 0
    assert set(wrong.total.pass_at) == {1, 3}
    assert all(answer.verdict is not None and answer.verdict.reasons for answer in wrong.answers)


def test_the_same_command_goes_on_and_more_epochs_are_added(family: Path) -> None:
    first = evaluate(plan("reference", family, limit=1), display="none")
    assert [answer.task for answer in first.answers] == ["argon_lattice/ar"]
    again = evaluate(plan("reference", family, limit=1), display="none")
    assert again.log == first.log
    old = read_eval_log(first.log)
    more = evaluate(plan("reference", family, epochs=2), display="none")
    assert [(answer.task, answer.epoch) for answer in more.answers] == [
        (f"argon_lattice/{name}", epoch) for name in ("ar", "kr") for epoch in (1, 2)
    ]
    new = read_eval_log(more.log)
    assert old.samples is not None
    assert new.samples is not None
    assert {sample.uuid for sample in old.samples} < {sample.uuid for sample in new.samples}


def test_harness_faults_are_unscored_and_judged_again_by_the_next_run(
    family: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(sys, "executable", "/bin/false")  # workers cannot start
        failed = evaluate(plan("reference", family), display="none")
    assert not failed.complete
    assert (failed.total.unscored, failed.total.errors) == (2, 0)
    assert failed.total.rungs["physics"] is None
    assert all(answer.scores is None and "worker" in (answer.unscored or "") for answer in failed.answers)
    log = read_eval_log(failed.log)
    assert log.results is not None
    assert {score.unscored_samples for score in log.results.scores} == {2}

    healed = evaluate(plan("reference", family), display="none")
    assert healed.log == failed.log
    assert healed.complete
    assert rates(healed)["physics"] == 1
    log = read_eval_log(healed.log)
    assert log.results is not None
    physics = next(score for score in log.results.scores if score.name == "physics")
    at = {name.partition("/")[2] or name: metric.value for name, metric in physics.metrics.items()}
    assert (physics.scored_samples, at["pass_at_1"]) == (2, 1.0)


def test_a_spending_limit_stops_and_a_higher_one_goes_on(family: Path) -> None:
    settings: dict[str, object] = {"prices": (1e6, 0.0), "max_connections": 1}  # a dollar per word read
    stopped = evaluate(plan("template", family, max_cost=1.0, **settings), display="none")
    assert not stopped.complete
    assert (len(stopped.answers), stopped.total.errors) == (2, 1)
    assert stopped.total.dollars is not None
    assert stopped.total.dollars == pytest.approx(stopped.total.input_tokens)
    assert "raise --max-cost" in next(answer.error for answer in stopped.answers if answer.error)
    finished = evaluate(plan("template", family, max_cost=1e6, **settings), display="none")
    assert finished.complete
    assert finished.total.errors == 0
    stays = evaluate(plan("template", family, max_cost=1.0, epochs=2, **settings), display="none")
    assert stays.total.errors == 2  # what was spent before counts


def test_unknown_prices_are_asked_for(family: Path) -> None:
    with pytest.raises(UsageError, match="--prices READ WRITTEN"):
        evaluate(plan("reference", family, max_cost=1.0), display="none")


def test_two_runs_of_one_evaluation_do_not_meet(family: Path) -> None:
    what = plan("reference", family)
    run._private(what).mkdir(parents=True)
    with run._only_one(what), pytest.raises(UsageError, match="already running"):
        evaluate(what, display="none")


def test_tasks_without_references_are_refused_before_anything_runs(toy_root: Path, tmp_path: Path) -> None:
    with pytest.raises(TaskError, match="argon_lattice/ar has no reference"):
        evaluate(plan("reference", tmp_path / "logs"), display="none")
    assert not (tmp_path / "logs").exists()
