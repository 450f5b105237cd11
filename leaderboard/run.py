"""An evaluation: one model on one suite, resumed where an earlier run of the same evaluation was interrupted."""

from __future__ import annotations

import contextlib
import fcntl
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import anyio
from inspect_ai import Task as InspectTask
from inspect_ai import eval_set
from inspect_ai._util.error import PrerequisiteError
from inspect_ai.log import EvalLog, EvalSample, list_eval_logs, read_eval_log, recompute_metrics, write_eval_log
from inspect_ai.model import ModelCost, ModelInfo, get_model_info, set_model_info
from inspect_ai.scorer import Score
from inspect_ai.solver import Solver

from mdevalbench.agent.solvers import direct, mdagent, mdagent1, mdagent_tools
from mdevalbench.errors import UsageError
from mdevalbench.leaderboard.code import SCORER as CODE_SCORER
from mdevalbench.leaderboard.code import CodeSummary, summarise_code
from mdevalbench.leaderboard.evaluation import Evaluation, check
from mdevalbench.leaderboard.questions import SCORER as ANSWERS
from mdevalbench.leaderboard.questions import QuestionSummary, summarise_questions
from mdevalbench.leaderboard.report import write_code_report, write_question_report, write_report
from mdevalbench.leaderboard.summary import SCORER, RunSummary, summarise
from mdevalbench.scorers.inspect import judge_answer, shared_judge
from mdevalbench.scorers.inspect_answers import score_answer
from mdevalbench.scorers.inspect_code import score_code
from mdevalbench.tasks import reference_value
from mdevalbench.tasks.budget import Budget, spending
from mdevalbench.tasks.inspect_tasks import codegen
from mdevalbench.tasks.qa.asking import questions_task
from mdevalbench.tasks.qa.asking_code import official_code
from mdevalbench.zoo.opening import in_words


def evaluate(what: Evaluation, display: str | None = None) -> RunSummary:
    """Run an evaluation, or finish it, and write its report beside its log.

    Raises:
        UsageError: unknown suite, family or model, a task without reference, no key, no server, no prices; before
        anything runs. HarnessFault: scripts cannot be run here.
    """
    check(what)
    for task in what.tasks:
        reference_value(task)
    with _alone(what):
        log = _run(what, codegen(suite=what.suite, family=what.family, **what.drawn), _places(what), display)
        _judge_unscored(log, SCORER, lambda s: judge_answer(str(s.id), s.metadata.get("digest"), s.output))
        summary = summarise(log)
    write_report(summary, what.report)
    return summary


def ask(what: Evaluation, display: str | None = None) -> QuestionSummary:
    """`evaluate` for a suite of questions. Raises UsageError like it; no script is run."""
    check(what)
    task = questions_task(what.suite, what.language, int(what.seed or 0), what.judge, what.data)
    with _alone(what):
        log = _run(what, task, what.max_connections + 2, display)
        _judge_unscored(log, ANSWERS, lambda s: score_answer(str(s.id), s.metadata, s.output.completion, what.judge))
        summary = summarise_questions(log)
    write_question_report(summary, what.report)
    return summary


def run_published_code(what: Evaluation, display: str | None = None) -> CodeSummary:
    """`evaluate` for the published code tasks. Raises like it."""
    check(what)
    task = official_code(str(what.data) if what.data else None, what.language, what.judge)
    with _alone(what):
        log = _run(what, task, _places(what), display)
        _judge_unscored(log, CODE_SCORER, lambda s: score_code(s.metadata, s.output.completion, what.judge))
        summary = summarise_code(log)
    write_code_report(summary, what.report)
    return summary


def _places(what: Evaluation) -> int:
    """Answers under way at once: one keeps its place while its script is judged."""
    return what.max_connections + 2 * shared_judge().pool.workers


@contextlib.contextmanager
def _alone(what: Evaluation) -> Iterator[None]:
    """As the only process that writes this evaluation, within its budget."""
    budget = _budget(what)
    _private(what).mkdir(parents=True, exist_ok=True)
    with _only_one(what), spending(budget):
        yield


def _run(what: Evaluation, task: InspectTask, places: int, display: str | None) -> EvalLog:
    generation: dict[str, Any] = {
        name: value
        for name in ("temperature", "max_tokens", "top_p", "top_k", "max_connections")
        if (value := getattr(what, name)) is not None
    }
    try:
        _, logs = eval_set(
            task,
            log_dir=str(what.log_dir),
            log_dir_allow_dirty=True,
            model=what.model,
            model_base_url=what.base_url,
            model_args=dict(what.model_args),
            solver=_solver(what),
            limit=what.limit,
            epochs=what.epochs,
            # an answer whose provider fails is asked for once more, then left for the next run of the same command
            retry_on_error=1,
            continue_on_fail=True,
            retry_attempts=1,
            retry_immediate=False,
            max_samples=places,
            # every answer is on disk as soon as it is judged, so that a killed run loses none
            log_buffer=1,
            display=display,  # type: ignore[arg-type]
            **generation,
        )
    except PrerequisiteError as error:
        raise UsageError(f"--model {what.model}: {in_words(error)}") from error
    log = read_eval_log(logs[0].location)
    _remove_superseded(what.log_dir, log)
    return log


def _solver(what: Evaluation) -> Solver | None:
    plain = {"direct": direct, "mdagent1": mdagent1, "mdagent_tools": mdagent_tools}
    if what.solver == "mdagent":
        return mdagent(rounds=what.rounds)
    return plain[what.solver]() if what.solver else None


def _remove_superseded(folder: Path, log: EvalLog) -> None:
    """Delete what killed runs left of the same evaluation: all of it is in `log`, and no one else writes it."""
    for info in list_eval_logs(str(folder)):
        path = Path(info.name.removeprefix("file://"))
        if info.task_id == log.eval.task_id and path.name != Path(log.location).name:
            path.unlink()


def _judge_unscored(log: EvalLog, scorer: str, judge: Callable[[EvalSample], Awaitable[Score]]) -> None:
    """Judge answers again that a harness fault left without a score, perhaps earlier, and keep what came of it."""
    changed = False
    for sample in log.samples or []:
        score = (sample.scores or {}).get(scorer)
        if sample.scores is None or score is None or isinstance(score.value, dict):
            continue
        again = anyio.run(judge, sample)
        if isinstance(again.value, dict):
            sample.scores[scorer] = again
            changed = True
    if changed:
        recompute_metrics(log)
        write_eval_log(log)


def _private(what: Evaluation) -> Path:
    """Folder for what outlives a process beside its log."""
    return what.log_dir / ".mdevalbench"


def _budget(what: Evaluation) -> Budget | None:
    info = get_model_info(what.model)
    if what.prices is not None:
        read, written = what.prices
        cost = ModelCost(input=read, output=written, input_cache_write=read, input_cache_read=read)
        info = (info or ModelInfo()).model_copy(update={"cost": cost})
        set_model_info(what.model, info)
    if what.max_cost is None:
        return None
    if info is None or info.cost is None:
        raise UsageError(
            f"--max-cost: the prices of {what.model} are not known; give them with --prices READ WRITTEN "
            "(dollars per million tokens)"
        )
    return Budget(what.max_cost, _private(what) / f"{what.key}.dollars", what.max_connections)


@contextlib.contextmanager
def _only_one(what: Evaluation) -> Iterator[None]:
    """Two processes must not write one evaluation. The lock ends with its process, however that ends."""
    with (_private(what) / f"{what.key}.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise UsageError(
                f"this evaluation is already running in {what.log_dir}; wait for it or use --log-dir"
            ) from error
        yield
