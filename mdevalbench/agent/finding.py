"""What the evaluator says of a run: one sentence each, and whether it speaks for or against the run."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from mdevalbench.agent.difference import suggested


class State(StrEnum):
    """How a check ended."""

    FINE = "fine"
    DOUBT = "doubt"
    """should be better, and may do"""
    WRONG = "wrong"
    """has to be mended"""
    UNKNOWN = "unknown"
    """could not be checked"""


@dataclass(frozen=True, slots=True)
class Finding:
    """One check of a run."""

    check: str
    """what was looked at, in a word or two"""
    state: State
    words: str
    """what was found, with numbers and units"""
    mended: str = ""
    """the script with a suggested change; empty without one"""

    def told(self, script: str) -> str:
        """All of it as text, the suggestion as a unified diff."""
        return f"{self.check}: {self.words}{suggested(script, self.mended)}"


def fine(check: str, words: str) -> Finding:
    """As it should be."""
    return Finding(check, State.FINE, words)


def doubt(check: str, words: str) -> Finding:
    """Should be better, and may do."""
    return Finding(check, State.DOUBT, words)


def wrong(check: str, words: str) -> Finding:
    """Has to be mended."""
    return Finding(check, State.WRONG, words)


def unknown(check: str, words: str) -> Finding:
    """Could not be checked."""
    return Finding(check, State.UNKNOWN, words)
