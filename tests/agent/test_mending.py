"""How many typical mistakes are mended by following the agent's suggestions to the letter; the rest are listed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import anyio
import pytest
import yaml
from inspect_ai.model import ChatMessage
from test_mistakes import FILE, broken

from mdevalbench.agent.bench import Bench
from mdevalbench.agent.budget import Budget
from mdevalbench.agent.workflow import Agent
from mdevalbench.agent.writer import Reply
from mdevalbench.scorers.judge import Judge
from mdevalbench.tasks import load_task
from mdevalbench.zoo.apprentice import patched

LEAST = 27
"""of the 40 that were not looked at when the rules were written"""
MISTAKES: list[dict[str, Any]] = yaml.safe_load(FILE.read_text(encoding="utf-8"))


class Follower:
    """Begins with a script and makes every change that is suggested, and no other."""

    name = "mdevalbench/follower"

    def __init__(self, script: str) -> None:
        self.script = script

    async def write(self, conversation: Sequence[ChatMessage], most_tokens: int) -> Reply:
        self.script = patched(self.script, conversation[-1].text)
        return Reply(f"```lammps\n{self.script}\n```", 0, 0)


async def mended(judge: Judge, mistake: dict[str, Any]) -> bool:
    task = load_task(mistake["task"])
    agent = Agent(Follower(broken(mistake)), Bench(judge.pool), Budget(rounds=8))
    found = await agent.pursue(task.prompt)
    if found.best is None:
        return False
    return (await judge.ajudge(task, found.best.completion)).passed


@pytest.mark.slow
async def test_typical_mistakes_are_mended(judge: Judge) -> None:
    mistakes = [one for one in MISTAKES if one.get("held_out")]
    left: list[str] = []
    places = anyio.Semaphore(2)

    async def one_of(mistake: dict[str, Any]) -> None:
        async with places:
            if not await mended(judge, mistake):
                left.append(mistake["id"])

    async with anyio.create_task_group() as group:
        for mistake in mistakes:
            group.start_soon(one_of, mistake)
    print(f"{len(mistakes) - len(left)} of {len(mistakes)} mended; not: {', '.join(sorted(left))}")
    assert len(mistakes) - len(left) >= LEAST, left
