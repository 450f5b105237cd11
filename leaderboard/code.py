"""From an Inspect log of published code tasks to the numbers of the paper, and to those that they hide."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path

from inspect_ai.log import EvalLog, EvalSample

from mdevalbench.errors import UsageError
from mdevalbench.leaderboard.logs import read_log
from mdevalbench.scorers.code import CodeOutcome
from mdevalbench.scorers.metrics import Interval, TaskTrials, mean_interval, pass_at_k_interval
from mdevalbench.types import Record

SCORER = "code"


class CodeAnswer(Record):
    """One answer of a model to one code task."""

    task: str
    flags: tuple[str, ...]
    """what is wrong with the published task"""
    epoch: int
    prompt: str
    completion: str
    truncated: bool
    """cut off at a token limit"""
    executed: float | None
    """None if it was not scored"""
    score: float | None
    outcome: CodeOutcome | None
    unscored: str | None
    error: str | None
    """why there is no answer: an error of the model's provider, or an interruption"""
    input_tokens: int
    output_tokens: int
    dollars: float | None


class Success(Record):
    """Numbers over some of the tasks."""

    name: str
    tasks: int
    exec_1: Interval | None
    exec_k: Interval | None
    score: Interval | None
    """Code-Score in [0, 1]"""
    simulated: Interval | None
    """share of answers that LAMMPS got through and that simulated at least a step"""
    cut_off: int
    """answers that were cut off"""


class CodeSummary(Record):
    """An evaluation of one model on the published code tasks."""

    model: str
    suite: str
    suite_digest: str
    language: str
    judge: str | None
    """model that filled in the rubric; None if evidence did"""
    solver: str | None = None
    """way of answering; None for the usual one answer"""
    mdevalbench: str
    lammps: str
    created: str
    epochs: int
    planned: int
    complete: bool
    log: str
    total: Success
    sound: Success | None
    """tasks whose published script LAMMPS takes; None if there are none"""
    flags: dict[str, int]
    """flag -> how many tasks of the whole suite have it"""
    input_tokens: int
    output_tokens: int
    dollars: float | None
    answers: tuple[CodeAnswer, ...]


def summarise_code(log: EvalLog | Path) -> CodeSummary:
    """Read a log of `mdevalbench/official_code`. Raises UsageError if it is of another task."""
    if isinstance(log, Path):
        log = read_log(log)
    metadata = log.eval.metadata or {}
    if metadata.get("suite") != "official-code":
        raise UsageError(f"{log.location} is no log of code tasks; `mdevalbench eval --suite official-code` makes one")
    answers = tuple(sorted(map(_answer, log.samples or []), key=lambda answer: (answer.task, answer.epoch)))
    epochs = log.eval.config.epochs or 1
    planned = len(log.eval.dataset.sample_ids or []) * epochs
    costs = [answer.dollars for answer in answers if answer.dollars is not None]
    sound = [answer for answer in answers if not answer.flags]
    names = ("suite", "suite_digest", "language", "judge", "mdevalbench", "lammps", "flags")
    return CodeSummary(
        **{name: metadata[name] for name in names},
        model=log.eval.model,
        solver=log.eval.solver.rpartition("/")[2] if log.eval.solver else None,
        created=log.eval.created,
        epochs=epochs,
        planned=planned,
        complete=log.status == "success" and sum(answer.executed is not None for answer in answers) == planned,
        log=log.location.removeprefix("file://"),
        total=_success("all", answers, epochs),
        sound=_success("reference runs", sound, epochs) if sound else None,
        input_tokens=sum(answer.input_tokens for answer in answers),
        output_tokens=sum(answer.output_tokens for answer in answers),
        dollars=math.fsum(costs) if costs else None,
        answers=answers,
    )


def _answer(sample: EvalSample) -> CodeAnswer:
    score = (sample.scores or {}).get(SCORER)
    value = score.value if score is not None and isinstance(score.value, dict) else {}
    outcome = ((score.metadata if score else None) or {}).get("outcome")
    usage = list(sample.model_usage.values())
    costs = [u.total_cost for u in usage if u.total_cost is not None]
    error = sample.error.message if sample.error else None
    return CodeAnswer(
        task=str(sample.id),
        flags=tuple(sample.metadata["flags"]),
        epoch=sample.epoch,
        prompt=sample.metadata["request"],
        completion=sample.output.completion,
        truncated=sample.output.stop_reason in ("max_tokens", "model_length"),
        executed=value.get("executed"),
        score=value.get("code_score"),
        outcome=CodeOutcome.model_validate(outcome) if outcome else None,
        unscored=None if value or error else (score and score.explanation) or "no score in the log",
        error=error,
        input_tokens=sum(u.input_tokens for u in usage),
        output_tokens=sum(u.output_tokens for u in usage),
        dollars=math.fsum(costs) if costs else None,
    )


def _success(name: str, answers: Sequence[CodeAnswer], epochs: int) -> Success:
    executed = _trials(answers, lambda answer: answer.executed)
    return Success(
        name=name,
        tasks=len({answer.task for answer in answers}),
        exec_1=mean_interval(executed),
        exec_k=pass_at_k_interval(executed, epochs),
        score=mean_interval(_trials(answers, lambda answer: answer.score)),
        simulated=mean_interval(_trials(answers, _simulated)),
        cut_off=sum(bool(answer.outcome and answer.outcome.cut_off) for answer in answers),
    )


def _simulated(answer: CodeAnswer) -> float | None:
    return None if answer.outcome is None else float(answer.outcome.executed and answer.outcome.steps > 0)


def _trials(answers: Sequence[CodeAnswer], of: Callable[[CodeAnswer], float | None]) -> list[TaskTrials]:
    gathered: dict[str, list[float]] = {}
    for answer in answers:
        if (value := of(answer)) is not None:
            gathered.setdefault(answer.task, []).append(value)
    return [TaskTrials(task, task.partition("/")[0], tuple(values)) for task, values in gathered.items()]
