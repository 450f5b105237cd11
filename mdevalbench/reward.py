"""Reward functions for reinforcement learning: the judge in the form that trainers call.

```python
from trl import GRPOTrainer
from mdevalbench.reward import physics

GRPOTrainer(model, reward_funcs=[physics], train_dataset=rows, ...)    # rows: `prompt` and `task`, a task's id
```

`physics` is the whole ladder, from 0 to 1; `reward_function("executed")` and the like are its parts, to be weighed by
the trainer. Functions of one batch share its verdicts, so that every script runs once. They take completions as text or
as chat messages, and the task from the column `task` or `id` of the data set (a row of `mdevalbench tasks draw --json`
has `id`). `physics` also logs the mean of every component. None stands where the harness failed.

`paper` is the reward of MDAgent2 in its place, to compare with: see what it cannot see in scorers/paper.py.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial
from typing import Any

from mdevalbench.errors import HarnessFault, UsageError
from mdevalbench.lammps.executor import in_thread
from mdevalbench.scorers.paper import Sheet, stand_in
from mdevalbench.scorers.rewards import COMPONENTS, Completion, Record, Rewards, completion_text, means
from mdevalbench.tasks.loading import Task
from mdevalbench.types import Verdict

__all__ = [
    "COMPONENTS",
    "Rewards",
    "aphysics",
    "areward_function",
    "compute_score",
    "paper",
    "paper_function",
    "physics",
    "reward_function",
]

WHOLE, PAPER = "physics", "paper"
"""names of the whole reward, and of the one to compare with"""
ASKED_AT_ONCE = 16
"""completions that a judge model reads at the same time"""
Values = list[float | None]
_log = logging.getLogger(__name__)


@cache
def shared() -> Rewards:
    """The rewards of this process, on the executor that the environment asks for."""
    return Rewards()


def reward_function(name: str = WHOLE, rewards: Rewards | None = None) -> Callable[..., Values]:
    """A function that gives a reward in [0, 1] for each completion of a batch.

    It is called with `completions`, with one value for each of them in `task` or `id`, and with whatever else the
    trainer has: other columns are left alone, `log_metric` and `log_extra` are used where they are given.

    Args:
        name: `physics` for the whole ladder, one of `COMPONENTS`, or `paper` (`paper_function` by its stand-in).
        rewards: where scripts run; by default those of this process.

    Raises UsageError if there is no such reward.
    """
    _check(name)
    if name == PAPER:
        return paper_function(rewards=rewards)

    def function(prompts: Any = None, completions: Sequence[Completion] = (), **columns: Any) -> Values:
        verdicts = (rewards or shared()).verdicts(_tasks(columns), completions)
        return _values(name, verdicts, columns)

    function.__name__ = name
    return function


def areward_function(name: str = WHOLE, rewards: Rewards | None = None) -> Callable[..., Awaitable[Values]]:
    """`reward_function` as a coroutine function, which leaves the event loop free while scripts run."""
    _check(name)

    async def function(prompts: Any = None, completions: Sequence[Completion] = (), **columns: Any) -> Values:
        if name == PAPER:
            return await in_thread(lambda _: paper_function(rewards=rewards)(prompts, completions, **columns))
        verdicts = await (rewards or shared()).averdicts(_tasks(columns), completions)
        return _values(name, verdicts, columns)

    function.__name__ = name
    return function


def paper_function(
    model: str | Callable[[str], str] | None = None, rewards: Rewards | None = None
) -> Callable[..., Values]:
    """The paper's reward (scorers/paper.py) as a function like those of `reward_function`, whose verdicts it shares.

    Args:
        model: what fills in the rubric: a model by its name, behind OPENAI_BASE_URL; a function from prompt to answer;
            by default the stand-in, which asks nobody.
        rewards: where scripts run; by default those of this process.

    Raises UsageError if the model cannot be asked.
    """
    grade = _grader(model)

    def function(prompts: Any = None, completions: Sequence[Completion] = (), **columns: Any) -> Values:
        mine, records = rewards or shared(), _tasks(columns)

        def value(record: Record, completion: Completion, verdict: Verdict | None) -> float | None:
            if verdict is None:
                return None
            try:
                return grade(mine.task(record), completion_text(completion), verdict).reward
            except HarnessFault as fault:
                _log.warning("a completion of %s has no reward: %s", verdict.task, fault)
                return None

        with ThreadPoolExecutor(ASKED_AT_ONCE) as threads:
            return list(threads.map(value, records, completions, mine.verdicts(records, completions)))

    function.__name__ = PAPER
    return function


def _grader(model: str | Callable[[str], str] | None) -> Callable[[Task, str, Verdict], Sheet]:
    if model is None:
        return stand_in
    from mdevalbench.scorers.paper_model import asking, graded

    return partial(graded, ask=asking(model) if isinstance(model, str) else model)


async def compute_score(
    data_source: str, solution_str: str, ground_truth: str, extra_info: Any = None, **more: Any
) -> dict[str, float]:
    """The reward of one completion in the format of verl (`custom_reward_function.name=compute_score`).

    Args:
        data_source: not looked at.
        solution_str: the completion.
        ground_truth: the id of its task.
        extra_info: `digest` of the task, if it is there, so that a task that has changed since is told; nothing else.
        more: not looked at.

    Returns `score`, `passed` and every component. Raises HarnessFault where there is no verdict, which is no 0.
    """
    digest = extra_info.get("digest") if isinstance(extra_info, Mapping) else None
    (verdict,) = await shared().averdicts([{"task": ground_truth, "digest": digest}], [solution_str])
    if verdict is None:
        raise HarnessFault(f"a completion of {ground_truth} could not be judged")
    return {"score": verdict.reward, "passed": float(verdict.passed), **verdict.components.model_dump()}


def _check(name: str) -> None:
    known = (WHOLE, *COMPONENTS, PAPER)
    if name not in known:
        raise UsageError(f"there is no reward {name!r}: choose one of {', '.join(known)}")


def _tasks(columns: Mapping[str, Any]) -> list[Record]:
    tasks = columns.get("task", columns.get("id"))
    if tasks is None or isinstance(tasks, str):
        raise UsageError(
            "a reward needs the task of every completion: give the data set a column `task` or `id` with ids such as "
            f"'lattice_constant/cu-mishin'; there is {', '.join(columns) or 'no column'}"
        )
    digests = columns.get("digest") or [None] * len(tasks)
    return [{"task": task, "digest": digest} if digest else task for task, digest in zip(tasks, digests, strict=True)]


def _values(name: str, verdicts: Sequence[Verdict | None], columns: Mapping[str, Any]) -> Values:
    if name != WHOLE:
        return [None if verdict is None else float(getattr(verdict.components, name)) for verdict in verdicts]
    if log_metric := columns.get("log_metric"):
        for key, value in means(verdicts).items():
            log_metric(f"physics/{key}", value)
    if log_extra := columns.get("log_extra"):
        log_extra("stage", [verdict.stage.value if verdict else "unscored" for verdict in verdicts])
        log_extra("reason", [verdict.reasons[0] if verdict and verdict.reasons else "" for verdict in verdicts])
    return [None if verdict is None else verdict.reward for verdict in verdicts]


physics = reward_function()
"""the reward of each completion, on the executor that the environment asks for"""
aphysics = areward_function()
"""the same as a coroutine function"""
paper = paper_function()
"""the paper's reward of each completion, by its stand-in"""
