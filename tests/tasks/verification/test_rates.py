"""Rates of wrong judgements: bounds against the binomial distribution, counts, the check of the tolerances."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy.stats import binom

from mdevalbench.tasks.verification.judgements import Judgement
from mdevalbench.tasks.verification.rates import Rate, criteria, family_rates, is_random_right, rate_wrong, script_rates
from mdevalbench.tasks.verification.rates import tolerance_check as check
from mdevalbench.types import Reference

Make = Callable[..., Judgement]


@pytest.mark.parametrize(("events", "trials"), [(0, 1), (0, 99), (1, 8), (3, 250), (24, 25)])
def test_bounds_are_where_the_binomial_tail_is_5_percent(events: int, trials: int) -> None:
    rate = Rate(events, trials)
    assert binom.cdf(events, trials, rate.upper) == pytest.approx(0.05)
    if events:
        assert binom.sf(events - 1, trials, rate.lower) == pytest.approx(0.05)
    else:
        assert rate.lower == 0
        assert rate.upper == pytest.approx(1 - 0.05 ** (1 / trials))
    assert rate.lower <= rate.value <= rate.upper


def test_bounds_where_everything_or_nothing_happened() -> None:
    assert Rate(7, 7).upper == 1
    assert Rate(7, 7).lower == pytest.approx(0.05 ** (1 / 7))
    assert (Rate(0, 0).lower, Rate(0, 0).upper) == (0, 1)


def some(judgement: Make) -> list[Judgement]:
    """One stochastic and one deterministic task."""
    lattice = {"task": "lattice/cu", "stochastic": False}
    return [
        judgement(),
        judgement("solution"),
        judgement("solution", False, seed=5),
        *(judgement("reseed", seed != 3, seed=seed, name=f"seed {seed}") for seed in range(9)),
        judgement("reseed", seed=9, name="seed 9", script_seconds=3.0),
        judgement("benign", False, name="longer"),
        judgement("wrong", False, name="no_tail"),
        judgement("wrong", True, name="no_tail", seed=5),
        judgement("breaking", False, name="hot"),
        judgement(**lattice, script_seconds=0.5),
        judgement("benign", **lattice, script_seconds=99.0),
        judgement("wrong", False, name="no_tail", **lattice),
    ]


def test_what_counts_where(judgement: Make) -> None:
    found = family_rates("all", some(judgement))
    assert found.tasks == 2
    assert found.references == Rate(0, 2)
    assert found.solutions == Rate(0, 1)
    assert found.fresh == Rate(2, 11)
    assert found.benign == Rate(1, 2)
    assert found.rejected == Rate(3, 13)
    assert (found.wrong, found.breaking) == (Rate(1, 3), Rate(0, 1))
    assert (found.seconds, found.longest) == (1.25, 3.0)
    assert rate_wrong(some(judgement), is_random_right) == Rate(3, 12)


def test_each_wrong_script_of_a_family_over_its_tasks_and_seeds(judgement: Make) -> None:
    assert [(s.family, s.kind, s.name, s.accepted) for s in script_rates(some(judgement))] == [
        ("lattice", "wrong", "no_tail", Rate(0, 1)),
        ("pressure", "breaking", "hot", Rate(0, 1)),
        ("pressure", "wrong", "no_tail", Rate(1, 2)),
    ]


def test_criteria_tell_what_is_not_reached(judgement: Make) -> None:
    met = {criterion.text: criterion.met for criterion in criteria(some(judgement))}
    assert [text for text, reached in met.items() if not reached] == [
        "wrong scripts fail",
        "95 % bound of the false-reject rate over fresh seeds and harmless changes",
    ]
    whole = some(judgement)
    right = [judgement("reseed", seed=seed) for seed in range(99)]
    many = [*right, whole[0], whole[1], judgement("wrong", False), judgement("breaking", False)]
    assert all(criterion.met for criterion in criteria(many))
    assert not all(criterion.met for criterion in criteria(many[2:]))  # 0 of 97: the bound is 3.04 %
    nine = [one for one in some(judgement) if one.name != "seed 9"]
    assert [c.found for c in criteria(nine) if "fresh seeds of" in c.text] == ["9"]
    slow = [judgement(script_seconds=61.0), judgement(task="a/b", script_seconds=1.0)]
    assert [(c.found, c.met) for c in criteria(slow) if "CPU" in c.text] == [("31 s", False), ("61 s", False)]


def test_nothing_judged_reaches_nothing() -> None:
    assert [criterion.met for criterion in criteria([])] == [False] * 5 + [True] + [False] * 2


def runs(judgement: Make, scale: float, count: int = 4000, *, shift: float = 0.0) -> list[Judgement]:
    """Normal runs about the reference; `scale` is by how much they scatter more than their uncertainty says."""
    random = np.random.default_rng(8)
    reference = Reference(value=1.0, uncertainty=0.03, tolerance=0.2, unit="bar")
    values = 1.0 + shift + scale * 0.05 * random.standard_normal(count)
    return [
        judgement("reseed", seed=n, value=float(value), uncertainty=0.04, reference=reference)
        for n, value in enumerate(values)
    ]


def test_runs_that_know_their_uncertainty_lie_within_it(judgement: Make) -> None:
    found = check(runs(judgement, 1.0))
    assert found is not None
    assert (found.runs, found.outside.trials) == (4000, 4000)
    assert found.mean == pytest.approx(0, abs=0.06)
    assert found.deviation == pytest.approx(1, rel=0.04)
    assert found.outside.value == pytest.approx(0.01, abs=0.005)
    assert found.used[0] == pytest.approx(0.6745 * 0.05 / 0.2, rel=0.05)
    assert found.used[1] == pytest.approx(1.96 * 0.05 / 0.2, rel=0.05)


def test_runs_that_do_not_are_found(judgement: Make) -> None:
    wide, shifted = check(runs(judgement, 2.0)), check(runs(judgement, 1.0, shift=0.05))
    assert wide is not None and shifted is not None
    assert wide.deviation == pytest.approx(2, rel=0.04)
    assert wide.outside.lower > 0.1
    assert shifted.mean == pytest.approx(1, abs=0.06)
    assert shifted.outside.lower > 0.02


def test_few_degrees_of_freedom_widen_the_interval(judgement: Make) -> None:
    """2.9 standard uncertainties are beyond 99 % of a normal distribution, not of Student's t with 5."""
    reference = Reference(value=1.0, uncertainty=0.0, tolerance=0.3, unit="bar")
    pair = [judgement("reseed", value=1.29, dof=dof, reference=reference) for dof in (None, 5.0)]
    found = check(pair)
    assert found is not None
    assert found.outside == Rate(1, 2)


def test_only_fresh_right_runs_compared_on_both_sides_count(judgement: Make) -> None:
    left_out = [
        judgement(),
        judgement("wrong", False, seed=1),
        judgement("reseed", two_sided=False),
        judgement("reseed", value=None),
        judgement("reseed", stochastic=False),
        judgement("reseed", uncertainty=0.0),
    ]
    assert check(left_out) is None
    found = check([*left_out, judgement("reseed"), judgement("solution", seed=3, value=1.1)])
    assert found is not None
    assert found.runs == 2
    assert found.used[-1] == pytest.approx(1 / 3)
