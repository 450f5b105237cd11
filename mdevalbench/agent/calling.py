"""The tool-calling loop: a model that can call tools works by itself, on Inspect's agent, with the same tools.

Inspect's `react` agent is the loop; ours are the tools, and the record, which is that of the fixed workflow.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from inspect_ai.agent import Agent as InspectAgent
from inspect_ai.agent import AgentPrompt, AgentSubmit, react, run
from inspect_ai.model import ChatMessage, ChatMessageAssistant, ChatMessageTool, ChatMessageUser
from inspect_ai.solver import TaskState
from inspect_ai.tool import Tool, ToolDef, ToolError
from inspect_ai.util import message_limit, time_limit, token_limit

from mdevalbench import __version__
from mdevalbench.agent.budget import Budget, Meter
from mdevalbench.agent.toolbox import Toolbox, told, tools
from mdevalbench.agent.trajectory import Call, Trajectory
from mdevalbench.errors import MDEvalBenchError, UsageError
from mdevalbench.extract import extract
from mdevalbench.tasks.chat import lammps_version, system_message
from mdevalbench.zoo.opening import in_words

PROMPT = """\
{usual}
You have tools: check a script before you run it, run it, and look at what is said of its physics. End the script by \
printing what was asked for, once, in the form print "RESULT name = ${{value}} unit". When it is sound, submit the \
whole script in one fenced code block."""
_FRAME = 2
"""messages before the first answer: of the system and of the user"""
_LIMITS = {
    "message": "the limit of {0.rounds} answers was reached",
    "token": "the limit of {0.tokens} tokens was reached",
    "time": "the limit of {0.seconds:g} seconds was reached",
}


async def call_tools(box: Toolbox, budget: Budget, state: TaskState) -> tuple[Trajectory, list[ChatMessage]]:
    """Let the model of the running sample answer the request of a toolbox; and the messages that were exchanged.

    The trajectory is put into the store of the sample too, also before an exception of the provider or the harness is
    raised. Tokens are counted after each answer, so that the last one may overshoot their limit.
    """
    meter = Meter(budget)
    box.cpu_seconds = budget.cpu_seconds
    limits = [message_limit(_FRAME + 2 * budget.rounds), token_limit(budget.tokens), time_limit(budget.seconds)]
    asked: list[ChatMessage] = [ChatMessageUser(content=box.request)]
    try:
        found, exceeded = await run(caller(box), asked, limits=limits)
    except Exception as error:  # providers raise whatever their packages raise
        ours = isinstance(error, MDEvalBenchError)
        words = str(error) if ours else f"{state.model} does not answer any more: {in_words(error)}"
        _record(box, budget, meter, state, Ended(words, failed=True))
        raise
    if exceeded:
        ended = Ended(_LIMITS[exceeded.type].format(budget), calls=_calls(found.messages))
    else:
        chosen = await _submitted(box, found.output.completion)
        ended = Ended("the model submitted a script", chosen, calls=_calls(found.messages))
    return _record(box, budget, meter, state, ended), found.messages


def caller(box: Toolbox) -> InspectAgent:
    """An agent that calls the tools of a toolbox until it submits a script."""
    prompt = AgentPrompt(instructions=PROMPT.format(usual=system_message()), assistant_prompt=None, handoff_prompt=None)
    submit = AgentSubmit(description="Submit the whole script, in one fenced code block.", answer_only=True)
    return react(prompt=prompt, tools=inspect_tools(box), submit=submit)


def inspect_tools(box: Toolbox) -> list[Tool]:
    """The tools of a toolbox as those of Inspect."""
    return [ToolDef(told(box, tool, ToolError), name=tool.__name__).as_tool() for tool in tools(box)]


class Ended(NamedTuple):
    """How a loop ended."""

    stopped: str
    chosen: int | None = None
    calls: tuple[Call, ...] = ()
    failed: bool = False


def _record(box: Toolbox, budget: Budget, meter: Meter, state: TaskState, ended: Ended) -> Trajectory:
    trajectory = Trajectory(
        request=box.request,
        model=str(state.model),
        mdevalbench=__version__,
        lammps=lammps_version(),
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        budget=budget,
        rounds=tuple(box.rounds),
        done=any(one.number == ended.chosen and one.sound for one in box.rounds),
        seconds=meter.seconds,
        further_tokens=state.token_usage,
        **ended._asdict(),
    )
    state.store.set("trajectory", trajectory.model_dump(mode="json"))
    return trajectory


async def _submitted(box: Toolbox, answer: str) -> int | None:
    """Number of the run of a submitted script, which is run now if it was not before; None if it cannot be."""
    script = extract(answer).script
    if script is None:
        return None
    known = [one.number for one in box.rounds if one.script is not None and one.script.split() == script.split()]
    if not known:
        try:
            await box.run_script(script)
        except UsageError:  # no CPU time is left
            return None
    return known[-1] if known else box.rounds[-1].number


def _calls(messages: Sequence[ChatMessage]) -> tuple[Call, ...]:
    """The tools that were called, and what they said."""
    said = {one.tool_call_id: one.text for one in messages if isinstance(one, ChatMessageTool)}
    made = [call for one in messages if isinstance(one, ChatMessageAssistant) for call in one.tool_calls or ()]
    return tuple(Call(tool=call.function, arguments=call.arguments, said=said.get(call.id, "")) for call in made)
