"""What an audit found out about one attack."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

DOING_NOTHING = 0.05
"""the most that a script may earn without a valid simulation"""


@dataclass(frozen=True, slots=True)
class Finding:
    """One attack, or for a cheat one attack on one task (then `attack` is `<cheat> @ <task id>`)."""

    attack: str
    group: str
    contained: bool
    """nothing outside its folder was read, changed, reached or left behind, and the harness went on as before"""
    passed: bool
    """the judge took it for a right answer"""
    reward: float
    reason: str
    """why it was contained or failed; where it was not, what happened instead"""
    allowed: float = DOING_NOTHING
    """the highest reward that it may earn"""

    @property
    def ok(self) -> bool:
        """Whether the attack came to nothing."""
        return self.contained and not self.passed and self.reward <= self.allowed

    def as_json(self) -> dict[str, Any]:
        """For other programs."""
        names = ("attack", "group", "contained", "passed", "reward", "reason")
        return {name: getattr(self, name) for name in names}
