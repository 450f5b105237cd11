"""The judge as an Inspect scorer.

Failure policy. Whatever a model writes, nothing at all included, is scored as earned. A harness fault (after the
retries of the engine) leaves the sample *unscored*, with the reason: it never becomes a 0 and never enters a mean.
Anything else that is raised here is a defect of this package; it makes the sample an error, so that it is neither
counted nor lost.
"""

from __future__ import annotations

import atexit
import math
from collections.abc import Sequence
from functools import cache
from typing import cast

from inspect_ai.model import ModelOutput
from inspect_ai.scorer import Metric, SampleScore, Score, Scorer, Target, Value, metric, scorer
from inspect_ai.solver import TaskState

from mdevalbench.errors import HarnessFault, TaskError
from mdevalbench.extract import extract
from mdevalbench.lammps.executor import open_executor
from mdevalbench.scorers.cache import VerdictCache
from mdevalbench.scorers.judge import Judge
from mdevalbench.scorers.metrics import TaskTrials, mean_interval, pass_at_k_interval
from mdevalbench.tasks.loading import load_task
from mdevalbench.types import Stage, Verdict

RUNGS = ("found", "accepted", "started", "executed", "physics")
"""keys of a score that are 0 or 1; `reward` in [0, 1] is the sixth"""


@cache
def shared_judge() -> Judge:
    """The judge of this process, with the executor that the environment asks for; scripts wait for it in threads."""
    pool = open_executor()
    atexit.register(pool.close)
    return Judge(pool, VerdictCache())


def by_task(scores: Sequence[SampleScore]) -> list[TaskTrials]:
    """Scores of one key, one per sample and epoch, gathered by task."""
    gathered: dict[str, tuple[str, list[float]]] = {}
    for score in scores:
        task = str(score.sample_id)
        family = str((score.sample_metadata or {}).get("family", task.partition("/")[0]))
        gathered.setdefault(task, (family, []))[1].append(float(cast(float, score.score.value)))
    return [TaskTrials(task, family, tuple(values)) for task, (family, values) in gathered.items()]


@metric(scores="unreduced")
def interval() -> Metric:
    """Mean over tasks with its 95 % interval between families (see `mdevalbench.scorers.metrics`)."""

    def compute(scores: list[SampleScore]) -> Value:
        found = mean_interval(by_task(scores))
        if found is None:
            return {"mean": math.nan, "low": math.nan, "high": math.nan}
        return {"mean": found.mean, "low": found.low, "high": found.high}

    return compute


@metric(scores="unreduced")
def pass_at() -> Metric:
    """Unbiased pass@k for k = 1, 2, 4, ... and for the number of epochs."""

    def compute(scores: list[SampleScore]) -> Value:
        tasks = by_task(scores)
        most = max((len(task.values) for task in tasks), default=1)
        found = {k: pass_at_k_interval(tasks, k) for k in sorted({most, *(2**i for i in range(most.bit_length()))})}
        return {str(k): at_k.mean if at_k is not None else math.nan for k, at_k in found.items() if k <= most}

    return compute


@scorer(metrics={**{key: [interval()] for key in (*RUNGS[:-1], "reward")}, "physics": [interval(), pass_at()]})
def physics() -> Scorer:
    """Score a completion by what its script simulates: keys found, accepted, started, executed, physics and reward."""

    async def score(state: TaskState, target: Target) -> Score:
        return await judge_answer(str(state.sample_id), state.metadata.get("digest"), state.output)

    return score


async def judge_answer(task_id: str, digest: str | None, output: ModelOutput) -> Score:
    """The score of one answer to a task, whose digest was `digest` when it was asked."""
    try:
        task = load_task(task_id)
        if digest not in (None, task.digest):
            raise TaskError(f"{task.id} has changed since this answer was asked for; run the evaluation again")
        verdict = await shared_judge().ajudge(task, output.completion)
    except (HarnessFault, TaskError) as fault:
        reason = "task_fault" if isinstance(fault, TaskError) else "harness_fault"
        return Score.unscored(reason=reason, explanation=str(fault), metadata={"truncated": truncated(output)})
    return Score(
        value=values(verdict),
        answer=extract(output.completion).script,
        explanation=explain(verdict),
        reason=reason_for(verdict, output),
        metadata={"verdict": verdict.model_dump(mode="json"), "truncated": truncated(output)},
    )


def values(verdict: Verdict) -> dict[str, float]:
    """The numbers of a verdict: 0 or 1 for every rung that was reached, and the reward."""
    stages = (Stage.FOUND, Stage.ACCEPTED, Stage.STARTED, Stage.EXECUTED, Stage.PASSED)
    rungs = {rung: float(verdict.stage.rank >= stage.rank) for rung, stage in zip(RUNGS, stages, strict=True)}
    return rungs | {"physics": float(verdict.passed), "reward": verdict.reward}


def truncated(output: ModelOutput) -> bool:
    """Whether the answer was cut off at a token limit."""
    return output.stop_reason in ("max_tokens", "model_length")


def reason_for(verdict: Verdict, output: ModelOutput) -> str | None:
    """Machine-readable reason of a low score that lies in the answer's form; None where the script decides."""
    if verdict.stage is not Stage.NOTHING:
        return None
    if output.stop_reason == "content_filter":
        return "refusal"
    if not output.completion.strip():
        return "no_response"
    return "truncated" if truncated(output) else "invalid_response_format"


def explain(verdict: Verdict) -> str:
    """The verdict in words, several lines."""
    lines = [f"{'passed' if verdict.passed else 'not passed'}, reward {verdict.reward:.2f}, stage {verdict.stage}"]
    if verdict.measured is not None:
        m, r = verdict.measured, verdict.reference
        lines.append(
            f"measured {m.value:.6g} ± {m.uncertainty:.2g} {m.unit}; reference {r.value:.6g} ± {r.tolerance:.2g}"
        )
    if verdict.claim is not None:
        lines.append(f"claimed {verdict.claim.value:.6g} {verdict.claim.unit}")
    return "\n".join([*lines, *verdict.reasons])
