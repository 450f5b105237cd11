"""The Inspect adapter: scores, reasons, counts; and what the task tells a model."""

from __future__ import annotations

import math

import pytest
from inspect_ai.model import ModelOutput
from inspect_ai.scorer import SampleScore, Score

from mdevalbench.errors import TaskError
from mdevalbench.scorers.inspect import by_task, explain, interval, judge_answer, pass_at, reason_for, truncated, values
from mdevalbench.tasks import load_suite, load_task, suite_names, suites
from mdevalbench.tasks.inspect_tasks import codegen, lammps_version, spread
from mdevalbench.types import Claim, Measurement, Outcome, Reference, Stage, Verdict

TASK = "lattice_constant/cu-mishin"


def verdict(stage: Stage) -> Verdict:
    measured = stage.rank >= Stage.MEASURED.rank
    return Verdict(
        task=TASK,
        outcome=Outcome.SCORED if measured else Outcome.MODEL_FAULT,
        stage=stage,
        passed=stage is Stage.PASSED,
        reward=1.0 if stage is Stage.PASSED else 0.25,
        measured=Measurement(value=3.615, uncertainty=1e-4, unit="angstrom") if measured else None,
        reference=Reference(value=3.615, uncertainty=1e-5, tolerance=2e-3, unit="angstrom"),
        claim=Claim(value=3.61, unit="angstrom"),
        setup=stage is Stage.PASSED,
        analysis=stage is Stage.PASSED,
        reasons=() if stage is Stage.PASSED else ("line 3 is wrong",),
        seconds=1.5,
    )


@pytest.mark.parametrize(
    ("stage", "reached"),
    [
        (Stage.NOTHING, ()),
        (Stage.FOUND, ("found",)),
        (Stage.ACCEPTED, ("found", "accepted")),
        (Stage.STARTED, ("found", "accepted", "started")),
        (Stage.EXECUTED, ("found", "accepted", "started", "executed")),
        (Stage.MEASURED, ("found", "accepted", "started", "executed")),
        (Stage.PASSED, ("found", "accepted", "started", "executed", "physics")),
    ],
)
def test_values_follow_the_ladder(stage: Stage, reached: tuple[str, ...]) -> None:
    numbers = values(verdict(stage))
    assert numbers.pop("reward") == verdict(stage).reward
    assert numbers == {name: float(name in reached) for name in numbers}
    assert len(numbers) == 5


@pytest.mark.parametrize(
    ("completion", "stop", "reason"),
    [
        ("", "stop", "no_response"),
        (" \n", "max_tokens", "no_response"),
        ("Let me think", "max_tokens", "truncated"),
        ("I cannot do that.", "stop", "invalid_response_format"),
        ("", "content_filter", "refusal"),
    ],
)
def test_reasons_of_answers_without_a_script(completion: str, stop: str, reason: str) -> None:
    output = ModelOutput.from_content("m", completion, stop_reason=stop)  # type: ignore[arg-type]
    assert reason_for(verdict(Stage.NOTHING), output) == reason
    assert reason_for(verdict(Stage.FOUND), output) is None
    assert truncated(output) == (stop == "max_tokens")


def test_explanation_tells_measured_reference_claim_and_reasons() -> None:
    text = explain(verdict(Stage.MEASURED))
    for part in ("not passed", "reward 0.25", "3.615 ± 0.0001 angstrom", "± 0.002", "claimed 3.61", "line 3 is wrong"):
        assert part in text


async def test_an_empty_answer_is_scored_zero_not_left_out() -> None:
    score = await judge_answer(TASK, None, ModelOutput.from_content("m", "", stop_reason="max_tokens"))
    assert score.value == dict.fromkeys(("found", "accepted", "started", "executed", "physics", "reward"), 0.0)
    assert score.reason == "no_response"
    assert score.metadata is not None
    assert score.metadata["truncated"]
    assert Verdict.model_validate(score.metadata["verdict"]).stage is Stage.NOTHING


async def test_answers_to_another_version_of_a_task_stay_unscored() -> None:
    score = await judge_answer(TASK, "0" * 64, ModelOutput.from_content("m", "run 0"))
    assert isinstance(score.value, float)
    assert math.isnan(score.value)
    assert score.reason == "task_fault"
    assert "has changed" in (score.explanation or "")


def sample(task: str, value: float) -> SampleScore:
    return SampleScore(score=Score(value=value), sample_id=task, sample_metadata={"family": task.partition("/")[0]})


def test_metrics_over_epochs() -> None:
    scores = [
        sample("a/1", 1),
        sample("a/1", 0),
        sample("a/1", 0),
        sample("b/1", 0),
        sample("b/1", 0),
        sample("b/1", 0),
    ]
    assert [(task.task, task.family, task.values) for task in by_task(scores)] == [
        ("a/1", "a", (1.0, 0.0, 0.0)),
        ("b/1", "b", (0.0, 0.0, 0.0)),
    ]
    found = interval()(scores)  # type: ignore[arg-type]
    assert isinstance(found, dict)
    assert found["mean"] == pytest.approx(1 / 6)
    assert found["low"] < 1 / 6 < found["high"]
    assert pass_at()(scores) == pytest.approx({"1": 1 / 6, "2": 1 / 3, "3": 1 / 2})  # type: ignore[arg-type]


@pytest.mark.parametrize("suite", suite_names())
def test_inspect_task_carries_what_a_log_needs(suite: str) -> None:
    seed = 7 if suites()[suite].drawn else None
    task, ours = codegen(suite, seed=seed), load_suite(suite, seed=seed)
    assert sorted(str(s.id) for s in task.dataset) == sorted(t.id for t in ours)
    for s in task.dataset:
        mine = load_task(str(s.id))
        assert not isinstance(s.input, str)
        assert [message.role for message in s.input] == ["system", "user"]
        assert s.input[1].text == mine.prompt
        assert lammps_version() in s.input[0].text
        assert s.metadata is not None
        assert (s.metadata["family"], s.metadata["digest"]) == (mine.family, mine.digest)
    assert task.metadata is not None
    assert task.metadata["tasks"] == {t.id: t.digest for t in ours}
    assert task.version == task.metadata["suite_digest"][:12]


def test_one_family_only() -> None:
    assert {str(s.id).partition("/")[0] for s in codegen(family="lattice_constant").dataset} == {"lattice_constant"}
    with pytest.raises(TaskError):
        codegen(suite="none such")


def test_a_limit_leaves_no_family_out() -> None:
    tasks = load_suite("codegen")
    families = {task.family for task in tasks}
    assert {task.family for task in spread(tasks)[: len(families)]} == families
    assert sorted(task.id for task in spread(tasks)) == sorted(task.id for task in tasks)
