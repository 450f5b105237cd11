"""The typed client; `openenv.GenericEnvClient` does the same with dictionaries and without this package."""

from __future__ import annotations

from typing import Any

from openenv.core import EnvClient
from openenv.core.client_types import StepResult

from mdevalbench_openenv.models import ScriptAction, ScriptObservation, ScriptState


class ScriptEnv(EnvClient[ScriptAction, ScriptObservation, ScriptState]):
    """A session with a server. Give it `message_timeout_s`, as long as a script may take."""

    def _step_payload(self, action: ScriptAction) -> dict[str, Any]:
        return action.model_dump()

    def _parse_result(self, payload: dict[str, Any]) -> StepResult[ScriptObservation]:
        reward, done = payload.get("reward"), payload.get("done", False)
        observation = ScriptObservation(**payload["observation"], reward=reward, done=done)
        return StepResult(observation=observation, reward=reward, done=done)

    def _parse_state(self, payload: dict[str, Any]) -> ScriptState:
        return ScriptState(**payload)
