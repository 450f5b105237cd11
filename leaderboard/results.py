"""What the leaderboard keeps of an evaluation: one JSON file with the numbers of every answer, and what they rest on.

No mean and no composite is stored; whoever shows results computes them from the answers.
"""

from __future__ import annotations

import datetime
import hashlib
import json
import platform
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from inspect_ai.log import EvalLog, EvalSample
from pydantic import Field, ValidationError

from mdevalbench.errors import UsageError
from mdevalbench.leaderboard.code import SCORER as CODE
from mdevalbench.leaderboard.questions import SCORER as QUESTIONS
from mdevalbench.leaderboard.summary import SCORER as PHYSICS
from mdevalbench.scorers.metrics import TaskTrials
from mdevalbench.types import Record
from mdevalbench.zoo.cards import cards

FOLDER = Path(__file__).parent / "results"
Kind = Literal["physics", "questions", "code"]
SCORERS: dict[Kind, str] = {"physics": PHYSICS, "questions": QUESTIONS, "code": CODE}
COLUMNS: dict[Kind, tuple[str, ...]] = {
    "physics": ("found", "accepted", "started", "executed", "physics", "reward"),
    "questions": ("score", "partial"),
    "code": ("executed", "code_score"),
}
HEADLINE: dict[Kind, str] = {"physics": "physics", "questions": "score", "code": "executed"}


class Verified(Record):
    """How many answers were judged again when the result was added."""

    answers: int = Field(ge=0)
    of: int = Field(ge=1)


class Result(Record):
    """An evaluation of one model on one suite."""

    model: str
    """as Inspect calls it"""
    card: str | None
    """name of its card, if it has one"""
    kind: Kind
    suite: str
    suite_digest: str
    language: str | None
    seed: str | None
    """label of the seed of drawn tasks, or of the letters of questions"""
    judge: str | None
    """model that judged what evidence and words do not decide"""
    whole: bool
    """whether every task of the suite was asked"""
    epochs: int
    settings: dict[str, str]
    mdevalbench: str
    lammps: str | None
    machine: str
    created: str
    added: str
    input_tokens: int
    output_tokens: int
    dollars: float | None
    lammps_seconds: float | None
    """CPU time of LAMMPS"""
    working_seconds: float | None
    """time of model and judge, summed over the answers, with what scripts waited for a core"""
    verified: Verified
    log: str
    """name of the log"""
    log_digest: str
    """SHA-256 of the log"""
    columns: tuple[str, ...]
    groups: dict[str, str]
    """task -> family, or kind of question"""
    answers: dict[str, tuple[tuple[float, ...], ...]]
    """task -> numbers of each answer, in the order of `columns`"""

    @property
    def name(self) -> str:
        """File name: model, suite and what else tells evaluations apart; a part of a suite never replaces the whole."""
        how = (f"{key} {value}" for key, value in sorted(self.settings.items()))
        judge, part = self.judge and f"by {self.judge}", None if self.whole else "part"
        parts = (self.card or self.model, self.suite, self.language, self.seed, judge, *how, part)
        words = re.sub(r"[^\w.]+", "-", " ".join(filter(None, parts))).strip("-").lower()
        return f"{words}-{self.suite_digest[:8]}.json"

    def trials(self, column: str, group: str | None = None) -> list[TaskTrials]:
        """A column by task, of one group if it is named. Tasks of a family of physics depend on each other."""
        place = self.columns.index(column)
        return [
            TaskTrials(task, self.groups[task] if self.kind == "physics" else self.suite, tuple(r[place] for r in rows))
            for task, rows in self.answers.items()
            if group in (None, self.groups[task])
        ]


def kind_of(log: EvalLog) -> Kind:
    """Which of our evaluations a log is of. Raises UsageError if of none."""
    name, metadata = log.eval.task_registry_name or log.eval.task, log.eval.metadata or {}
    if not name.startswith("mdevalbench/") or "suite_digest" not in metadata:
        raise UsageError(f"{location(log)} is of {name!r}, no evaluation that `mdevalbench eval` writes")
    return "code" if metadata["suite"] == "official-code" else "questions" if "language" in metadata else "physics"


def location(log: EvalLog) -> str:
    """The file of a log."""
    return log.location.removeprefix("file://")


def numbers(sample: EvalSample, kind: Kind) -> dict[str, float]:
    """The numbers of one answer. Raises UsageError if it was not scored."""
    score = (sample.scores or {}).get(SCORERS[kind])
    if score is None or not isinstance(score.value, dict) or set(score.value) < set(COLUMNS[kind]):
        raise UsageError(f"the answer to {sample.id} (epoch {sample.epoch}) has no score: finish the evaluation first")
    return {column: float(score.value[column]) for column in COLUMNS[kind]}


def result_of(log: EvalLog, verified: Verified, whole: bool) -> Result:
    """What is kept of a log that was checked."""
    kind, metadata = kind_of(log), log.eval.metadata or {}
    samples = sorted(log.samples or [], key=lambda sample: (str(sample.id), sample.epoch))
    answers: dict[str, list[tuple[float, ...]]] = {}
    groups: dict[str, str] = {}
    for sample in samples:
        found = numbers(sample, kind)
        answers.setdefault(str(sample.id), []).append(tuple(found[column] for column in COLUMNS[kind]))
        groups[str(sample.id)] = _group(sample, kind)
    usage = [use for sample in samples for use in sample.model_usage.values()]
    costs = [use.total_cost for use in usage if use.total_cost is not None]
    drawn = log.eval.task_args.get("seed")
    return Result(
        model=log.eval.model,
        card=next((name for name, card in cards().items() if card.inspect == log.eval.model), None),
        kind=kind,
        suite=metadata["suite"],
        suite_digest=metadata["suite_digest"],
        language=metadata.get("language"),
        seed=str(metadata.get("seed", drawn)) if metadata.get("seed", drawn) is not None else None,
        judge=metadata.get("judge"),
        whole=whole,
        epochs=log.eval.config.epochs or 1,
        settings=settings(log),
        mdevalbench=metadata["mdevalbench"],
        lammps=metadata.get("lammps"),
        machine=f"{platform.system()} {platform.machine()}, Python {platform.python_version()}",
        created=log.eval.created,
        added=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        input_tokens=sum(use.input_tokens for use in usage),
        output_tokens=sum(use.output_tokens for use in usage),
        dollars=sum(costs) if costs else None,
        lammps_seconds=_lammps_seconds(samples, kind),
        working_seconds=round(sum(sample.working_time or 0.0 for sample in samples), 1),
        verified=verified,
        log=Path(location(log)).name,
        log_digest=hashlib.sha256(Path(location(log)).read_bytes()).hexdigest(),
        columns=COLUMNS[kind],
        groups=groups,
        answers={task: tuple(rows) for task, rows in answers.items()},
    )


def settings(log: EvalLog) -> dict[str, str]:
    """How the model was asked, as far as it was set."""
    config = log.eval.model_generate_config.model_dump(exclude_none=True) | log.plan.config.model_dump(
        exclude_none=True
    )
    given = {key: str(config[key]) for key in ("temperature", "top_p", "top_k", "max_tokens") if key in config}
    return given | ({"solver": log.eval.solver.rpartition("/")[2]} if log.eval.solver else {})


def _group(sample: EvalSample, kind: Kind) -> str:
    key = {"physics": "family", "questions": "kind"}.get(kind)
    return str(sample.metadata[key]) if key else str(sample.id).partition("/")[0]


def _lammps_seconds(samples: Sequence[EvalSample], kind: Kind) -> float | None:
    spent: list[Any] = []
    for sample in samples:
        score = (sample.scores or {}).get(SCORERS[kind])
        metadata = (score.metadata if score else None) or {}
        spent.append(metadata.get("verdict", {}).get("seconds", metadata.get("outcome", {}).get("cpu_seconds")))
    known = [float(seconds) for seconds in spent if seconds is not None]
    return round(sum(known), 2) if known else None


def read_results(folder: Path = FOLDER) -> list[Result]:
    """Every result of a folder, by file name. Raises UsageError, which names the file, for one that is broken."""
    return [_read(path) for path in sorted(folder.glob("*.json"))]


def _read(path: Path) -> Result:
    try:
        return Result.model_validate_json(path.read_text(encoding="utf-8"))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the file"
        raise UsageError(f"{path}: {where}: {first['msg'].lower()}; add its log again") from error


def write_result(result: Result, folder: Path = FOLDER) -> Path:
    """Keep a result in place of an earlier one of the same evaluation; a file is written whole or not at all."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / result.name
    content = result.model_dump(mode="json")
    answers = content.pop("answers")
    lines = [f"  {json.dumps(task)}: {json.dumps(rows)}" for task, rows in answers.items()]
    text = (
        json.dumps(content, indent=1, ensure_ascii=False)[:-2] + ',\n "answers": {\n' + ",\n".join(lines) + "\n }\n}\n"
    )
    part = path.with_suffix(".part")
    part.write_text(text, encoding="utf-8")
    part.replace(path)
    return path
