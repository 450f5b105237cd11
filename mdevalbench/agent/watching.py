"""How those who wait for an agent learn what it does."""

from __future__ import annotations

from collections.abc import Callable

Watch = Callable[[int, str], None]
"""called with the number of an answer, or of the call of a tool, and what happens"""


def unwatched(number: int, what: str) -> None:
    """Nobody waits."""
