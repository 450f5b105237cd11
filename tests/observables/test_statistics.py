"""Uncertainties of correlated series against analytic results, blocking, and simulated acceptance."""

from math import inf, sqrt

import numpy as np
import pytest
from scipy import stats

from mdevalbench.errors import UsageError
from mdevalbench.observables import statistics
from mdevalbench.observables.statistics import combine, correlation, even, fit_line, mean, settled, tolerance


def autoregressive(rng: np.random.Generator, tau: float, n: int, runs: int) -> np.ndarray:
    """(runs, n) stationary AR(1) series of mean 0 and variance 1, autocorrelation exp(-k/tau)."""
    a = np.exp(-1 / tau) if tau > 0 else 0.0
    x = rng.normal(size=(runs, n))
    x[:, 1:] *= sqrt(1 - a * a)
    for k in range(1, n):
        x[:, k] += a * x[:, k - 1]
    return x


def inefficiency(tau: float) -> float:
    return (1 + np.exp(-1 / tau)) / (1 - np.exp(-1 / tau))


def blocking(values: np.ndarray) -> float:
    """Flyvbjerg and Petersen's standard error: blocks are paired until the estimate no longer rises significantly."""
    best = 0.0
    while len(values) >= 16:
        error = values.std(ddof=1) / sqrt(len(values))
        if error < best * (1 + 1 / sqrt(2 * (len(values) - 1))):
            return max(best, error)
        best = error
        values = values[: len(values) // 2 * 2].reshape(-1, 2).mean(axis=1)
    return best


@pytest.mark.parametrize("tau", [1.0, 5.0, 30.0])
def test_inefficiency_of_an_autoregressive_series_is_the_analytic_one(tau: float) -> None:
    x = autoregressive(np.random.default_rng(1), tau, 40_000, 1)[0]
    assert correlation(x)[0] == pytest.approx(inefficiency(tau), rel=0.2)


def test_uncertainty_agrees_with_blocking() -> None:
    for x in autoregressive(np.random.default_rng(2), 6.0, 32_768, 4):
        assert mean(x).uncertainty == pytest.approx(blocking(x), rel=0.3)


def test_a_constant_series_has_no_uncertainty() -> None:
    result = mean(np.full(50, 3.0))
    assert (result.value, result.uncertainty, result.effective) == (3.0, 0.0, 50.0)


@pytest.mark.parametrize(("samples", "span"), [(400, 40), (400, 8), (200, 200)])
def test_random_steps_leave_the_uncertainty_honest(samples: int, span: int) -> None:
    """A process with correlation time 10 steps, sampled at random steps of `span * samples / 40` steps each."""
    rng = np.random.default_rng(3)
    steps = samples * span // 4
    x = autoregressive(rng, 10.0, steps, 300)
    picked = [series[np.sort(rng.choice(steps, samples, replace=False))] for series in x]
    results = [mean(series) for series in picked]
    spread = np.std([result.value for result in results])
    assert np.sqrt(np.mean([result.uncertainty**2 for result in results])) == pytest.approx(spread, rel=0.15)


@pytest.mark.parametrize(("effective", "at_most"), [(10, 0.035), (25, 0.02), (100, 0.016), (400, 0.016)])
def test_right_runs_are_rejected_about_once_in_a_hundred(effective: int, at_most: float) -> None:
    """Runs of 10 to 400 independent samples against a reference from 16 runs of the same kind; each loses a fifth.

    Only where 8 independent samples are left are uncertainties understated enough to show.
    """
    rng, n, trials, seeds = np.random.default_rng(4), 500, 2000, 16
    tau = n / effective / 2
    runs = autoregressive(rng, tau, n, trials)
    truth = sqrt(inefficiency(tau) / (0.8 * n))
    rejected = 0
    for run in runs:
        reference = combine(list(rng.normal(0.0, truth, seeds)))
        result = mean(run[settled(run) :])
        allowed = tolerance(reference.uncertainty, reference.dof, result.uncertainty, result.dof, inf)
        rejected += abs(result.value - reference.value) > allowed
    assert rejected / trials < at_most
    assert effective < 400 or rejected / trials > 0.002


def test_a_bound_on_the_uncertainty_of_twice_the_true_one_costs_no_right_runs() -> None:
    rng, n, trials, tau = np.random.default_rng(5), 500, 1500, 5.0
    truth = sqrt(inefficiency(tau) / n)
    rejected = 0
    for run in autoregressive(rng, tau, n, trials):
        reference = combine(list(rng.normal(0.0, truth, 16)))
        result = mean(run)
        allowed = tolerance(reference.uncertainty, reference.dof, result.uncertainty, result.dof, 2 * truth)
        rejected += abs(result.value - reference.value) > allowed
    assert rejected / trials < 0.02


def test_equilibration_is_cut_off() -> None:
    rng = np.random.default_rng(6)
    x = autoregressive(rng, 3.0, 400, 200)
    assert np.mean([settled(series) for series in x]) < 100  # a stationary series loses little more than its fifth
    relaxing = x + 20 * np.exp(-np.arange(400) / 30)
    kept = [series[settled(series) :].mean() for series in relaxing]
    fixed = [series[80:].mean() for series in relaxing]
    assert abs(np.mean(kept)) < 0.1 < abs(np.mean(fixed))


def test_a_short_noisy_run_does_not_pass_through_its_own_error_bar() -> None:
    bound = tolerance(0.01, 15, 0.05, inf, max_uncertainty=0.05)
    assert bound == pytest.approx(2.58 * sqrt(0.01**2 + 0.05**2), rel=1e-2)
    assert tolerance(0.01, 15, 5.0, 2, max_uncertainty=0.05) == bound
    assert tolerance(0.01, 15, 0.04, 1, max_uncertainty=0.05) == bound
    assert tolerance(0.01, 15, 0.01, 20, max_uncertainty=0.05) < bound


def test_tolerance_follows_student_and_the_floor() -> None:
    assert tolerance(0.0, inf, 1.0, 7, 100.0) == pytest.approx(stats.t.ppf(0.995, 7))
    assert tolerance(1.0, 15, 0.0, inf, 0.0) == pytest.approx(stats.t.ppf(0.995, 15))
    assert tolerance(3.0, inf, 0.0, inf, 4.0, d_size=4.0) == pytest.approx(5 * stats.norm.ppf(0.995))
    assert tolerance(0.0, inf, 0.0, inf, 1.0, floor=0.2) == 0.2
    three, four = tolerance(1.0, 15, 1.0, 7, 10.0), stats.t.ppf(0.995, 15 + 7) * sqrt(2)
    assert four < three < stats.t.ppf(0.995, 7) * sqrt(2)  # Welch-Satterthwaite lies between


def test_seeds_combine_to_a_mean_with_its_standard_uncertainty() -> None:
    result = combine([1.0, 2.0, 3.0, 6.0])
    assert result.value == 3.0
    assert result.uncertainty == pytest.approx(stats.sem([1.0, 2.0, 3.0, 6.0]))
    assert result.dof == 3
    assert combine([2.5], uncertainty=0.1) == statistics.Mean(2.5, 0.1, inf)
    with pytest.raises(UsageError, match="at least one"):
        combine([])


def test_unequal_loops_are_weighted_by_their_time() -> None:
    values, weights = np.array([1.0, 1.0, 1.0, 1.0, 4.0, 6.0]), np.array([1.0, 1.0, 1.0, 1.0, 4.0, 4.0])
    assert even(values, weights).tolist() == [1.0, 4.0, 6.0]
    equal = np.random.default_rng(7).normal(size=333)
    assert even(equal, np.full(333, 0.1)) == pytest.approx(equal)
    assert len(even(np.ones(3), np.zeros(3))) == 0


def test_a_line_through_white_noise_is_that_of_least_squares() -> None:
    rng = np.random.default_rng(8)
    x = np.sort(rng.uniform(0, 10, 500))
    y = 2.0 - 0.3 * x + rng.normal(size=500)
    ours, theirs = fit_line(x, y), stats.linregress(x, y)
    assert (ours.slope, ours.intercept) == pytest.approx((theirs.slope, theirs.intercept))
    assert ours.slope_uncertainty == pytest.approx(theirs.stderr, rel=0.25)
    assert ours.intercept_uncertainty == pytest.approx(theirs.intercept_stderr, rel=0.25)


def test_the_slope_of_correlated_noise_has_an_honest_uncertainty() -> None:
    x = np.arange(500.0)
    lines = [fit_line(x, series) for series in autoregressive(np.random.default_rng(9), 8.0, 500, 400)]
    spread = np.std([line.slope for line in lines])
    assert np.sqrt(np.mean([line.slope_uncertainty**2 for line in lines])) == pytest.approx(spread, rel=0.15)
    with pytest.raises(UsageError, match="3 points"):
        fit_line(np.zeros(5), np.ones(5))
