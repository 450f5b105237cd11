"""Ways of answering a task, as Inspect solvers: `mdevalbench eval --solver direct | mdagent1 | mdagent`.

- `direct`: one answer.
- `mdagent1`: a plan, a script by it, a critical look at the script; nothing is run (after MDAgent, the older system).
- `mdagent_tools`: a model that calls tools works by itself, until it submits a script or a limit is reached.
- `mdagent`: the fixed workflow of this package: write, check, run, look at the physics, mend.

An agent sees what a user would see, the prompt of the task; the reference, its tolerance and the wrong scripts are
nowhere in its reach. The script that it ends with is judged like any other answer.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

from inspect_ai.model import ChatMessage, ChatMessageAssistant, ChatMessageUser, ModelOutput, get_model
from inspect_ai.solver import Generate, Solver, TaskState, solver

from mdevalbench.agent.bench import Bench
from mdevalbench.agent.budget import Budget
from mdevalbench.agent.calling import call_tools
from mdevalbench.agent.toolbox import Toolbox
from mdevalbench.agent.trajectory import Trajectory
from mdevalbench.agent.workflow import Agent, opening
from mdevalbench.agent.writer import InspectWriter
from mdevalbench.errors import HarnessFault
from mdevalbench.scorers.inspect import shared_judge
from mdevalbench.tasks import budget as spending
from mdevalbench.tasks import given_files
from mdevalbench.tasks.inspect_tasks import answer

PLAN = (
    "Do not write the script yet. Plan the simulation first: system and size, potential, units, ensemble, steps, what "
    "is averaged, and how the result follows from it. Be brief."
)
WRITE = "Now write the whole script by this plan, in one fenced code block."
REVIEW = (
    "Look at your script as a critical colleague would: commands that LAMMPS does not have, missing arguments, wrong "
    "units, too few steps, a result that does not follow from the run. Answer with the whole script, corrected where "
    "needed, in one fenced code block."
)


@solver
def direct() -> Solver:
    """One answer."""
    return answer()


@solver
def mdagent1() -> Solver:
    """A plan, a script, and a corrected script: three answers, and nothing is run."""

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        for request in (PLAN, WRITE, REVIEW):
            state.messages.append(ChatMessageUser(content=request))
            async with spending.turn():
                state = await generate(state)
                spending.add(state.output.usage)
        return state

    return solve


@solver
def mdagent(rounds: int = 3, tokens: int = 200_000, seconds: float = 1800.0, cpu_seconds: float = 600.0) -> Solver:
    """The fixed workflow; see `mdevalbench.agent.budget.Budget` for its limits."""
    budget = Budget(rounds=rounds, tokens=tokens, seconds=seconds, cpu_seconds=cpu_seconds)

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        agent = Agent(InspectWriter(get_model()), Bench(shared_judge().pool, _given(state)), budget)
        found = await agent.pursue(_request(state.input))
        state.store.set("trajectory", found.model_dump(mode="json"))
        if found.failed:
            raise HarnessFault(found.stopped)  # and never a script to be judged
        best = found.best or (found.rounds[-1] if found.rounds else None)
        completion = best.completion if best else ""
        state.messages = _messages(found)
        state.output = ModelOutput.from_content(str(state.model), completion)
        return state

    return solve


@solver
def mdagent_tools(
    rounds: int = 15, tokens: int = 200_000, seconds: float = 1800.0, cpu_seconds: float = 600.0
) -> Solver:
    """The tool-calling loop, of at most so many answers that call a tool."""
    budget = Budget(rounds=rounds, tokens=tokens, seconds=seconds, cpu_seconds=cpu_seconds)

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        with tempfile.TemporaryDirectory() as folder:
            box = Toolbox(shared_judge().pool, Path(folder), _request(state.input), _given(state))
            found, state.messages = await call_tools(box, budget, state)
        state.output = ModelOutput.from_content(str(state.model), found.best.completion if found.best else "")
        return state

    return solve


def _given(state: TaskState) -> dict[str, str]:
    """Files that come with a task."""
    return given_files(str(state.sample_id)) if state.metadata.get("family") else {}


def _request(given: str | Sequence[ChatMessage]) -> str:
    """What the user of an evaluation says."""
    if isinstance(given, str):
        return given
    return "\n\n".join(message.text for message in given if isinstance(message, ChatMessageUser))


def _messages(found: Trajectory) -> list[ChatMessage]:
    """The whole exchange, in its order."""
    exchange = opening(found.request)
    for one in found.rounds:
        exchange.append(ChatMessageAssistant(content=one.completion))
        if one.told:
            exchange.append(ChatMessageUser(content=one.told))
    return exchange
