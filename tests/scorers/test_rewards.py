"""The judge as a reward: batches, in the order and with the columns that trainers use, on real LAMMPS."""

from __future__ import annotations

import asyncio
import math
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from mdevalbench import reward
from mdevalbench.errors import HarnessFault, TaskError, UsageError, WorkerFault
from mdevalbench.lammps.executor import Executor
from mdevalbench.lammps.job import Job, Run
from mdevalbench.lammps.pool import Pool
from mdevalbench.reward import COMPONENTS, Rewards, areward_function, reward_function
from mdevalbench.scorers.rewards import means
from mdevalbench.tasks import calibration, draw, load_task, render_reference, wrong

CU = "lattice_constant/cu-mishin"
ENDLESS = "```lammps\nlabel a\njump SELF a\n```"


class Watched(Executor):
    """The pool, with a note of every script of a model; one that holds `faulty` finds no worker that lives."""

    def __init__(self, pool: Pool) -> None:
        self.pool, self.unsafe, self.scripts = pool, pool.unsafe, list[str]()

    @property
    def workers(self) -> int:
        return self.pool.workers

    def run(self, job: Job, cancel: threading.Event | None = None) -> Run:
        if not job.unrestricted:
            self.scripts.append(job.script)
        if "faulty" in job.script:
            raise WorkerFault("a worker died")
        return self.pool.run(job, cancel)

    def close(self) -> None:
        self.pool.close()


@pytest.fixture(scope="module")
def pool() -> Iterator[Pool]:
    with Pool(2) as workers:
        yield workers


@pytest.fixture
def watched(pool: Pool) -> Watched:
    return Watched(pool)


def fenced(script: str) -> str:
    return f"```lammps\n{script}```\n"


@pytest.fixture(scope="module")
def right() -> str:
    return fenced(render_reference(load_task(CU)))


def test_a_batch_in_order_as_text_or_as_messages(watched: Watched, right: str) -> None:
    mistaken = fenced(next(v.script for v in wrong(load_task(CU)) if v.name == "whole_box"))
    answers = ["I cannot help.", right, mistaken, right]
    rewards = Rewards(watched)
    physics = reward_function(rewards=rewards)
    values = physics(prompts=["?"] * 4, completions=answers, task=[CU] * 4, unrelated=[1, 2, 3, 4])
    assert values == [0.0, 1.0, pytest.approx(0.85), 1.0]
    ran = len(watched.scripts)
    assert ran == 3  # the right one twice, in two worlds, and the mistaken one
    messages = [[{"role": "assistant", "content": answer}] for answer in answers]
    assert physics(completions=messages, id=[CU] * 4) == values
    assert reward_function("claim", rewards)(completions=answers, task=[CU] * 4) == [0.0, 1.0, 0.0, 1.0]
    assert len(watched.scripts) == ran  # every verdict was known


def test_components_are_those_of_the_verdict(watched: Watched, right: str) -> None:
    rewards = Rewards(watched)
    (verdict,) = rewards.verdicts([CU], [right])
    assert verdict is not None
    for name in COMPONENTS:
        value = getattr(verdict.components, name)
        assert reward_function(name, rewards)(completions=[right], task=[CU]) == [value]
    assert reward_function("executed", rewards).__name__ == "executed"
    with pytest.raises(UsageError, match="no reward 'executes': choose one of physics, found"):
        reward_function("executes")


async def test_coroutines_of_one_batch_share_its_verdicts(watched: Watched, right: str) -> None:
    rewards = Rewards(watched)
    functions = [areward_function(name, rewards) for name in ("physics", "executed", "claim")]
    found = await asyncio.gather(*(function(completions=[right], task=[CU]) for function in functions))
    assert found == [[1.0], [1.0], [1.0]]
    assert len(watched.scripts) == 2


def test_a_harness_fault_gives_none_and_is_tried_again(watched: Watched, right: str) -> None:
    logged: dict[str, Any] = {}
    rewards = Rewards(watched)
    faulty = fenced("# faulty\nrun 0\n")
    values = reward_function(rewards=rewards)(
        completions=[faulty, right], task=[CU] * 2, log_metric=logged.__setitem__, log_extra=logged.__setitem__
    )
    assert values == [None, 1.0]
    assert logged["physics/unscored"] == 0.5 and logged["physics/passed"] == 1.0 == logged["physics/executed"]
    assert logged["stage"] == ["unscored", "passed"]
    ran = len(watched.scripts)
    assert rewards.verdicts([CU], [faulty]) == [None]
    assert len(watched.scripts) == ran + 1


def test_a_batch_ends_in_time_and_the_rest_has_no_reward(watched: Watched) -> None:
    rewards = Rewards(watched, batch_seconds=0.5)
    values = rewards.verdicts([CU] * 6, ["no script", *(ENDLESS.replace(" a", f" a{n}") for n in range(5))])
    assert values[0] is not None and values[0].reward == 0.0
    assert values[1:] == [None] * 5
    with pytest.raises(UsageError, match="batch_seconds"):
        Rewards(batch_seconds=0)


def test_drawn_tasks_are_measured_where_they_are_new(
    watched: Watched, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    (task,) = draw("lattice_constant", 4711, 1)
    assert task.reference is None
    row = {"id": task.id, "prompt": task.prompt}
    (verdict,) = Rewards(watched).verdicts([row], [fenced(render_reference(task))])
    assert verdict is not None and verdict.passed


class Held(Watched):
    """Holds the scripts that make references until it is told to go on."""

    def __init__(self, pool: Pool) -> None:
        super().__init__(pool)
        self.held, self.go_on = threading.Event(), threading.Event()

    def run(self, job: Job, cancel: threading.Event | None = None) -> Run:
        if "makes a reference" in job.script:
            self.held.set()
            assert self.go_on.wait(60)
        return super().run(job, cancel)


def test_while_a_reference_is_measured_other_tasks_are_judged(
    pool: Pool, right: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(
        calibration, "render_reference", lambda *given: f"# makes a reference\n{render_reference(*given)}"
    )
    (task,) = draw("lattice_constant", 4712, 1)
    executor = Held(pool)
    rewards = Rewards(executor)
    answer = fenced(render_reference(task))
    with ThreadPoolExecutor(3) as threads:
        new = [threads.submit(rewards.verdicts, [task.id], [answer]) for _ in range(2)]
        try:
            assert executor.held.wait(60)
            other = threads.submit(rewards.verdicts, [CU], [right]).result(60)
            assert threads.submit(lambda: rewards.waiting).result(60) == 0  # what /health asks for
            assert not any(future.done() for future in new)
        finally:
            executor.go_on.set()
    assert [v and v.passed for v in other + new[0].result() + new[1].result()] == [True] * 3
    assert sum("makes a reference" in script for script in executor.scripts) == 1  # measured once for both


def test_what_a_data_set_may_get_wrong(watched: Watched) -> None:
    rewards = Rewards(watched)
    with pytest.raises(TaskError, match=r"did you mean 'lattice_constant/cu-mishin'"):
        rewards.verdicts(["lattice_constant/cu-mishim"], ["x"])
    with pytest.raises(UsageError, match="2 tasks for 1 completions"):
        rewards.verdicts([CU, CU], ["x"])
    with pytest.raises(UsageError, match="`task` or `id`; this one has prompt"):
        rewards.verdicts([{"prompt": "?"}], ["x"])
    with pytest.raises(UsageError, match=r"a column `task` or `id`.*there is label"):
        reward_function(rewards=rewards)(completions=["x"], label=["y"])
    with pytest.raises(TaskError, match="has changed since this row was written"):
        rewards.verdicts([{"task": CU, "digest": "0"}], ["x"])


def test_means_of_nothing() -> None:
    assert means([])["unscored"] == 0.0
    assert math.isnan(means([None])["reward"]) and means([None])["unscored"] == 1.0


async def test_the_format_of_verl(pool: Pool, right: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reward, "shared", lambda: Rewards(Watched(pool)))
    found = await reward.compute_score("md-evalbench", right, CU, extra_info={"split": "train"})
    assert found["score"] == found["passed"] == found["closeness"] == 1.0
    with pytest.raises(HarnessFault, match="could not be judged"):
        await reward.compute_score("md-evalbench", fenced("# faulty\nrun 0\n"), CU)
