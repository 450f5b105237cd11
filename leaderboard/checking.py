"""What a log must be before its numbers stand on the leaderboard: whole, unedited, of the suite as it is now.

Every number is compared with what it follows from, and answers are judged again: all that need no simulation, and a
random part of the others, so that whoever edits verdicts does not know which. A verdict may differ by chance where a
script is at the edge of a tolerance; it then gets two more trials.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import anyio
from inspect_ai.log import EvalLog, EvalSample
from pydantic import ValidationError

from mdevalbench import __version__
from mdevalbench.errors import MDEvalBenchError, UsageError
from mdevalbench.leaderboard.logs import read_log
from mdevalbench.leaderboard.results import Kind, Verified, kind_of, location, numbers
from mdevalbench.scorers.code import run_code
from mdevalbench.scorers.inspect import shared_judge, values
from mdevalbench.scorers.inspect_answers import score_answer
from mdevalbench.scorers.judge import Judge
from mdevalbench.scorers.reward import reward
from mdevalbench.tasks import load_task
from mdevalbench.tasks.inspect_tasks import codegen
from mdevalbench.tasks.qa.asking import questions_task
from mdevalbench.tasks.qa.asking_code import official_code
from mdevalbench.tasks.suites import suites
from mdevalbench.types import Verdict

Progress = Callable[[int, int], None]
TRIALS = 3
NEAR = 0.1
"""difference of rewards that chance may make"""
LEAST = 5
"""answers that are judged again at least"""


class Refused(UsageError):
    """A log cannot stand on the leaderboard; the message says why."""


def open_log(path: Path) -> EvalLog:
    """Read a log. Raises Refused if it is not there, damaged, or of something else."""
    try:
        log = read_log(path)
    except UsageError as error:
        raise Refused(str(error)) from error
    kind_of(log)
    return log


def check(log: EvalLog, data: Path | None = None) -> bool:
    """See that a log is complete and follows from itself; whether it asks every task of its suite.

    `data` is the folder with the published files, for suites that need it. Raises Refused.
    """
    where, kind, metadata = location(log), kind_of(log), log.eval.metadata or {}
    if metadata["mdevalbench"] != __version__:
        raise Refused(f"{where}: made by mdevalbench {metadata['mdevalbench']}; this is {__version__}: evaluate again")
    asked = _suite(log, kind, data)
    if asked.metadata["suite_digest"] != metadata["suite_digest"]:
        raise Refused(
            f"{where}: suite {metadata['suite']} has digest {asked.metadata['suite_digest'][:12]} here and "
            f"{metadata['suite_digest'][:12]} in the log: tasks, system message or LAMMPS have changed; evaluate again"
        )
    prompts = {str(sample.id): sample.input for sample in asked.dataset}
    samples = log.samples or []
    planned = [str(one) for one in log.eval.dataset.sample_ids or []]
    epochs = log.eval.config.epochs or 1
    there = {(str(sample.id), sample.epoch) for sample in samples}
    missing = [(task, epoch) for task in planned for epoch in range(1, epochs + 1) if (task, epoch) not in there]
    if log.status != "success" or missing or not planned or len(samples) != len(planned) * epochs:
        first = f", the first of them to {missing[0][0]}" if missing else ""
        raise Refused(f"{where}: not complete: {len(missing)} of {len(planned) * epochs} answers are missing{first}")
    if unknown := [task for task in planned if task not in prompts]:
        raise Refused(f"{where}: {unknown[0]} is no task of suite {metadata['suite']}")
    for sample in samples:
        for problem in _problems(sample, kind, prompts[str(sample.id)]):
            raise Refused(f"{where}: {sample.id} (epoch {sample.epoch}): {problem}")
    return set(planned) == set(prompts) and len(planned) >= _usual(metadata["suite"])


def _usual(suite: str) -> int:
    """How many tasks a drawn suite has if nobody asks for fewer; 0 for others."""
    return suites()[suite].drawn if suite in suites() else 0


def _suite(log: EvalLog, kind: Kind, data: Path | None) -> Any:
    """The suite of a log as it would be asked now."""
    args: Mapping[str, Any] = log.eval.task_args
    folder = data or (Path(args["data"]) if args.get("data") else None)
    try:
        if kind == "code":
            return official_code(str(folder) if folder else None, args["language"], args.get("judge"))
        if kind == "questions":
            suite = (log.eval.metadata or {})["suite"]
            return questions_task(suite, args["language"], int(args.get("seed") or 0), args.get("judge"), folder)
        return codegen(**{name: args[name] for name in ("suite", "family", "seed", "count") if args.get(name)})
    except MDEvalBenchError as error:
        raise Refused(f"{location(log)}: its suite cannot be had here: {error}") from error


def _problems(sample: EvalSample, kind: Kind, prompt: Any) -> Iterator[str]:
    """What does not fit in one answer."""
    try:
        found = numbers(sample, kind)
    except UsageError as error:
        yield str(error)
        return
    if not all(0 <= value <= 1 for value in found.values()):
        yield f"a score outside 0 to 1: {found}"
    if [message.text for message in _messages(sample.input)] != [message.text for message in _messages(prompt)]:
        yield "the model was asked something other than the task"
    if kind == "physics":
        yield from _of_verdict(sample, found)


def _of_verdict(sample: EvalSample, found: Mapping[str, float]) -> Iterator[str]:
    score = (sample.scores or {})["physics"]
    try:
        verdict = Verdict.model_validate((score.metadata or {})["verdict"])
    except (KeyError, ValidationError):
        yield "its score holds no verdict"
        return
    if verdict.task != str(sample.id):
        yield f"the verdict is one on {verdict.task}"
    if values(verdict) != dict(found) or not math.isclose(verdict.reward, reward(verdict.components, verdict.passed)):
        yield "the score does not follow from the verdict: it was edited"


def _messages(given: Any) -> list[Any]:
    return [] if isinstance(given, str) else list(given)


def judge_again(
    log: EvalLog, share: float, rng: random.Random | None = None, progress: Progress | None = None
) -> Verified:
    """Judge a random share of the answers again. Raises Refused if a verdict does not come back.

    Answers to questions need no simulation and are scored again one and all, but for those that a model judged.
    """
    kind, samples = kind_of(log), list(log.samples or [])
    chosen = samples
    if kind != "questions":
        count = min(len(samples), max(LEAST, math.ceil(share * len(samples))))
        chosen = (rng or random.SystemRandom()).sample(samples, count)
    tell = progress or (lambda done, total: None)
    done = 0
    for number, sample in enumerate(chosen, 1):
        if (again := _again(sample, kind, (log.eval.metadata or {}).get("judge"))) is not None:
            done += 1
            if again != "":
                raise Refused(
                    f"{location(log)}: {sample.id} (epoch {sample.epoch}): judged again, {again}: the log was edited, "
                    "or made with another judge"
                )
        tell(number, len(chosen))
    return Verified(answers=done, of=len(samples))


def _again(sample: EvalSample, kind: Kind, judge: str | None) -> str | None:
    """How an answer fares when it is judged again; empty if as before, None if that cannot be told here."""
    before = numbers(sample, kind)
    if kind == "questions":
        if judge and sample.metadata["kind"] == "open":
            return None
        after = anyio.run(score_answer, str(sample.id), sample.metadata, sample.output.completion, None).value
        return "" if after == before else f"it scores {after} instead of {before}"
    for _ in range(TRIALS):
        told = _physics_again(sample, before) if kind == "physics" else _code_again(sample, before, judge)
        if not told:
            return ""
    return told


def _physics_again(sample: EvalSample, before: Mapping[str, float]) -> str:
    after = values(Judge(shared_judge().pool).judge(load_task(str(sample.id)), sample.output.completion))
    if after["physics"] == before["physics"] and abs(after["reward"] - before["reward"]) <= NEAR:
        return ""
    return f"it earns {after['reward']:g} instead of {before['reward']:g}"


def _code_again(sample: EvalSample, before: Mapping[str, float], judge: str | None) -> str:
    after = run_code(sample.output.completion, shared_judge().pool)
    if float(after.executed) != before["executed"]:
        return f"its script {'runs' if after.executed else 'does not run'}"
    if judge is None and abs(after.score - before["code_score"]) > NEAR:
        return f"its Code-Score is {after.score:.2f} instead of {before['code_score']:.2f}"
    return ""


def chosen_logs(paths: Sequence[Path]) -> list[Path]:
    """Logs by file, or all of a folder. Raises Refused if a folder holds none."""
    found: list[Path] = []
    for path in paths:
        logs = sorted(path.glob("*.eval")) if path.is_dir() else [path]
        if not logs:
            raise Refused(f"{path}: holds no logs (*.eval)")
        found += logs
    return found
