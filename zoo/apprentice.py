"""`mdevalbench/apprentice`: makes a typical mistake first, and then follows advice to the letter.

A scripted model for the agent runtime. It knows the benchmark's own scripts by heart, which it takes for prompts of
tasks and for requests of the same kind, else the generic script of `mdevalbench/template`. What it writes first has one
mistake in it, fixed by the prompt; whatever it is told afterwards, it makes the change that is suggested as a diff, and
without one it says the same again. What a runtime is worth to it is what the runtime's advice is worth.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Sequence
from functools import cache

from inspect_ai.model import ChatMessage, ChatMessageAssistant, ChatMessageTool, ChatMessageUser
from inspect_ai.tool import ToolCall

from mdevalbench.extract import extract
from mdevalbench.tasks import Task, family_names, load_family, render_reference
from mdevalbench.zoo.template import write_script

_MISTAKES = (
    (r"^pair_coeff\b", "pair_coefs"),
    (r"^minimize\b", "minimise"),
    (r"^velocity\b", "velocities"),
    (r"^timestep(\s+\S+)", r"timestep\1 ps"),
    (r"^(pair_style\s+)eam/alloy", r"\1eam-alloy"),
    (r"^(pair_style\s+)lj/cut\b", r"\1lj-cut"),
    (r"^(fix\s+\S+) all (nv[et]|npt)\b", r"\1 \2"),
    (r"^create_atoms\b", "create_atom"),
    (r"^(thermo_style\s+custom\s.*)\btemp\b", r"\1temperature"),
    (r"^(fix\s+\S+\s+\S+\s+nvt) temp\b", r"\1"),
    (r"^#", "//"),
)
"""patterns on a line, and what a beginner writes instead"""
_DIFF = re.compile(r"```diff\n(.*?)```", re.DOTALL)
_HUNK = re.compile(r"^@@ -(\d+)(?:,(\d+))? \+\d+(?:,\d+)? @@")


def reply(conversation: Sequence[ChatMessage]) -> str:
    """What it answers to a conversation."""
    asked = [message.text for message in conversation if isinstance(message, ChatMessageUser)]
    said = [message.text for message in conversation if isinstance(message, ChatMessageAssistant)]
    if not asked:
        return ""
    if not said:
        return _fenced(with_mistake(known_script(asked[0]), asked[0]))
    script = extract(said[-1]).script or ""
    return _fenced(patched(script, asked[-1]))


def next_step(conversation: Sequence[ChatMessage], tools: Collection[str]) -> ToolCall | None:
    """The tool that it calls next, where it is offered tools: it checks, runs, and submits what ran."""
    asked = next((message.text for message in conversation if isinstance(message, ChatMessageUser)), "")
    results = [message for message in conversation if isinstance(message, ChatMessageTool)]
    number = f"call-{len(results)}"
    if not results:
        script = with_mistake(known_script(asked), asked)
        return ToolCall(id=number, function="check_script", arguments={"script": script})
    call = next(
        call
        for message in reversed(conversation)
        if isinstance(message, ChatMessageAssistant)
        for call in message.tool_calls or ()
    )
    script, said = str(call.arguments.get("script", "")), results[-1].text
    better = patched(script, said)
    if better == script and call.function == "run_script":
        answer = ToolCall(id=number, function="submit", arguments={"answer": _fenced(script)})
        return answer if "submit" in tools else None
    return ToolCall(id=number, function="run_script", arguments={"script": better})


def known_script(request: str) -> str:
    """The script that it knows for a request, without a mistake."""
    task = _tasks_by_prompt().get(request.strip()) or _alike(request)
    return render_reference(task) if task else write_script(request)


def with_mistake(script: str, request: str) -> str:
    """The script with the first mistake that fits, in an order that the request decides."""
    first = int(hashlib.sha256(request.encode()).hexdigest(), 16) % len(_MISTAKES)
    for pattern, instead in (*_MISTAKES[first:], *_MISTAKES[:first]):
        changed, count = re.subn(pattern, instead, script, count=1, flags=re.MULTILINE)
        if count:
            return changed
    return script


def patched(script: str, advice: str) -> str:
    """The script after the unified diffs in an advice; hunks without context, as the runtime writes them."""
    lines = script.split("\n")
    for block in _DIFF.findall(advice):
        for place, old, new in reversed(_hunks(block)):
            if lines[place : place + len(old)] == old:
                lines[place : place + len(old)] = new
    return "\n".join(lines)


def _hunks(block: str) -> list[tuple[int, list[str], list[str]]]:
    """(index of the first line, lines that go, lines that come)"""
    found: list[tuple[int, list[str], list[str]]] = []
    for line in block.split("\n"):
        if head := _HUNK.match(line):
            place, count = int(head[1]), int(head[2] or 1)
            found.append((place - 1 if count else place, [], []))
        elif found and line[:1] in ("-", "+"):
            _, old, new = found[-1]
            (old if line[0] == "-" else new).append(line[1:])
    return found


@cache
def _tasks_by_prompt() -> dict[str, Task]:
    return {task.prompt.strip(): task for name in family_names() for task in load_family(name)}


def _alike(request: str) -> Task | None:
    """The task of the same quantity and the same substance, if there is one."""
    words = request.lower()
    for task in _tasks_by_prompt().values():
        quantity = task.family.replace("_", " ").removeprefix("self ")
        named = quantity in words or quantity.rstrip("s") in words
        if named and any(re.search(rf"\b{re.escape(one.lower())}\b", words) for one in _substances(task)):
            return task
    return None


def _substances(task: Task) -> tuple[str, ...]:
    """What a task's substance is called."""
    from ase.data import atomic_names, atomic_numbers

    symbol = task.id.partition("/")[2].partition("-")[0].capitalize()
    return (atomic_names[atomic_numbers[symbol]], symbol) if symbol in atomic_numbers else (symbol,)


def _fenced(script: str) -> str:
    return f"```lammps\n{script.rstrip()}\n```\n"
