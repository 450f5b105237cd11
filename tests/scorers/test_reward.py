"""The shape of the reward ladder."""

from __future__ import annotations

import itertools
import math

import pytest

from mdevalbench.scorers.reward import closeness, reward
from mdevalbench.types import Components

RUNGS = ("found", "accepted", "started", "executed", "conditions", "closeness", "claim")


def climbed(number: int, last: float = 1.0) -> Components:
    """The first `number` rungs at 1, the next one at `last`."""
    values = dict.fromkeys(RUNGS[:number], 1.0)
    if number < len(RUNGS):
        values[RUNGS[number]] = last
    return Components(**values)


def test_every_rung_adds_and_only_passing_earns_one() -> None:
    earned = [reward(climbed(n, 0.0), passed=False) for n in range(len(RUNGS) + 1)]
    assert earned == [0.0, 0.02, 0.05, 0.10, 0.25, 0.55, 0.85, 0.95]
    assert reward(climbed(7), passed=True) == 1.0


def test_a_rung_counts_only_above_the_ones_below() -> None:
    for missing, above in itertools.combinations(RUNGS[:4], 2):
        values = dict.fromkeys(RUNGS, 1.0) | {missing: 0.0}
        lifted = dict(values) | {above: 1.0}
        assert reward(Components(**values), passed=False) == reward(Components(**lifted), passed=False)
    assert reward(Components(found=1, accepted=1, closeness=1, claim=1, conditions=1, executed=1), passed=False) == 0.05


@pytest.mark.parametrize("rung", ["executed", "conditions", "closeness"])
def test_graded_rungs_slope_upwards(rung: str) -> None:
    number = RUNGS.index(rung)
    earned = [reward(climbed(number, x), passed=False) for x in (0.0, 0.2, 0.5, 0.9, 1.0)]
    assert earned == sorted(set(earned))


def test_wrong_interactions_earn_nothing_for_closeness() -> None:
    assert (
        reward(Components(found=1, accepted=1, started=1, executed=1, conditions=0, closeness=1, claim=1), passed=False)
        == 0.25
    )


def test_closeness_is_flat_inside_and_slopes_far_away() -> None:
    assert closeness(0.0, 1.0) == closeness(1.0, 1.0) == 1.0
    far = [closeness(d, 1.0) for d in (1.0, 1.5, 3.0, 10.0, 1e2, 1e4, 1e8)]
    assert far == sorted(set(far), reverse=True)
    assert closeness(10.0, 1.0) == pytest.approx(0.5)
    assert closeness(math.inf, 1.0) == closeness(math.nan, 1.0) == 0.0
    assert 0 < closeness(1.0, 0.0) < 0.01
