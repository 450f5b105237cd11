"""Uniaxial tension: Young's modulus from stress and strain along a pulled edge of the box.

E = L0 d(stress)/dL over strains L / L0 - 1 from zero to `max_strain`, where L0 is the length at which the fitted stress
vanishes: it need not be known beforehand. Stresses are Cauchy stresses, minus the pressure tensor of atoms and
interactions. The stress across must vanish, or another modulus is measured (C11 for a fixed cross-section).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from math import inf, sqrt

import numpy as np
from numpy.typing import NDArray

from mdevalbench.errors import Unmeasured
from mdevalbench.lammps.evidence import Floats, Segment
from mdevalbench.observables.estimator import Context, estimator
from mdevalbench.observables.series import production
from mdevalbench.observables.statistics import Mean, fit_line, mean
from mdevalbench.types import Measurement

UNIFORM = 0.01
"""RMS deviation of a driven length from a straight line in time, as a share of its range: barostats fluctuate more"""
LEAST_PULL = 1e-3
"""smallest strain of a stage that counts as pulled"""
COVERED = (0.25, 0.9)
"""shares of the range of strain below and above which there must be states"""
LEAST_SAMPLES = 60
"""of a stage that gives a point of its own"""
ROUNDS = 20
"""of finding the length of zero stress, at which the range of strain begins"""


@dataclass(frozen=True, slots=True)
class Curve:
    """Samples or means along one direction."""

    length: Floats
    """(S,) of the box along the direction"""
    stress: Floats
    """(S,) along it, pressure units"""
    lateral: Floats
    """(S, 2) across it, pressure units"""


@dataclass(frozen=True, slots=True)
class Point:
    """Means in one equilibrated state."""

    length: Mean
    stress: Mean
    lateral: tuple[float, float]


@dataclass(frozen=True, slots=True)
class Slope:
    """The line through stress against strain."""

    modulus: float
    uncertainty: float
    dof: float
    inside: NDArray[np.bool_]
    """(S,) which states lie in the range of strain"""


@estimator("youngs_modulus_driven")
def youngs_modulus_driven(
    segments: tuple[Segment, ...],
    context: Context,
    max_strain: float = 0.02,
    max_rate: float = inf,
    max_lateral: float = 0.15,
    least: int = 50,
) -> Measurement:
    """Young's modulus (pressure units) from stages in which one edge of the box grows at a constant rate.

    The direction is that of the last such stage. The strain rate is at most `max_rate` (1 / time), the mean stress
    across at most `max_lateral` of that along at the largest strain; the line goes through `least` samples or more.
    """
    pulled = [(axis, segment) for segment in segments if (axis := pulled_axis(segment)) is not None]
    if not pulled:
        raise Unmeasured("no stage pulls the box: none of its edges grows at a constant rate")
    axis = pulled[-1][0]
    stages = [segment for k, segment in pulled if k == axis]
    rate = max(abs(_rate(segment, axis)) for segment in stages)
    if rate > max_rate:
        raise Unmeasured(f"the strain rate is {rate:.3g} per time unit, at most {max_rate:.3g} is allowed")
    curve = _joined([_curve(segment, axis) for segment in stages])

    def fit(strain: Floats, inside: NDArray[np.bool_], _: float) -> tuple[float, float, float, float]:
        line = fit_line(strain[inside], curve.stress[inside])
        return line.slope, line.slope_uncertainty, line.intercept, line.dof

    found = _from_zero(curve.length, float(curve.length[0]), max_strain, least, fit)
    share = _check_lateral(curve.lateral[found.inside].mean(axis=0), found.modulus * max_strain, max_lateral)
    how = f"{int(found.inside.sum())} samples at a strain rate of {rate:.3g} per time unit, "
    return _measurement(found, stages, context, max_strain, f"{how}stress across {100 * share:.2g} % of the largest")


@estimator("youngs_modulus_stepwise")
def youngs_modulus_stepwise(
    segments: tuple[Segment, ...],
    context: Context,
    max_strain: float = 0.02,
    max_lateral: float = 0.15,
    least: int = 4,
) -> Measurement:
    """Young's modulus (pressure units) from `least` or more equilibrated stages at different lengths or stresses.

    Each stage gives one point, the means of stress and length over its settled part; a line is fitted with the
    uncertainties of these means. The direction is that whose length differs most between stages.
    """
    stages = [s for s in segments if len(s.samples) >= LEAST_SAMPLES and pulled_axis(s) is None]
    if len(stages) < least:
        raise Unmeasured(f"a modulus from separate states needs {least} stages or more, there are {len(stages)}")
    edges = np.array([_edges(segment)[-1] for segment in stages])
    axis = int(np.argmax(np.ptp(edges, axis=0) / edges.mean(axis=0)))
    points = [_point(segment, axis) for segment in stages]
    length, stress = (np.array([getattr(p, name).value for p in points]) for name in ("length", "stress"))
    u_length, u_stress = (np.array([getattr(p, name).uncertainty for p in points]) for name in ("length", "stress"))
    lateral = np.array([p.lateral for p in points])

    def fit(strain: Floats, inside: NDArray[np.bool_], modulus: float) -> tuple[float, float, float, float]:
        errors = np.hypot(u_stress, modulus * u_length / length)[inside]
        dof = sum(p.stress.dof for p, there in zip(points, inside, strict=True) if there)
        return (*_weighted_line(strain[inside], stress[inside], errors), dof)

    unloaded = float(length[int(np.argmin(np.abs(stress)))])
    found = _from_zero(length, unloaded, max_strain, least, fit)
    _check_lateral(np.abs(lateral[found.inside]).mean(axis=0), found.modulus * max_strain, max_lateral)
    return _measurement(found, stages, context, max_strain, f"{int(found.inside.sum())} equilibrated states")


Fit = Callable[[Floats, NDArray[np.bool_], float], tuple[float, float, float, float]]
"""strains (S,), which of them count, modulus so far -> slope, its uncertainty, stress at zero strain, dof"""


def _from_zero(length: Floats, zero: float, max_strain: float, least: int, fit: Fit) -> Slope:
    """Fit strains from zero to `max_strain`, counted from the length at which the fitted stress itself vanishes."""
    modulus = 0.0
    for _ in range(ROUNDS):
        strain = length / zero - 1
        inside = _inside(strain, max_strain)
        _check_range(strain[inside], max_strain, least)
        modulus, uncertainty, at_zero, dof = fit(strain, inside, modulus)
        if not modulus > 0:
            raise Unmeasured("the stress does not grow with the strain")
        shift = -at_zero / modulus
        if abs(shift) < 1e-3 * max_strain:
            break
        zero *= 1 + shift
    return Slope(modulus, uncertainty, dof, inside)


def _measurement(
    found: Slope, stages: Sequence[Segment], context: Context, max_strain: float, through: str
) -> Measurement:
    return Measurement(
        value=found.modulus,
        uncertainty=found.uncertainty,
        unit=context.unit("pressure"),
        dof=found.dof,
        natoms=int(stages[-1].samples.natoms[-1]),
        how=f"slope of stress against strain up to {100 * max_strain:g} % through {through}",
    )


def pulled_axis(segment: Segment) -> int | None:
    """The edge of the box (0, 1, 2) that changes at a constant rate in a stage; None if there is none."""
    if len(segment.samples) < 4 or np.ptp(segment.samples.time) == 0:
        return None
    edges, time = _edges(segment), segment.samples.time
    spans = np.ptp(edges, axis=0) / edges.mean(axis=0)
    fits = [np.polyfit(time - time.mean(), edges[:, k], 1) for k in range(3)]
    residuals = [np.std(edges[:, k] - np.polyval(fits[k], time - time.mean())) for k in range(3)]
    straight = [k for k in range(3) if spans[k] >= LEAST_PULL and residuals[k] <= UNIFORM * np.ptp(edges[:, k])]
    return max(straight, key=lambda k: float(spans[k]), default=None)


def _edges(segment: Segment) -> Floats:
    """(S, 3) lengths of an orthogonal box."""
    cell = segment.samples.cell
    edges = np.diagonal(cell, axis1=1, axis2=2)
    if not np.isfinite(cell).all() or not (edges > 0).all():
        raise Unmeasured("the simulation blew up: the box is no box")
    if np.abs(cell - np.einsum("si,ij->sij", edges, np.eye(3))).max() > 1e-3 * edges.max():
        raise Unmeasured("the box is sheared: tension is measured along an edge of an orthogonal box")
    return np.asarray(edges)


def _rate(segment: Segment, axis: int) -> float:
    """Strain per time."""
    length = _edges(segment)[:, axis]
    return float(np.polyfit(segment.samples.time, length, 1)[0] / length[0])


def _curve(segment: Segment, axis: int) -> Curve:
    pressure = segment.pressure
    if not np.isfinite(pressure[:, :3]).all():
        raise Unmeasured("the simulation blew up: stresses are not finite numbers")
    across = [k for k in range(3) if k != axis]
    return Curve(_edges(segment)[:, axis], -pressure[:, axis], -pressure[:, across])


def _joined(curves: Sequence[Curve]) -> Curve:
    length, stress, lateral = (
        np.concatenate([getattr(curve, name) for curve in curves]) for name in ("length", "stress", "lateral")
    )
    return Curve(length, stress, lateral)


def _point(segment: Segment, axis: int) -> Point:
    """Means over the settled part of a stage."""
    one, other = (-production((segment,), partial(_pressure, k=k)) for k in range(3) if k != axis)
    return Point(
        mean(production((segment,), lambda s: np.asarray(_edges(s)[:, axis]))),
        mean(-production((segment,), partial(_pressure, k=axis))),
        (float(one.mean()), float(other.mean())),
    )


def _pressure(segment: Segment, k: int) -> Floats:
    return np.asarray(segment.pressure[:, k])


def _inside(strain: Floats, max_strain: float) -> NDArray[np.bool_]:
    slack = 0.05 * max_strain
    return (strain >= -slack) & (strain <= max_strain + slack)


def _check_range(strain: Floats, max_strain: float, least: int) -> None:
    """There must be enough states from near zero to near the largest strain."""
    if len(strain) < least:
        raise Unmeasured(
            f"only {len(strain)} states lie between zero and {100 * max_strain:g} % strain; {least} are needed"
        )
    low, high = float(strain.min()), float(strain.max())
    if low > COVERED[0] * max_strain or high < COVERED[1] * max_strain:
        raise Unmeasured(
            f"strains from {100 * low:.2g} to {100 * high:.2g} %, counted from the length of zero stress, do not cover "
            f"0 to {100 * max_strain:g} %"
        )


def _check_lateral(lateral: Floats, largest: float, share: float) -> float:
    """The mean stresses across (2,) must be small beside the largest stress along; returns their ratio."""
    worst = float(np.abs(lateral).max())
    if not worst <= share * largest:
        raise Unmeasured(
            f"this is no uniaxial tension: the stress across is {100 * worst / largest:.3g} % of that along at the "
            f"largest strain; {100 * share:g} % are allowed"
        )
    return worst / largest


def _weighted_line(x: Floats, y: Floats, errors: Floats) -> tuple[float, float, float]:
    """Slope, its standard uncertainty, and the value at x = 0; errors of the points are widened by their scatter."""
    if not (errors > 0).all() or np.ptp(x) == 0:
        raise Unmeasured("the states of the curve do not differ or are not fluctuating: nothing was thermalised")
    weights = 1 / errors**2
    centre = float((weights * x).sum() / weights.sum())
    squares = float((weights * (x - centre) ** 2).sum())
    slope = float((weights * (x - centre) * y).sum()) / squares
    middle = float((weights * y).sum() / weights.sum())
    scatter = float((weights * (y - middle - slope * (x - centre)) ** 2).sum()) / max(len(x) - 2, 1)
    return slope, sqrt(max(scatter, 1.0) / squares), middle - slope * centre
