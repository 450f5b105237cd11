"""What was wrong with a completion, in words that a writer of scripts can use and that do not tell the reference.

A verdict's reasons say how far a value is off and in which direction, which gives the reference away. Here that reason
is replaced by the fact alone; all others name only what the task says, what LAMMPS said, or what the run itself did.
"""

from __future__ import annotations

from mdevalbench.types import Verdict

MOST = 3
"""reasons that are told; the first ones matter most"""


def diagnosis(verdict: Verdict) -> str:
    """The first reasons as a list; empty if nothing was wrong."""
    return "\n".join(f"- {reason}" for reason in blind_reasons(verdict)[:MOST])


def blind_reasons(verdict: Verdict) -> tuple[str, ...]:
    """The reasons of a verdict without the reference value or the way to it; none if it passed."""
    return () if verdict.passed else tuple(dict.fromkeys(_told(reason, verdict) for reason in verdict.reasons))


def _told(reason: str, verdict: Verdict) -> str:
    if not _compares(reason):
        return reason
    observable = reason.partition(":")[0]
    measured = verdict.measured
    found = f" {measured.value:.6g} {measured.unit}" if measured is not None else ""
    return f"{observable}: the simulation gives{found}, which is not what a right one gives"


def _compares(reason: str) -> bool:
    """Whether a reason of the judge compares a measured value with the reference (`scorers.judge`)."""
    return ": measured " in reason and (", which is off by " in reason or ", which is above the bound of " in reason)
