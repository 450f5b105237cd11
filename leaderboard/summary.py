"""From an Inspect log to the numbers of a run, per family and in total."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from inspect_ai.log import EvalLog, EvalSample
from inspect_ai.scorer import Score
from pydantic import ValidationError

from mdevalbench.errors import UsageError
from mdevalbench.leaderboard.logs import read_log
from mdevalbench.scorers.metrics import Interval, TaskTrials, mean_interval, pass_at_k_interval
from mdevalbench.types import Record, Verdict

RUNGS = ("found", "accepted", "started", "executed", "physics")
SCORER = "physics"
_RESULT = re.compile(r"\bRESULT[ \t]+(\w+)[ \t]*[=:]", re.IGNORECASE)
_SHOWN = ("base_url", "max_tokens", "temperature", "solver")


class Answer(Record):
    """One answer of the model to one task."""

    task: str
    family: str
    epoch: int
    prompt: str = ""
    completion: str = ""
    """empty, like the prompt and the verdict, where only numbers were kept"""
    truncated: bool
    """cut off at a token limit"""
    scores: dict[str, float] | None
    """found, accepted, started, executed, physics (0 or 1) and reward; None if it was not scored"""
    verdict: Verdict | None = None
    unscored: str | None
    """the harness fault that left it without a score"""
    error: str | None
    """why there is no answer: an error of the model's provider, or an interruption"""
    compare: str
    """`two-sided` or `upper-bound`"""
    level: str = ""
    """L1, L2 or L3"""
    exploiting: bool = False
    """reports a value although nothing of the task could be measured"""
    claim_within: float | None = None
    """how far a claim may lie from the measured value; None where nothing was measured or an old log does not know"""
    other_quantity: bool = False
    """its script has a line `RESULT`, and none of the quantity that was asked for"""
    input_tokens: int
    output_tokens: int
    dollars: float | None
    calls: int = 0
    """of the model"""
    seconds: float = 0.0
    """wall time of model, tools and judge, without waiting for a turn"""
    lammps_seconds: float = 0.0
    """CPU time of LAMMPS, of an agent's own runs and the judge's"""


class Group(Record):
    """A family, or the whole run."""

    name: str
    tasks: int
    answers: int
    rungs: dict[str, Interval | None]
    """rate of each rung, mean over tasks; None if nothing was scored"""
    pass_at: dict[int, Interval]
    """unbiased pass@k of the physics rung"""
    reward: Interval | None
    truncated: int
    unscored: int
    """harness faults; they enter no mean"""
    errors: int
    """answers that the provider never gave; asked again when the run is resumed"""
    input_tokens: int
    output_tokens: int
    dollars: float | None
    """None where prices are not known"""
    lammps_seconds: float
    """CPU time of LAMMPS"""


class RunSummary(Record):
    """An evaluation of one model on one suite."""

    model: str
    suite: str
    suite_digest: str
    mdevalbench: str
    lammps: str
    created: str
    """ISO 8601"""
    settings: dict[str, str]
    """how the model was asked: temperature, max_tokens, base_url, as far as set"""
    epochs: int
    planned: int
    """answers that the run consists of"""
    complete: bool
    """every planned answer was given and scored"""
    log: str
    total: Group
    families: tuple[Group, ...]
    levels: tuple[Group, ...] = ()
    """by level, where there are several"""
    answers: tuple[Answer, ...]


def caveat(model: str) -> str:
    """What a reader must know of the numbers that a provider gives; empty if nothing."""
    if not model.startswith("hf/"):
        return ""
    return (
        "The provider hf counts the tokens of padded batches, and does not tell which answers were cut off at the "
        "token limit."
    )


def summarise(log: EvalLog | Path) -> RunSummary:
    """Read a log of `mdevalbench/codegen`. Raises UsageError if it is of another task or has no samples."""
    if isinstance(log, Path):
        log = read_log(log)
    metadata = log.eval.metadata or {}
    if "suite_digest" not in metadata:
        raise UsageError(f"{log.location} is no log of mdevalbench/codegen; give one that `mdevalbench eval` wrote")
    answers = sorted(map(_answer, log.samples or []), key=lambda answer: (answer.family, answer.task, answer.epoch))
    epochs = log.eval.config.epochs or 1
    planned = len(log.eval.dataset.sample_ids or []) * epochs
    scored = sum(answer.scores is not None for answer in answers)
    config = log.eval.model_generate_config.model_dump(exclude_none=True) | log.plan.config.model_dump(
        exclude_none=True
    )
    if log.eval.solver:
        config["solver"] = log.eval.solver.rpartition("/")[2]
    if log.eval.model_base_url:
        config["base_url"] = log.eval.model_base_url
    return RunSummary(
        model=log.eval.model,
        suite=metadata["suite"],
        suite_digest=metadata["suite_digest"],
        mdevalbench=metadata["mdevalbench"],
        lammps=metadata["lammps"],
        created=log.eval.created,
        settings={key: str(config[key]) for key in _SHOWN if key in config},
        epochs=epochs,
        planned=planned,
        complete=log.status == "success" and scored == planned,
        log=log.location.removeprefix("file://"),
        total=group_answers("all", answers, epochs),
        families=tuple(
            group_answers(family, [answer for answer in answers if answer.family == family], epochs)
            for family in dict.fromkeys(answer.family for answer in answers)
        ),
        levels=_levels(answers, epochs),
        answers=tuple(answers),
    )


def read_run(path: Path) -> RunSummary:
    """A run from its log, or from the numbers that `mdevalbench eval --json` prints of it, kept in a file.

    Raises UsageError as `summarise`, or if a file of numbers is of another version of MD-EvalBench or damaged.
    """
    kept = _kept(path)
    if kept is None:
        return summarise(path)
    try:
        return RunSummary.model_validate(kept | {"log": str(path)})
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise UsageError(
            f"{path}: {where}: {first['msg'].lower()}; write it again with `mdevalbench eval ... --json`"
        ) from error


def _kept(path: Path) -> dict[str, Any] | None:
    """What `--json` printed; None for a log, which may be JSON too."""
    if path.suffix != ".json":
        return None
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise UsageError(f"{path} is no JSON: {error}") from error
    if not isinstance(content, dict) or "suite_digest" not in content:
        return None
    content.pop("report", None)
    return content


def _levels(answers: Sequence[Answer], epochs: int) -> tuple[Group, ...]:
    names = sorted({answer.level for answer in answers} - {""})
    if len(names) < 2:
        return ()
    return tuple(group_answers(name, [a for a in answers if a.level == name], epochs) for name in names)


def _answer(sample: EvalSample) -> Answer:
    score = (sample.scores or {}).get(SCORER)
    scores = _values(score)
    metadata = (score.metadata if score else None) or {}
    usage = list(sample.model_usage.values())
    costs = [u.total_cost for u in usage if u.total_cost is not None]
    error = sample.error.message if sample.error else None
    verdict = Verdict.model_validate(metadata["verdict"]) if "verdict" in metadata else None
    tried = math.fsum(one["cpu_seconds"] for one in sample.store.get("trajectory", {}).get("rounds", ()))
    return Answer(
        task=str(sample.id),
        family=str(sample.metadata.get("family", str(sample.id).partition("/")[0])),
        epoch=sample.epoch,
        prompt=sample.input if isinstance(sample.input, str) else sample.input[-1].text,
        completion=sample.output.completion,
        truncated=bool(metadata.get("truncated", False)),
        scores=scores,
        verdict=verdict,
        unscored=None if scores or error else (score and score.explanation) or "no score in the log",
        error=error,
        compare=str(sample.metadata.get("compare", "two-sided")),
        level=str(sample.metadata.get("level", "")),
        exploiting=verdict is not None and verdict.claim is not None and verdict.measured is None,
        claim_within=_claim_within(sample.metadata, verdict),
        other_quantity=_other_quantity(sample.metadata, sample.output.completion),
        input_tokens=sum(u.input_tokens for u in usage),
        output_tokens=sum(u.output_tokens for u in usage),
        dollars=math.fsum(costs) if costs else None,
        calls=sum(event.event == "model" for event in sample.events),
        seconds=sample.working_time or 0.0,
        lammps_seconds=tried + (verdict.seconds if verdict else 0.0),
    )


def _claim_within(metadata: Mapping[str, Any], verdict: Verdict | None) -> float | None:
    if verdict is None or verdict.measured is None or "claim_tolerance" not in metadata:
        return None
    relative = metadata["claim_tolerance"]
    return verdict.reference.tolerance if relative is None else abs(verdict.measured.value) * float(relative)


def _other_quantity(metadata: Mapping[str, Any], completion: str) -> bool:
    names = {name.lower() for name in _RESULT.findall(completion)}
    return bool(names) and "observable" in metadata and str(metadata["observable"]).lower() not in names


def _values(score: Score | None) -> dict[str, float] | None:
    """The numbers of a score; None if it is missing or unscored."""
    if score is None or not isinstance(score.value, dict):
        return None
    return {key: float(value) for key, value in score.value.items() if isinstance(value, int | float)}


def group_answers(name: str, answers: Sequence[Answer], epochs: int) -> Group:
    """Numbers over some answers of a run; pass@k for k = 1 and for `epochs`."""
    at = {k: pass_at_k_interval(trials(answers, "physics"), k) for k in sorted({1, epochs})}
    dollars = [answer.dollars for answer in answers if answer.dollars is not None]
    return Group(
        name=name,
        tasks=len({answer.task for answer in answers}),
        answers=len(answers),
        rungs={rung: mean_interval(trials(answers, rung)) for rung in RUNGS},
        pass_at={k: interval for k, interval in at.items() if interval is not None},
        reward=mean_interval(trials(answers, "reward")),
        truncated=sum(answer.truncated for answer in answers),
        unscored=sum(answer.unscored is not None for answer in answers),
        errors=sum(answer.error is not None for answer in answers),
        input_tokens=sum(answer.input_tokens for answer in answers),
        output_tokens=sum(answer.output_tokens for answer in answers),
        dollars=math.fsum(dollars) if dollars else None,
        lammps_seconds=math.fsum(answer.lammps_seconds for answer in answers),
    )


def trials(answers: Iterable[Answer], key: str) -> list[TaskTrials]:
    """A column of the scored answers, by task: a rung, `reward`, or `exploiting`."""
    gathered: dict[tuple[str, str], list[float]] = {}
    for answer in answers:
        if answer.scores is not None:
            value = float(answer.exploiting) if key == "exploiting" else answer.scores[key]
            gathered.setdefault((answer.task, answer.family), []).append(value)
    return [TaskTrials(task, family, tuple(values)) for (task, family), values in gathered.items()]
