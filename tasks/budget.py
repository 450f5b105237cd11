"""A spending limit for a whole run, kept in a ledger file so that it holds across interruptions."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from inspect_ai.model import ModelUsage

from mdevalbench.errors import UsageError


class BudgetSpent(UsageError):
    """The spending limit is reached: remaining tasks are not asked. Run again with a higher limit to go on."""


@dataclass
class Budget:
    """Dollars spent on model calls, appended to `ledger` one call per line."""

    limit: float
    ledger: Path

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


def check() -> None:
    """Raise BudgetSpent if nothing more may be spent. Answers on their way are still paid: a run overshoots by
    those."""
    if _current is not None and _current.spent >= _current.limit:
        raise BudgetSpent(
            f"${_current.spent:.4f} of at most ${_current.limit:.4f} are spent; raise --max-cost to go on"
        )


def add(usage: ModelUsage | None) -> None:
    """Note the cost of an answer."""
    if _current is not None and usage is not None and usage.total_cost is not None:
        _current.add(usage.total_cost)
