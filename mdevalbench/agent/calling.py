"""The tool-calling loop: a model that can call tools works by itself, on Inspect's agent, with the same tools.

Inspect's `react` agent is the loop; ours are the tools, and the record, which is that of the fixed workflow.
"""

from __future__ import annotations

from inspect_ai.agent import Agent as InspectAgent
from inspect_ai.agent import AgentPrompt, AgentSubmit, react
from inspect_ai.tool import Tool, ToolDef, ToolError

from mdevalbench.agent.toolbox import Toolbox, told, tools
from mdevalbench.tasks.chat import system_message

PROMPT = """\
{usual}
You have tools: check a script before you run it, run it, and look at what is said of its physics. End the script by \
printing what was asked for, once, in the form print "RESULT name = ${{value}} unit". When it is sound, submit the \
whole script in one fenced code block."""


def caller(box: Toolbox) -> InspectAgent:
    """An agent that calls the tools of a toolbox until it submits a script."""
    prompt = AgentPrompt(instructions=PROMPT.format(usual=system_message()), assistant_prompt=None, handoff_prompt=None)
    submit = AgentSubmit(description="Submit the whole script, in one fenced code block.", answer_only=True)
    return react(prompt=prompt, tools=inspect_tools(box), submit=submit)


def inspect_tools(box: Toolbox) -> list[Tool]:
    """The tools of a toolbox as those of Inspect."""
    return [ToolDef(told(tool, ToolError), name=tool.__name__).as_tool() for tool in tools(box)]
