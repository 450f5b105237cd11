"""What goes over the wire."""

from __future__ import annotations

from openenv.core.env_server.types import Action, Observation, State
from pydantic import Field


class ScriptAction(Action):
    """A completion of a model, with a LAMMPS script in it."""

    completion: str = Field(description="The model's answer: one LAMMPS script in a fenced code block")


class ScriptObservation(Observation):
    """The task after a reset; what the judge says of a completion after a step.

    `reward` is what the completion gained over the best one of the episode before it, so that the rewards of an episode
    add up to the best score; with one attempt it is the score.
    """

    task: str
    """its id"""
    system: str = ""
    """what every model is told before the prompt; only after a reset"""
    prompt: str = ""
    """only after a reset"""
    attempts_left: int
    score: float | None = None
    """the reward of the judge for this completion alone, from 0 to 1"""
    passed: bool = False
    stage: str = ""
    components: dict[str, float] = {}
    """the rungs of the reward's ladder"""
    reasons: list[str] = []
    """why it earned no more, most important first; what a model needs to repair its script"""


class ScriptState(State):
    """Where an episode stands."""

    task: str = ""
    attempts_left: int = 0
    best: float = 0.0
    """highest score so far"""
