"""The judge as a reward for reinforcement learning: a batch of completions in, a number for each out.

Failure policy. What a completion does is scored as earned. Where the harness failed, or a batch's time was over, there
is no reward but `None`: trainers leave such a completion out, and it never becomes a 0. A task that does not exist is
an error of the data set, and is raised.
"""

from __future__ import annotations

import hashlib
import logging
import math
import threading
from collections import OrderedDict, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Any

from mdevalbench.errors import Cancelled, HarnessFault, TaskError, UsageError
from mdevalbench.lammps.executor import Executor, in_thread, open_executor
from mdevalbench.scorers.judge import Judge
from mdevalbench.tasks.calibration import measure_references
from mdevalbench.tasks.export import question_digest
from mdevalbench.tasks.loading import Task, load_task
from mdevalbench.types import Components, Verdict

COMPONENTS = tuple(Components.model_fields)
"""found, accepted, started, executed, conditions, closeness, claim"""
REMEMBERED = 10_000
"""verdicts that are kept in memory, so that equal completions are judged once"""
_log = logging.getLogger(__name__)

Record = str | Mapping[str, Any]
"""a task: its id, or a row of a data set that has it under `task` or `id`, and maybe a `digest` of task or question"""
Completion = str | Sequence[Mapping[str, Any]]
"""text, or chat messages of which the last one is judged"""


@dataclass(frozen=True, slots=True)
class _Judging:
    """A verdict that somebody waits for."""

    verdict: Future[Verdict | None]
    cancel: threading.Event


class Rewards:
    """Judges batches of completions, as many scripts at once as there are workers. Thread-safe.

    Args:
        executor: where scripts run; by default what the environment asks for, opened when first needed. One that is
            given stays open on `close`.
        batch_seconds: wall-clock seconds after which the rest of a batch gets no reward; None for no bound. Scripts
            have their own limits of CPU time, so that this is for machines that stall.
    """

    def __init__(self, executor: Executor | None = None, *, batch_seconds: float | None = None) -> None:
        if batch_seconds is not None and not batch_seconds > 0:
            raise UsageError(f"`batch_seconds` must be positive, not {batch_seconds}")
        self._given = executor
        self._own: Executor | None = None
        self.batch_seconds = batch_seconds
        self._threads: ThreadPoolExecutor | None = None
        self._judgings: OrderedDict[str, _Judging] = OrderedDict()  # under way and done, oldest first
        self._tasks: dict[str, Task] = {}
        self._opening: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)  # held while a reference is made
        self._lock = threading.RLock()

    def verdicts(self, tasks: Sequence[Record], completions: Sequence[Completion]) -> list[Verdict | None]:
        """The verdict on each completion of the task beside it; None where there is none.

        Equal completions of a task are judged once, those of other threads included. A drawn task whose reference is
        not in the cache has it measured first. Raises UsageError if there are not as many tasks as completions, and
        TaskError if there is no such task, if it has changed since its row was written, or if its reference cannot be
        measured.
        """
        if len(tasks) != len(completions):
            raise UsageError(f"there are {len(tasks)} tasks for {len(completions)} completions")
        found = [self.task(record) for record in tasks]
        texts = [completion_text(completion) for completion in completions]
        judgings = [self._judging(task, text) for task, text in zip(found, texts, strict=True)]
        try:
            _, late = wait([judging.verdict for judging in judgings], self.batch_seconds)
        except BaseException:
            _cancel(judgings)
            raise
        if late:
            _cancel(judging for judging in judgings if judging.verdict in late)
            _log.warning("%d completions have no reward: the time of their batch was over", len(late))
        return [None if _given_up(judging) else judging.verdict.result() for judging in judgings]

    async def averdicts(self, tasks: Sequence[Record], completions: Sequence[Completion]) -> list[Verdict | None]:
        """`verdicts` for coroutines."""
        return await in_thread(lambda cancel: self.verdicts(tasks, completions))

    def task(self, record: Record) -> Task:
        """A task that a row of a data set names, with its reference; raises like `verdicts`.

        Who asks for another task meanwhile does not wait until this one's reference is measured.
        """
        name, digest = _name(record)
        with self._lock:
            opening = self._opening[name]
        with opening:
            if name not in self._tasks:
                self._tasks[name] = _with_reference(load_task(name), self.executor)
        task = self._tasks[name]
        if digest not in (None, task.digest, question_digest(task)):
            raise TaskError(f"{task.id} has changed since this row was written: export the data set again")
        return task

    @property
    def waiting(self) -> int:
        """Completions that are being judged, or wait for it."""
        with self._lock:
            return sum(not judging.verdict.done() for judging in self._judgings.values())

    def close(self) -> None:
        """End what is under way, and the workers that were started here."""
        with self._lock:
            _cancel(self._judgings.values())
            self._judgings.clear()
            threads, self._threads = self._threads, None
            own, self._own = self._own, None
        if threads is not None:
            threads.shutdown()
        if own is not None:
            own.close()

    @property
    def executor(self) -> Executor:
        """Where scripts run."""
        with self._lock:
            if self._given is not None:
                return self._given
            if self._own is None:
                self._own = open_executor()
            return self._own

    def _judging(self, task: Task, text: str) -> _Judging:
        """The verdict on a completion, known, under way or begun now."""
        key = hashlib.sha256(f"{task.id}\0{task.digest}\0{text}".encode(errors="replace")).hexdigest()
        with self._lock:
            known = self._judgings.get(key)
            if known is not None and not _failed(known):
                return known
            if self._threads is None:
                self._threads = ThreadPoolExecutor(self.executor.workers, thread_name_prefix="rewards")
            cancel = threading.Event()
            verdict = self._threads.submit(_verdict, Judge(self.executor), task, text, cancel)
            judging = self._judgings[key] = _Judging(verdict, cancel)
            while len(self._judgings) > REMEMBERED:
                self._judgings.popitem(last=False)
            return judging


def _verdict(judge: Judge, task: Task, text: str, cancel: threading.Event) -> Verdict | None:
    try:
        return judge.judge(task, text, cancel)
    except Cancelled:
        return None
    except HarnessFault as fault:
        _log.warning("a completion of %s has no reward: %s", task.id, fault)
        return None


def _given_up(judging: _Judging) -> bool:
    """Whether the time of the batch that asked for it was over first."""
    return judging.cancel.is_set() or judging.verdict.cancelled()


def _failed(judging: _Judging) -> bool:
    """Whether there will be no verdict, so that it is worth another try."""
    return _given_up(judging) or (judging.verdict.done() and judging.verdict.result() is None)


def _cancel(judgings: Iterable[_Judging]) -> None:
    for judging in judgings:
        judging.cancel.set()
        judging.verdict.cancel()


def _with_reference(task: Task, executor: Executor) -> Task:
    """The task, its reference measured if it is a drawn one that is new here. Raises TaskError if that fails."""
    if task.reference is not None:
        return task
    found = measure_references([task], Judge(executor))[task.id]
    if isinstance(found, TaskError):
        raise found
    return load_task(task.id)


def means(verdicts: Sequence[Verdict | None]) -> dict[str, float]:
    """What is worth a curve: the mean of every component, of the reward and of `passed`, and the share without verdict.

    Means are over completions with a verdict, NaN if there is none.
    """
    scored = [verdict for verdict in verdicts if verdict is not None]
    columns = {name: [getattr(v.components, name) for v in scored] for name in COMPONENTS}
    columns |= {"reward": [v.reward for v in scored], "passed": [float(v.passed) for v in scored]}
    found = {name: sum(values) / len(values) if values else math.nan for name, values in columns.items()}
    return found | {"unscored": 1 - len(scored) / len(verdicts) if verdicts else 0.0}


def _name(record: Record) -> tuple[str, str | None]:
    if isinstance(record, str):
        return record, None
    name = record.get("task") or record.get("id")
    if not isinstance(name, str):
        raise UsageError(
            f"a row of a data set needs a task's id under `task` or `id`; this one has {', '.join(record)}"
        )
    return name, record.get("digest")


def completion_text(completion: Completion) -> str:
    """The text that is judged."""
    if isinstance(completion, str):
        return completion
    content = completion[-1].get("content") if completion else ""
    if isinstance(content, list):  # parts of a message
        return "".join(str(part.get("text", "")) for part in content)
    return str(content or "")
