"""Everything that an agent did for one request, as data."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from mdevalbench.agent.budget import Budget
from mdevalbench.agent.finding import Finding, State
from mdevalbench.agent.pictures import View
from mdevalbench.agent.problem import Problem
from mdevalbench.types import Record


class Reached(StrEnum):
    """How far a round came."""

    ANSWER = "answer"
    """no script was found in it"""
    CHECK = "check"
    """the static check objected"""
    START = "start"
    """LAMMPS stopped before the first loop"""
    RUN = "run"
    """the run did not come to its end"""
    EVALUATION = "evaluation"
    """the run came to its end and was looked at"""


class Round(Record):
    """One answer of the model, and what became of it."""

    number: int
    """from 1"""
    completion: str
    script: str | None
    files: dict[str, str] = {}
    """further files of the answer that the script reads"""
    reached: Reached
    problems: tuple[Problem, ...] = ()
    findings: tuple[Finding, ...] = ()
    told: str = ""
    """what the model was told about it; empty if that was the end"""
    result: str = ""
    """the last line `RESULT ...` that the script printed"""
    output: str = ""
    """of LAMMPS, its end"""
    series: dict[str, tuple[float, ...]] = {}
    """time, temperature, pressure, potential energy per atom and volume per atom along the run, in the script's units,
    for pictures"""
    units: str = ""
    """unit style of the script"""
    structure: View | None = None
    """the state at the end of the run, for a picture"""
    input_tokens: int = 0
    output_tokens: int = 0
    seconds: float = 0.0
    """wall time of model and runs together"""
    cpu_seconds: float = 0.0
    """of LAMMPS"""

    @property
    def sound(self) -> bool:
        """Whether it ran to its end, and nothing was found wrong."""
        ran = self.reached is Reached.EVALUATION and not self.problems
        return ran and all(one.state is not State.WRONG for one in self.findings)

    @property
    def rank(self) -> tuple[bool, int, int]:
        """What makes a round better than another: to be looked at, then fewer wrong and fewer doubtful findings."""
        wrong, doubts = (sum(one.state is state for one in self.findings) for state in (State.WRONG, State.DOUBT))
        return self.reached is Reached.EVALUATION, -wrong - len(self.problems), -doubts


class Call(Record):
    """A tool that a model called."""

    tool: str
    arguments: dict[str, Any]
    said: str
    """what the tool answered"""


class Trajectory(Record):
    """A request from its beginning to its end."""

    request: str
    model: str
    mdevalbench: str
    lammps: str
    created: str
    """ISO 8601"""
    budget: Budget
    rounds: tuple[Round, ...]
    calls: tuple[Call, ...] = ()
    """of tools, where the model works by itself; the rounds are then its runs"""
    chosen: int | None = None
    """number of the round whose script the model submitted, where it does so"""
    further_tokens: int = 0
    """read and written, and counted with no round"""
    stopped: str
    """why it ended, in words"""
    done: bool
    """the last script ran, and nothing was found wrong with it"""
    failed: bool = False
    """the model's provider or the harness failed, so that the outcome says nothing of the model"""
    seconds: float

    @property
    def best(self) -> Round | None:
        """The round to keep: the chosen, else the best, of equal ones the last; None if no answer held a script."""
        scripts = [one for one in self.rounds if one.script is not None and self.chosen in (None, one.number)]
        return max(scripts, key=lambda one: (*one.rank, one.number), default=None)

    @property
    def tokens(self) -> int:
        """Read and written by the model."""
        return self.further_tokens + sum(one.input_tokens + one.output_tokens for one in self.rounds)

    @property
    def cpu_seconds(self) -> float:
        """Of LAMMPS."""
        return sum(one.cpu_seconds for one in self.rounds)
