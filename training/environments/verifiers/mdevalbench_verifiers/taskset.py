"""The benchmark as a taskset of verifiers: the judge gives the reward, and this module only hands things on.

Failure policy. A completion is rewarded as earned. Where the harness failed, scoring raises, and verifiers records a
`TaskError` on the trace: its reward stays null, it counts as failed, and `retries` of the agent run it again.
"""

from __future__ import annotations

from collections.abc import Iterator

import verifiers.v1 as vf

from mdevalbench.errors import HarnessFault
from mdevalbench.reward import shared
from mdevalbench.tasks import load_suite, load_task, render_reference
from mdevalbench.tasks.chat import system_message
from mdevalbench.types import Verdict


class ScriptData(vf.TaskData):
    """A task that asks for a LAMMPS script; `id` is that of MD-EvalBench."""

    id: str
    family: str


class ScriptTask(vf.Task[ScriptData]):
    """Rewards the last reply of the model for the physics that its script simulates."""

    @vf.reward
    async def physics(self, trace: vf.Trace) -> float:
        """The reward of the judge, from 0 to 1."""
        return (await self._verdict(trace.last_reply)).reward

    @vf.metric
    async def components(self, trace: vf.Trace) -> dict[str, float]:
        """The rungs of the reward's ladder, and whether the script passed; reasons are kept in the trace's `info`."""
        verdict = await self._verdict(trace.last_reply)
        trace.info |= {"stage": verdict.stage.value, "reasons": list(verdict.reasons)}
        return {**verdict.components.model_dump(), "passed": float(verdict.passed)}

    async def validate(self, runtime: vf.Runtime) -> bool:
        """Whether the reference script earns 1 and an empty answer 0."""
        script = render_reference(load_task(self.data.id))
        reference = await self._verdict(f"```lammps\n{script}\n```")
        return reference.reward == 1 and (await self._verdict("")).reward == 0

    async def _verdict(self, completion: str) -> Verdict:
        """What the judge says; asked twice, it judges once. Raises HarnessFault if it cannot say."""
        (verdict,) = await shared().averdicts([self.data.id], [completion])
        if verdict is None:
            raise HarnessFault(f"a completion of {self.data.id} could not be judged")
        return verdict


class ScriptConfig(vf.TasksetConfig):
    """Which tasks: a suite as it is written down, or one that a seed draws (`suite = "codegen-train"`)."""

    suite: str = "codegen"
    family: str | None = None
    """only this one"""
    seed: int | str | None = None
    """of a suite that is drawn: a number; a sealed one stands in the environment variable MDEVALBENCH_SEAL instead"""
    count: int | None = None
    """tasks of a suite that is drawn"""


class ScriptTaskset(vf.Taskset[ScriptTask, ScriptConfig]):
    """Tasks of MD-EvalBench."""

    def load(self) -> Iterator[ScriptTask]:
        """The tasks of the suite, each with the system message that every model is told."""
        chosen, system = self.config, system_message()
        for task in load_suite(chosen.suite, chosen.family, seed=chosen.seed, count=chosen.count):
            data = ScriptData(id=task.id, name=task.id, family=task.family, prompt=task.prompt, system_prompt=system)
            yield ScriptTask(data, chosen.task)
