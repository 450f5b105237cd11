"""From an Inspect log of questions to numbers: by kind, by difficulty and in total, beside what guessing earns."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from inspect_ai.log import EvalLog, EvalSample

from mdevalbench.errors import UsageError
from mdevalbench.leaderboard.logs import read_log
from mdevalbench.scorers.metrics import Interval, TaskTrials, mean_interval
from mdevalbench.tasks.qa.schema import KINDS
from mdevalbench.types import Record

SCORER = "answers"
DIFFICULTIES = ("easy", "medium", "hard")


class Reply(Record):
    """One answer of a model to one question."""

    question: str
    kind: str
    difficulty: str
    tags: tuple[str, ...]
    flags: tuple[str, ...]
    """what is wrong with a published item"""
    epoch: int
    right: str
    """letters of the right options; empty if there are none"""
    options: int
    prompt: str
    completion: str
    given: str
    """what was understood as the answer"""
    score: float | None
    """None if it was not scored"""
    partial: float | None
    reasons: str
    truncated: bool
    unscored: str | None
    """why a judge left it without a score"""
    error: str | None
    """why there is no answer: an error of the model's provider, or an interruption"""
    input_tokens: int
    output_tokens: int
    dollars: float | None


class Share(Record):
    """Numbers over some of the questions."""

    name: str
    questions: int
    score: Interval | None
    """mean over questions; None if nothing was scored"""
    partial: Interval | None
    majority: float
    """what the most frequent letter, or set of letters, would earn in each kind"""
    random: float
    """what guessing earns on average: an option, or a set of two or more, each as likely as any other"""


class QuestionSummary(Record):
    """An evaluation of one model on one suite of questions."""

    model: str
    suite: str
    suite_digest: str
    language: str
    seed: int
    """by which letters were dealt"""
    judge: str | None
    """model that judged open answers; None if words did"""
    mdevalbench: str
    created: str
    epochs: int
    planned: int
    complete: bool
    log: str
    total: Share
    kinds: tuple[Share, ...]
    difficulties: tuple[Share, ...]
    flags: dict[str, int]
    """flag of published items -> how many of the whole suite have it"""
    letters: dict[str, int]
    """letter -> questions of which it is, or is among, the right ones"""
    input_tokens: int
    output_tokens: int
    dollars: float | None
    replies: tuple[Reply, ...]


def summarise_questions(log: EvalLog | Path) -> QuestionSummary:
    """Read a log of `mdevalbench/knowledge` or `syntax`. Raises UsageError if it is of another task."""
    if isinstance(log, Path):
        log = read_log(log)
    metadata = log.eval.metadata or {}
    if "language" not in metadata:
        raise UsageError(f"{log.location} is no log of questions; give one of `mdevalbench eval --suite knowledge`")
    replies = tuple(sorted(map(_reply, log.samples or []), key=lambda reply: (reply.question, reply.epoch)))
    epochs = log.eval.config.epochs or 1
    planned = len(log.eval.dataset.sample_ids or []) * epochs
    costs = [reply.dollars for reply in replies if reply.dollars is not None]
    return QuestionSummary(
        **{name: metadata[name] for name in ("suite", "suite_digest", "language", "seed", "judge", "mdevalbench")},
        model=log.eval.model,
        created=log.eval.created,
        epochs=epochs,
        planned=planned,
        complete=log.status == "success" and sum(reply.score is not None for reply in replies) == planned,
        log=log.location.removeprefix("file://"),
        total=_share("all", replies, replies),
        kinds=tuple(_shares(replies, KINDS, lambda reply: reply.kind)),
        difficulties=tuple(_shares(replies, DIFFICULTIES, lambda reply: reply.difficulty)),
        flags=metadata.get("flags", {}),
        letters=dict(sorted(Counter(letter for reply in _once(replies) for letter in reply.right).items())),
        input_tokens=sum(reply.input_tokens for reply in replies),
        output_tokens=sum(reply.output_tokens for reply in replies),
        dollars=math.fsum(costs) if costs else None,
        replies=replies,
    )


def _reply(sample: EvalSample) -> Reply:
    score = (sample.scores or {}).get(SCORER)
    value: dict[str, Any] = score.value if score is not None and isinstance(score.value, dict) else {}
    usage = list(sample.model_usage.values())
    costs = [u.total_cost for u in usage if u.total_cost is not None]
    error = sample.error.message if sample.error else None
    return Reply(
        question=str(sample.id),
        **{name: sample.metadata[name] for name in ("kind", "difficulty", "right", "options")},
        tags=tuple(sample.metadata["tags"]),
        flags=tuple(sample.metadata.get("flags") or ()),
        epoch=sample.epoch,
        prompt=sample.input if isinstance(sample.input, str) else sample.input[-1].text,
        completion=sample.output.completion,
        given=(score.answer if score else None) or "",
        score=value.get("score"),
        partial=value.get("partial"),
        reasons=(score.explanation if score else None) or "",
        truncated=sample.output.stop_reason in ("max_tokens", "model_length"),
        unscored=None if value or error else (score and score.explanation) or "no score in the log",
        error=error,
        input_tokens=sum(u.input_tokens for u in usage),
        output_tokens=sum(u.output_tokens for u in usage),
        dollars=math.fsum(costs) if costs else None,
    )


def _shares(replies: Sequence[Reply], names: Sequence[str], of: Callable[[Reply], str]) -> Iterator[Share]:
    for name in names:
        if some := [reply for reply in replies if of(reply) == name]:
            yield _share(name, some, replies)


def _share(name: str, some: Sequence[Reply], every: Sequence[Reply]) -> Share:
    once = _once(some)
    favourites = {str(kind): _favourite(kind, every) for kind in KINDS}
    return Share(
        name=name,
        questions=len(once),
        score=mean_interval(_trials(some, "score")),
        partial=mean_interval(_trials(some, "partial")),
        majority=_mean([float(bool(reply.right) and reply.right == favourites[reply.kind]) for reply in once]),
        random=_mean([_chance(reply) for reply in once]),
    )


def _favourite(kind: str, replies: Sequence[Reply]) -> str:
    """The most frequent right letter, or set of letters, of a kind; the first in the alphabet of several."""
    counts = Counter(reply.right for reply in _once(replies) if reply.kind == kind)
    return min(counts, key=lambda letters: (-counts[letters], letters), default="")


def _chance(reply: Reply) -> float:
    """Probability that a guess is right."""
    if not reply.right:
        return 0.0
    return 1 / reply.options if reply.kind == "single" else 1 / (2**reply.options - reply.options - 1)


def _once(replies: Sequence[Reply]) -> list[Reply]:
    """One reply to each question."""
    return list({reply.question: reply for reply in replies}.values())


def _trials(replies: Sequence[Reply], key: str) -> list[TaskTrials]:
    gathered: dict[str, list[float]] = {}
    for reply in replies:
        value: float | None = getattr(reply, key)
        if value is not None:
            gathered.setdefault(reply.question, []).append(value)
    return [TaskTrials(question, question.partition("/")[0], tuple(values)) for question, values in gathered.items()]


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values) if values else 0.0
