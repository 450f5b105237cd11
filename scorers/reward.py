"""The reward ladder: what a verdict is worth to a learner, from 0 to 1.

Each rung counts only above the ones before it. An empty or do-nothing script stays at or below 0.05; 1 is reached only
when a script passes. No model judges, and nothing in the text of a script counts.
"""

from __future__ import annotations

import math

from mdevalbench.types import Components

FOUND, ACCEPTED, STARTED = 0.02, 0.05, 0.10
"""reward on reaching a rung"""
EXECUTED, CONDITIONS, CLOSENESS, CLAIM = 0.15, 0.30, 0.30, 0.15
"""further reward for a rung, in proportion to its component"""
NEARLY = 0.95
"""most that a script can earn which does not pass"""


def closeness(deviation: float, tolerance: float) -> float:
    """1 within tolerance; beyond it 1 / (1 + log10(deviation / tolerance)), which still slopes far away.

    A deviation that is not finite gives 0.
    """
    if not math.isfinite(deviation):
        return 0.0
    if deviation <= tolerance:
        return 1.0
    return 1.0 / (1.0 + math.log10(deviation / max(tolerance, 1e-300)))


def reward(components: Components, passed: bool) -> float:
    """Sum of the ladder's rungs, rounded to 4 decimals."""
    if passed:
        return 1.0
    c = components
    if c.started <= 0:
        return ACCEPTED if c.accepted > 0 else FOUND if c.found > 0 else 0.0
    earned = STARTED + EXECUTED * c.executed + c.executed * CONDITIONS * c.conditions
    if c.conditions > 0:
        earned += CLOSENESS * c.conditions * c.closeness
    if c.conditions >= 1 and c.closeness >= 1:
        earned += CLAIM * c.claim
    return round(min(earned, NEARLY), 4)
