"""Means, fits and tolerances of correlated data.

The recorder draws its steps at random, independently of what the particles do. Samples in their order therefore form
a stationary sequence wherever the simulation itself is stationary, and the usual estimators for evenly spaced
sequences hold without change: the sum over lags of the autocorrelation of the *ordered* samples gives the exact
variance of their mean. Where stretches of a run were sampled with unequal density, `even` first makes the sequence
even in time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf, isinf, sqrt

import numpy as np
from scipy.special import ndtri, stdtrit

from mdevalbench.errors import UsageError
from mdevalbench.lammps.evidence import Floats

CONFIDENCE = 0.99
"""A right run is accepted with this probability."""


@dataclass(frozen=True, slots=True)
class Mean:
    """A mean with its standard uncertainty."""

    value: float
    uncertainty: float
    """standard uncertainty (one sigma)"""
    dof: float
    """degrees of freedom of the uncertainty; infinite if it is known exactly"""
    effective: float = 1.0
    """number of independent samples that would be as good"""


def even(values: Floats, weights: Floats) -> Floats:
    """Samples (S,), each of which stands for a stretch of time (S,), as a sequence that is even in time.

    Equal weights return the samples themselves. Otherwise the run is cut into stretches as long as the longest that
    one sample stands for, and each is averaged.
    """
    kept = weights > 0
    values, weights = values[kept], weights[kept]
    if not len(values):
        return values
    clock = np.concatenate([[0.0], np.cumsum(weights)])
    integral = np.concatenate([[0.0], np.cumsum(weights * values)])
    count = int(clock[-1] / weights.max() + 1e-6)
    return np.asarray(np.diff(np.interp(np.linspace(0, clock[-1], count + 1), clock, integral)) * count / clock[-1])


def settled(values: Floats) -> int:
    """Index at which a stage has settled; what comes before is equilibration.

    The later of one fifth of the stage and the minimum of the marginal standard error (K. P. White, Simulation 69,
    323 (1997)) over its first half. The fixed fifth does not depend on the data, so that a stationary series is not
    cut where it suits its mean: MSER alone would understate the uncertainty of short runs.
    """
    batch, n = 5, len(values)
    fifth = n // 5
    batches = n // batch
    if batches < 4:
        return fifth
    means = values[n - batches * batch :].reshape(batches, batch).mean(axis=1)[::-1]
    means = means - means.mean()
    counts = np.arange(1, batches + 1)
    squares = np.cumsum(means**2) - np.cumsum(means) ** 2 / counts
    error = (squares / counts**2)[::-1]  # error[d]: with the first d batches left out
    return max(fifth, batch * int(np.argmin(error[: batches // 2 + 1])))


def correlation(values: Floats) -> tuple[float, int]:
    """Statistical inefficiency g = 1 + 2 sum(rho_k) >= 1 of an even sequence (S,), and the window of its sum.

    The window is the smallest W >= 5 tau_int(W) of A. Sokal (Monte Carlo Methods in Statistical Mechanics, 1996), and
    the bias that comes from subtracting the sample mean is corrected as in U. Wolff, Comput. Phys. Commun. 156, 143
    (2004). A constant sequence gives g = 1.
    """
    n = len(values)
    deviations = values - values.mean()
    if n < 4 or not deviations.any():
        return 1.0, 1
    spectrum = np.abs(np.fft.rfft(deviations, 2 * n)) ** 2
    covariance = np.fft.irfft(spectrum)[:n] / np.arange(n, 0, -1)
    g = 1 + 2 * np.cumsum(covariance[1:]) / covariance[0]
    lags = np.arange(1, n)
    inside = lags >= 2.5 * np.maximum(g, 1.0)
    at = int(np.argmax(inside)) if inside.any() else n - 2
    window = int(lags[at])
    return max(1.0, float(g[at])) * (1 + (2 * window + 1) / n), window


def mean(values: Floats) -> Mean:
    """Mean of an even, stationary, correlated sequence (S,); raises `UsageError` if S < 4.

    The variance of the estimated uncertainty is 2 (2 W + 1) / S relative (Madras and Sokal, J. Stat. Phys. 50, 109
    (1988)), which as a chi-squared variable has S / (2 W + 1) degrees of freedom, less the one of the mean.
    """
    n = len(values)
    if n < 4:
        raise UsageError(f"a mean with an uncertainty needs 4 samples or more, there are {n}")
    g, window = correlation(values)
    uncertainty = sqrt(float(values.var(ddof=1)) * g / n)
    return Mean(float(values.mean()), uncertainty, max(1.0, n / (2 * window + 1) - 1), n / g)


def combine(values: Sequence[float], uncertainty: float = 0.0) -> Mean:
    """Reference value from runs with different seeds: their mean, with its standard uncertainty from their spread.

    A single run brings its own `uncertainty` along. Raises `UsageError` if there is none.
    """
    if not len(values):
        raise UsageError("a reference needs at least one run")
    n = len(values)
    if n == 1:
        return Mean(float(values[0]), uncertainty, inf)
    return Mean(float(np.mean(values)), float(np.std(values, ddof=1)) / sqrt(n), n - 1.0, float(n))


def student(dof: float) -> float:
    """Two-sided quantile t(0.995, dof): 99 % of a t distribution lie within plus or minus this."""
    p = (1 + CONFIDENCE) / 2
    return float(ndtri(p) if isinf(dof) else stdtrit(dof, p))


def expanded(parts: Sequence[tuple[float, float]]) -> float:
    """99 % half-width of a sum of independent errors, given as (standard uncertainty, degrees of freedom).

    t(0.995, nu) * sqrt(sum u_i^2) with nu = (sum u_i^2)^2 / sum(u_i^4 / nu_i) (Welch-Satterthwaite).
    """
    variance = sum(u**2 for u, _ in parts)
    spread = sum(u**4 / dof for u, dof in parts)
    return student(variance**2 / spread if spread > 0 else inf) * sqrt(variance)


def tolerance(
    u_ref: float,
    dof_ref: float,
    u_run: float,
    dof_run: float,
    max_uncertainty: float,
    d_size: float = 0.0,
    floor: float = 0.0,
) -> float:
    """Largest accepted distance of a run from the reference value, all in one unit.

    max(floor, t(0.995, nu) * sqrt(u_ref^2 + u_run^2 + d_size^2)), but never more than what a run whose standard
    uncertainty is known to be `max_uncertainty` would be granted: neither noise nor a small number of independent
    samples buys room.

    u_ref, dof_ref: standard uncertainty of the reference mean (not the spread of its runs) and its degrees of freedom
    u_run, dof_run: the run's own standard uncertainty and its degrees of freedom
    d_size: standard uncertainty of the correction from the reference's system size to the run's
    """
    fixed = [(u_ref, dof_ref), (d_size, inf)]
    granted = expanded([*fixed, (u_run, dof_run)])
    return max(floor, min(granted, expanded([*fixed, (max_uncertainty, inf)])))


@dataclass(frozen=True, slots=True)
class Line:
    """y = intercept + slope * x with standard uncertainties."""

    slope: float
    intercept: float
    slope_uncertainty: float
    intercept_uncertainty: float
    dof: float


def fit_line(x: Floats, y: Floats) -> Line:
    """Least squares through points (S,) in the order of x, whose residuals may be correlated.

    The uncertainties of uncorrelated residuals are widened by the square root of the residuals' statistical
    inefficiency. Raises `UsageError` for fewer than 3 points or if all x are equal.
    """
    n = len(x)
    if n < 3 or np.ptp(x) == 0:
        raise UsageError("a line with an uncertainty needs 3 points or more at different x")
    centre = x.mean()
    squares = float(((x - centre) ** 2).sum())
    slope = float((x - centre) @ (y - y.mean())) / squares
    residuals = y - y.mean() - slope * (x - centre)
    g, window = correlation(residuals)
    scatter = sqrt(float(residuals @ residuals) / (n - 2) * g)
    return Line(
        slope=slope,
        intercept=float(y.mean() - slope * centre),
        slope_uncertainty=scatter / sqrt(squares),
        intercept_uncertainty=scatter * sqrt(1 / n + centre**2 / squares),
        dof=max(1.0, n / (2 * window + 1) - 2),
    )
