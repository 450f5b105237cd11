"""A spending limit for a whole run, kept in a ledger file so that it holds across interruptions.

An answer has its price only when it is there, so that a run overshoots by at most the answers under way at once.
"""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import anyio
from inspect_ai.model import ModelUsage

from mdevalbench.errors import UsageError


class BudgetSpent(UsageError):
    """The spending limit is reached: remaining tasks are not asked. Run again with a higher limit to go on."""


@dataclass
class Budget:
    """Dollars spent on model calls, appended to `ledger` one call per line."""

    limit: float
    ledger: Path
    at_once: int
    """how many answers may be under way"""
    turns: anyio.Semaphore = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self.turns = anyio.Semaphore(self.at_once)

    @property
    def spent(self) -> float:
        """Dollars, over all runs that shared the ledger."""
        return math.fsum(map(float, self.ledger.read_text().split())) if self.ledger.exists() else 0.0

    def add(self, dollars: float) -> None:
        """Note a call."""
        with self.ledger.open("a") as file:
            file.write(f"{dollars!r}\n")


_current: Budget | None = None


@contextmanager
def spending(budget: Budget | None) -> Iterator[None]:
    """Apply a budget to every model call of the evaluations inside (they run in this process)."""
    global _current
    _current = budget
    try:
        yield
    finally:
        _current = None


@asynccontextmanager
async def turn() -> AsyncIterator[None]:
    """Wait until a question may be asked. Raises BudgetSpent if the limit is reached; without a budget does nothing."""
    if _current is None:
        yield
        return
    async with _current.turns:
        if _current.spent >= _current.limit:
            raise BudgetSpent(
                f"${_current.spent:.4f} of at most ${_current.limit:.4f} are spent; raise --max-cost to go on"
            )
        yield


def add(usage: ModelUsage | None) -> None:
    """Note the cost of an answer."""
    if _current is not None and usage is not None and usage.total_cost is not None:
        _current.add(usage.total_cost)
