"""What an agent may spend, and what it has spent: rounds, tokens, wall time, CPU time of LAMMPS."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from pydantic import Field

from mdevalbench.types import Record


class Budget(Record):
    """Limits of one request. The model is not asked, and nothing is run, once one of them is reached."""

    rounds: int = Field(5, ge=1)
    """answers of the model"""
    tokens: int = Field(200_000, ge=1)
    """read and written by the model, all rounds together"""
    seconds: float = Field(1800.0, gt=0)
    """wall time from the request to the last result"""
    cpu_seconds: float = Field(600.0, gt=0)
    """of LAMMPS, all runs together"""


@dataclass
class Meter:
    """What has been spent of a budget."""

    budget: Budget
    rounds: int = 0
    tokens: int = 0
    cpu_seconds: float = 0.0
    begin: float = field(default_factory=time.monotonic)

    @property
    def seconds(self) -> float:
        """Wall time since the beginning."""
        return time.monotonic() - self.begin

    @property
    def seconds_left(self) -> float:
        """Wall time that is left, 0 or more."""
        return max(0.0, self.budget.seconds - self.seconds)

    @property
    def tokens_left(self) -> int:
        """Tokens that are left, 0 or more."""
        return max(0, self.budget.tokens - self.tokens)

    @property
    def cpu_left(self) -> float:
        """CPU seconds that are left, 0 or more."""
        return max(0.0, self.budget.cpu_seconds - self.cpu_seconds)

    def exhausted(self) -> str | None:
        """Which limit is reached, in words; None if none is."""
        spent = {
            f"the limit of {self.budget.rounds} answers": self.rounds >= self.budget.rounds,
            f"the limit of {self.budget.tokens} tokens": self.tokens_left == 0,
            f"the limit of {self.budget.seconds:g} seconds": self.seconds_left == 0.0,
            f"the limit of {self.budget.cpu_seconds:g} CPU seconds of LAMMPS": self.cpu_left == 0.0,
        }
        return next((what for what, reached in spent.items() if reached), None)
