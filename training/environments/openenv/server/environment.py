"""An episode: one task, and a model's attempts at it.

Failure policy. A completion is scored as earned. Where the harness failed, `step` raises, and the client gets an error
instead of an observation: there is no reward, no attempt is used up, and the same step may be sent again.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any
from uuid import uuid4

from openenv.core.env_server.interfaces import Environment

from mdevalbench.errors import HarnessFault, UsageError
from mdevalbench.scorers.rewards import Rewards
from mdevalbench.tasks import Task, load_task
from mdevalbench.tasks.chat import system_message
from mdevalbench.training.diagnosis import blind_reasons
from mdevalbench_openenv.models import ScriptAction, ScriptObservation, ScriptState


class ScriptEnvironment(Environment[ScriptAction, ScriptObservation, ScriptState]):
    """Asks for a LAMMPS script and rewards the physics that it simulates.

    Args:
        suite: name of the tasks, OpenEnv's split.
        tasks: what episodes are about.
        rewards: what judges, shared by all sessions.
        attempts: completions in an episode; it ends earlier with one that passes.
    """

    SUPPORTS_CONCURRENT_SESSIONS = True

    def __init__(self, suite: str, tasks: Sequence[Task], rewards: Rewards, attempts: int = 1) -> None:
        super().__init__()
        self.suite, self.tasks, self.rewards, self.attempts = suite, tasks, rewards, attempts
        self._state = ScriptState()

    @property
    def state(self) -> ScriptState:
        """Where the episode stands."""
        return self._state

    def reset(
        self,
        seed: int | None = None,
        episode_id: str | None = None,
        *,
        task: str | None = None,
        split: str | None = None,
        index: int | None = None,
        **unknown: Any,
    ) -> ScriptObservation:
        """Begin an episode with the task of an id, with that of a place in the suite, or with one drawn by `seed`.

        Raises UsageError if there is no such task, or if something else is asked for.
        """
        if unknown:
            raise UsageError(f"a reset knows task, split, index, seed and episode_id, not {', '.join(unknown)}")
        if task is not None:
            chosen = load_task(task)
        elif index is not None:
            chosen = self.tasks[self._place(split or self.suite, index)]
        else:
            chosen = random.Random(seed).choice(self.tasks)
        self._state = ScriptState(episode_id=episode_id or str(uuid4()), task=chosen.id, attempts_left=self.attempts)
        return ScriptObservation(
            task=chosen.id, system=system_message(), prompt=chosen.prompt, attempts_left=self.attempts
        )

    def step(self, action: ScriptAction, timeout_s: float | None = None, **more: Any) -> ScriptObservation:
        """Judge a completion. Raises UsageError outside an episode, HarnessFault where there is no verdict."""
        state = self._state
        if not state.attempts_left:
            raise UsageError("there is no episode, or it is over: reset first, and step over the same connection")
        (verdict,) = self.rewards.verdicts([state.task], [action.completion])
        if verdict is None:
            raise HarnessFault(f"a completion of {state.task} could not be judged: send it again")
        gain = max(verdict.reward - state.best, 0.0)
        state.best += gain
        state.step_count += 1
        state.attempts_left = 0 if verdict.passed else state.attempts_left - 1
        return ScriptObservation(
            task=state.task,
            attempts_left=state.attempts_left,
            score=verdict.reward,
            passed=verdict.passed,
            stage=verdict.stage.value,
            components=verdict.components.model_dump(),
            reasons=list(blind_reasons(verdict)),
            reward=gain,
            done=not state.attempts_left,
        )

    def list_splits(self) -> list[str]:
        """The suite, which is the only one."""
        return [self.suite]

    def num_tasks(self, split: str) -> int:
        """How many tasks there are."""
        return len(self.list_tasks(split))

    def list_tasks(self, split: str) -> list[dict[str, Any]]:
        """All tasks."""
        return self.get_task_range(split)

    def get_task(self, split: str, index: int) -> dict[str, Any]:
        """One task; its id may be given to `reset`."""
        task = self.tasks[self._place(split, index)]
        return {"id": task.id, "index": index, "family": task.family, "prompt": task.prompt}

    def get_task_range(self, split: str, start: int | None = None, stop: int | None = None) -> list[dict[str, Any]]:
        """Tasks from `start` up to, not including, `stop`."""
        self._place(split, 0)
        return [self.get_task(split, index) for index in range(len(self.tasks))[start:stop]]

    def _place(self, split: str, index: int) -> int:
        """The index, if there is such a task. Raises IndexError otherwise, as OpenEnv wants it."""
        if split != self.suite or not 0 <= index < len(self.tasks):
            raise IndexError(f"there is no task {index} of {split!r}: {self.suite!r} has {len(self.tasks)}")
        return index
