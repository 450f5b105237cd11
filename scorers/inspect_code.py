"""Published code tasks as an Inspect scorer: keys `executed` (Exec-Success, 0 or 1) and `code_score` in [0, 1].

The Code-Score is by evidence (`code.py`), or, if a judge is named, by that model, which fills in the whole rubric; what
evidence gives is kept beside it (`by_evidence`). A harness fault, or a judge that fails, leaves the answer unscored.
"""

from __future__ import annotations

from typing import Any

from inspect_ai.model import ChatMessage, ChatMessageSystem, ChatMessageUser, GenerateConfig, get_model
from inspect_ai.scorer import Metric, SampleScore, Scorer, Target, Value, metric, scorer
from inspect_ai.scorer import Score as InspectScore
from inspect_ai.solver import TaskState

from mdevalbench.errors import HarnessFault
from mdevalbench.extract import extract
from mdevalbench.lammps.executor import in_thread
from mdevalbench.scorers.code import CodeOutcome, run_code
from mdevalbench.scorers.inspect import by_task, interval, shared_judge
from mdevalbench.scorers.metrics import pass_at_k_interval
from mdevalbench.scorers.paper_model import RUBRIC, question, read_sheet


@metric(scores="unreduced")
def exec_success() -> Metric:
    """Exec-Success@k for the number of epochs k, by the unbiased estimator."""

    def compute(scores: list[SampleScore]) -> Value:
        tasks = by_task(scores)
        k = max((len(task.values) for task in tasks), default=1)
        found = pass_at_k_interval(tasks, k)
        return {f"{k}": found.mean if found else float("nan")}

    return compute


@scorer(metrics={"executed": [interval(), exec_success()], "code_score": [interval()]})
def code(judge: str | None = None) -> Scorer:
    """Run the script of an answer; `judge` is the model that fills in the rubric."""

    async def scored(state: TaskState, target: Target) -> InspectScore:
        return await score_code(state.metadata, state.output.completion, judge)

    return scored


async def score_code(metadata: dict[str, Any], completion: str, judge: str | None) -> InspectScore:
    """The score of one answer to a published code task."""
    executor = shared_judge().pool
    try:
        found = await in_thread(lambda cancel: run_code(completion, executor, cancel))
        score = await _judged(judge, metadata["request"], completion, found) if judge else found.score
    except HarnessFault as fault:
        return InspectScore.unscored(reason="harness_fault", explanation=str(fault))
    return InspectScore(
        value={"executed": float(found.executed), "code_score": score},
        answer=extract(completion).script,
        explanation=found.reason or "LAMMPS raised no error",
        metadata={"outcome": found.model_dump(mode="json"), "by_evidence": found.score},
    )


async def _judged(judge: str, request: str, completion: str, found: CodeOutcome) -> float:
    """The rubric as a model fills it in, as a share of its 30 points. Raises HarnessFault if it fills in no sheet."""
    script = extract(completion).script
    if script is None:
        return 0.0
    asked: list[ChatMessage] = [
        ChatMessageSystem(content=RUBRIC),
        ChatMessageUser(content=question(request, script, found.error)),
    ]
    async with get_model(judge, memoize=False) as model:  # a client is of no use beyond its event loop
        said = await model.generate(asked, config=GenerateConfig(temperature=0))
    return read_sheet(said.completion).share
