"""Response functions: thermal expansion between two temperatures, heat capacity at one.

They come from whatever equilibrium stages a run offers: from differences between stages at different temperatures,
which need the shortest runs, or from the fluctuations within one stage, which need the longest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf, sqrt

import numpy as np

from mdevalbench.errors import Unmeasured
from mdevalbench.lammps.evidence import Floats, Segment
from mdevalbench.observables.ensemble import Ensemble, ensemble
from mdevalbench.observables.estimator import Context, estimator
from mdevalbench.observables.series import extent, hydrostatic_pressure, production, whole
from mdevalbench.observables.statistics import Mean, mean, settled
from mdevalbench.types import Measurement

Segments = tuple[Segment, ...]

SAME_VOLUME = 1e-5
"""difference of ln V below which two stages have the same volume"""
EXTRAPOLATION = 0.25
"""how far the volume of zero pressure may lie outside those that were simulated, as part of their range"""
LEAST_SAMPLES = 20
LEAST_SPAN = 0.2
"""least range of temperatures for a derivative, as part of the largest distance that they may have from its middle"""


@dataclass(frozen=True, slots=True)
class _State:
    """A crystal in equilibrium at one temperature and zero pressure."""

    temperature: float
    log_volume: float
    """ln of the volume per atom"""
    uncertainty: float
    """of `log_volume`"""
    dof: float
    stages: int


@estimator("thermal_expansion")
def thermal_expansion(
    segments: Segments, context: Context, temperatures: tuple[float, float], within: float
) -> Measurement:
    """Mean linear expansion coefficient (ln a(T2) - ln a(T1)) / (T2 - T1) from stages in which the box was free.

    ln a is a third of the mean of ln V over all stages whose mean temperature is within `within` of one of the two
    `temperatures`; T1 and T2 in the formula are the mean temperatures that were measured. The selection of the stages
    has to see to their pressure.
    """
    low, high = (_free(_at(segments, wanted, within)) for wanted in temperatures)
    return _expansion(low, high, segments, context, "mean volume")


@estimator("thermal_expansion_scan")
def thermal_expansion_scan(
    segments: Segments, context: Context, temperatures: tuple[float, float], within: float
) -> Measurement:
    """Mean linear expansion coefficient as that of `thermal_expansion`, from stages at constant volumes.

    At each of the two temperatures, the mean pressure as a function of ln V is a straight line through two volumes, a
    parabola through three, a weighted cubic through more; the volume at which it falls through zero counts. It has to
    lie within those that were simulated, or not farther outside than a quarter of their range.
    """
    low, high = (_scanned(_at(segments, wanted, within)) for wanted in temperatures)
    return _expansion(low, high, segments, context, "volume of zero pressure")


@estimator("heat_capacity_difference")
def heat_capacity_difference(
    segments: Segments, context: Context, temperature: float, reach: float, within: float
) -> Measurement:
    """Heat capacity per atom in k_B: slope of the mean total energy against the mean temperature of stages.

    At constant volume that is C_v, at a constant pressure of zero C_p. All stages count whose mean temperature is
    within `reach` of `temperature`, with weights from their uncertainties; the slope must belong to a temperature
    within `within` of the wanted one (between two stages: to their middle). Temperatures are those measured, so that
    stages of constant energy count as well as thermostatted ones; the uncertainty of a stage is that of the mean of
    E - C T, in which slow fluctuations of the heat content cancel.
    """
    stages = [s for s in segments if abs(_mean_temperature(s) - temperature) <= reach]
    levels = [_mean_temperature(s) for s in stages]
    if len(stages) < 2 or not np.ptp(levels) >= LEAST_SPAN * reach:
        raise Unmeasured(
            f"a derivative needs stages at two temperatures or more around {temperature:g}, not farther away than "
            f"{reach:g}; those found were at {', '.join(f'{level:.4g}' for level in levels) or 'none'}"
        )
    states = [_energy_and_heat(stage) for stage in stages]
    slope, share, parts = _weighted_slope(states)
    middle = float(share @ [heat.mean() ** 2 for _, heat in states]) / (2 * stages[0].settings.boltzmann)
    if not abs(middle - temperature) <= within:
        raise Unmeasured(
            f"the derivative belongs to a temperature of {middle:.4g}, which is farther than {within:g} from "
            f"{temperature:g}: simulate on both sides of it"
        )
    uncertainty, dof = _combined([(abs(c) * part.uncertainty, part.dof) for c, part in zip(share, parts, strict=True)])
    return _heat_capacity(
        slope, uncertainty, dof, stages[-1], f"slope of the energy through {len(stages)} stages around {middle:.4g}"
    )


@estimator("heat_capacity_fluctuation")
def heat_capacity_fluctuation(segments: Segments, context: Context) -> Measurement:
    """Heat capacity per atom in k_B from the fluctuations within the longest stage.

    With a thermostat C = var(E) / (k T)^2 per atom, which is C_v at constant volume and C_p at a constant pressure of
    zero. At constant energy, C_v = (f / 2) / (1 - 2 var(K) / (f (k T)^2)) with the kinetic energy K of f degrees of
    freedom (J. L. Lebowitz, J. K. Percus, L. Verlet, Phys. Rev. 153, 250 (1967)).
    """
    stage = max(segments, key=lambda s: s.duration)
    kind, atoms = ensemble(stage), int(stage.samples.natoms[-1]) if len(stage.samples) else 0
    heat = float(production([stage], _thermal_energy).mean())
    if not heat > 0:
        raise Unmeasured("the temperature is zero, and nothing fluctuates")
    if kind in (Ensemble.NVT, Ensemble.NPT):
        spread = _variance(production([stage], _energy) * atoms)
        value, uncertainty = spread.value / (atoms * heat**2), spread.uncertainty / (atoms * heat**2)
        return _heat_capacity(value, uncertainty, spread.dof, stage, "fluctuations of the total energy")
    if kind is not Ensemble.NVE:
        raise Unmeasured("fluctuations give a heat capacity at constant energy or with a thermostat, not otherwise")
    freedom = stage.settings.dimension * (atoms - 1) - stage.settings.removed_dof
    spread = _variance(production([stage], lambda s: s.temperature) * freedom / 2 * stage.settings.boltzmann)
    rest = 1 - 2 * spread.value / (freedom * heat**2)
    if not rest > 0:
        raise Unmeasured("the kinetic energy fluctuates more than at any constant total energy")
    value = freedom / (2 * rest * atoms)
    uncertainty = value / rest * 2 * spread.uncertainty / (freedom * heat**2)
    return _heat_capacity(value, uncertainty, spread.dof, stage, "fluctuations of the kinetic energy")


def _at(segments: Segments, wanted: float, within: float) -> list[Segment]:
    """The stages of one temperature."""
    found = [s for s in segments if abs(_mean_temperature(s) - wanted) <= within]
    if not found:
        others = ", ".join(f"{_mean_temperature(s):.4g}" for s in segments)
        raise Unmeasured(f"no stage is within {within:g} of the temperature {wanted:g}; those found were at {others}")
    return found


def _free(stages: Sequence[Segment]) -> _State:
    """The state of stages in which the volume adapted itself."""
    volume = mean(production(stages, _log_volume))
    temperature = float(production(stages, lambda s: s.temperature).mean())
    return _State(temperature, volume.value, volume.uncertainty, volume.dof, len(stages))


def _scanned(stages: Sequence[Segment]) -> _State:
    """The state of zero pressure between stages of different volumes."""
    volumes = np.array([production([s], _log_volume).mean() for s in stages])
    means = [mean(production([s], hydrostatic_pressure)) for s in stages]
    different = 1 + int((np.diff(np.sort(volumes)) > SAME_VOLUME).sum())
    if different < 2:
        raise Unmeasured("at a constant volume there is no expansion: the box was fixed and only one volume simulated")
    errors = np.array([max(p.uncertainty, 1e-12 * abs(p.value), 1e-300) for p in means])
    centre, half = volumes.min() / 2 + volumes.max() / 2, np.ptp(volumes) / 2
    degree = min(3, different - 1)
    solve = np.linalg.pinv(np.vander((volumes - centre) / half, degree + 1) / errors[:, None]) / errors
    at, slope = _falls_through_zero(solve @ np.array([p.value for p in means]))
    share = np.vander([at], degree + 1)[0] @ solve / slope  # of the error of each pressure in that of the volume
    uncertainty, dof = _combined([(abs(c) * p.uncertainty, p.dof) for c, p in zip(share, means, strict=True)])
    temperatures = [float(production([s], lambda s: s.temperature).mean()) for s in stages]
    return _State(
        temperature=float(np.average(temperatures, weights=[s.duration for s in stages])),
        log_volume=float(centre + half * at),
        uncertainty=float(half * uncertainty),
        dof=dof,
        stages=len(stages),
    )


def _falls_through_zero(coefficients: Floats) -> tuple[float, float]:
    """Where a polynomial, highest power first, falls through zero next to [-1, 1], and its slope there."""
    roots = np.roots(coefficients)
    slopes = np.polyval(np.polyder(coefficients), roots)
    found = [
        (float(x.real), float(slope.real))
        for x, slope in zip(roots, slopes, strict=True)
        if abs(x.imag) < 1e-9 and abs(x.real) <= 1 + 2 * EXTRAPOLATION and slope.real < 0
    ]
    if not found:
        raise Unmeasured("the volumes that were simulated do not enclose the one at which the pressure falls to zero")
    return min(found, key=lambda root: abs(root[0]))


def _expansion(low: _State, high: _State, segments: Segments, context: Context, how: str) -> Measurement:
    step = 3 * (high.temperature - low.temperature)
    uncertainty, dof = _combined([(low.uncertainty, low.dof), (high.uncertainty, high.dof)])
    return Measurement(
        value=(high.log_volume - low.log_volume) / step,
        uncertainty=uncertainty / step,
        unit=f"1/{context.unit('temperature')}",
        dof=dof,
        natoms=int(segments[-1].samples.natoms[-1]),
        how=f"{how} of {low.stages} and {high.stages} stages with mean temperatures of {low.temperature:.5g} and "
        f"{high.temperature:.5g}",
    )


def _energy_and_heat(stage: Segment) -> tuple[Floats, Floats]:
    """E and k T per atom along the same settled part of a stage, so that what they have in common cancels."""
    energy, heat = whole(stage, _energy), whole(stage, _thermal_energy)
    begin = max(settled(energy), settled(heat))
    if len(energy) - begin < LEAST_SAMPLES:
        raise Unmeasured(
            f"only {len(energy) - begin} samples were taken after equilibration; {LEAST_SAMPLES} are needed: run longer"
        )
    if not (np.isfinite(energy).all() and np.isfinite(heat).all()):
        raise Unmeasured("the simulation blew up: energies or temperatures are not finite numbers")
    return energy[begin:], heat[begin:]


def _weighted_slope(states: Sequence[tuple[Floats, Floats]]) -> tuple[float, Floats, list[Mean]]:
    """Slope of E against k T through the means of stages, the share (n,) of each E in it, and the means of E - C k T.

    The weights depend on the slope, weakly: three rounds settle it.
    """
    energy, heat = np.array([e.mean() for e, _ in states]), np.array([h.mean() for _, h in states])
    slope, share, parts = float(np.polyfit(heat, energy, 1)[0]), np.zeros(len(states)), list[Mean]()
    for _ in range(3):
        parts = [mean(e - slope * h) for e, h in states]
        weights = np.array([max(part.uncertainty, 1e-12 * abs(slope) * heat.max()) ** -2 for part in parts])
        share = weights * (heat - np.average(heat, weights=weights))
        share = share / float(share @ heat)
        slope = float(share @ energy)
    return slope, share, parts


def _variance(values: Floats) -> Mean:
    """Variance of a correlated sequence (S,), corrected for the mean's being its own, as a mean of squares."""
    centre = mean(values)
    if not centre.effective > 2:
        raise Unmeasured("the run is shorter than its own fluctuations: run longer")
    squares = mean((values - centre.value) ** 2)
    factor = centre.effective / (centre.effective - 1)
    return Mean(squares.value * factor, squares.uncertainty * factor, squares.dof, squares.effective)


def _heat_capacity(value: float, uncertainty: float, dof: float, stage: Segment, how: str) -> Measurement:
    atoms = int(stage.samples.natoms[-1])
    return Measurement(
        value=value, uncertainty=uncertainty, unit="kB", dof=dof, natoms=atoms, how=f"{how}, {atoms} atoms"
    )


def _combined(parts: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """Uncertainty of a sum of independent errors (u_i, nu_i), and its degrees of freedom (Welch-Satterthwaite)."""
    variance, spread = sum(u**2 for u, _ in parts), sum(u**4 / dof for u, dof in parts)
    return sqrt(variance), variance**2 / spread if spread > 0 else inf


def _mean_temperature(segment: Segment) -> float:
    """Mean temperature after equilibration; NaN if there is none."""
    values = whole(segment, lambda s: s.temperature)
    values = values[settled(values) :]
    return float(values.mean()) if len(values) else float("nan")


def _log_volume(segment: Segment) -> Floats:
    """(S,) ln of the volume per atom."""
    return np.asarray(np.log(extent(segment) / np.maximum(segment.samples.natoms, 1)))


def _energy(segment: Segment) -> Floats:
    """(S,) potential and kinetic energy per atom."""
    samples = segment.samples
    return np.asarray((samples.potential_energy + samples.kinetic_energy) / np.maximum(samples.natoms, 1))


def _thermal_energy(segment: Segment) -> Floats:
    """(S,) k T."""
    return np.asarray(segment.temperature * segment.settings.boltzmann)
