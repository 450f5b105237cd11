"""How well a stage conserves its energy."""

from __future__ import annotations

from math import sqrt

import numpy as np

from mdevalbench.errors import Unmeasured
from mdevalbench.lammps.evidence import Floats, Segment
from mdevalbench.observables.estimator import Context, estimator
from mdevalbench.observables.series import sample_weights
from mdevalbench.observables.statistics import even, fit_line, mean
from mdevalbench.types import Measurement

LEAST_SAMPLES = 20


@estimator("energy_fluctuation")
def energy_fluctuation(segments: tuple[Segment, ...], context: Context, detrend: bool = False) -> Measurement:
    """Root-mean-square deviation of the total energy per atom from its mean over a stage, in energy units.

    The whole stage counts, without a discarded beginning: energy has to be conserved from the first step. With
    `detrend` the deviation is taken from a straight line, else a drift is part of it. Of several stages, the worst is
    reported.
    """
    return max((_fluctuation(segment, context, detrend) for segment in segments), key=lambda m: m.value)


@estimator("energy_drift")
def energy_drift(segments: tuple[Segment, ...], context: Context) -> Measurement:
    """Absolute value of the slope of the total energy per atom against time; of several stages, the worst."""
    return max((_drift(segment, context) for segment in segments), key=lambda m: m.value)


def _fluctuation(segment: Segment, context: Context, detrend: bool) -> Measurement:
    energy, weights = _energy(segment), sample_weights(segment)
    if detrend:
        line = fit_line(segment.samples.time, energy)
        expected = line.intercept + line.slope * segment.samples.time
    else:
        expected = np.full(len(energy), np.average(energy, weights=weights))
    squares = even((energy - expected) ** 2, weights)
    if len(squares) < LEAST_SAMPLES:
        raise Unmeasured("the loops of this stage were too unequal in length to sample it evenly: run it in one piece")
    result = mean(squares)
    rms = sqrt(result.value)
    return Measurement(
        value=rms,
        uncertainty=result.uncertainty / (2 * rms) if rms else 0.0,
        unit=context.unit("energy"),
        dof=result.dof,
        natoms=int(segment.samples.natoms[-1]),
        how=f"RMS deviation of the total energy per atom, {_how(segment)}",
    )


def _drift(segment: Segment, context: Context) -> Measurement:
    line = fit_line(segment.samples.time, _energy(segment))
    return Measurement(
        value=abs(line.slope),
        uncertainty=line.slope_uncertainty,
        unit=f"{context.unit('energy')}/{context.unit('time')}",
        dof=line.dof,
        natoms=int(segment.samples.natoms[-1]),
        how=f"slope of the total energy per atom, {_how(segment)}",
    )


def _energy(segment: Segment) -> Floats:
    """(S,) potential and kinetic energy per atom."""
    samples = segment.samples
    if len(samples) < LEAST_SAMPLES or not segment.duration > 0:
        raise Unmeasured(
            f"only {len(samples)} samples of the energy were taken; {LEAST_SAMPLES} are needed: run longer"
        )
    energy = (samples.potential_energy + samples.kinetic_energy) / samples.natoms
    if not np.isfinite(energy).all():
        raise Unmeasured("the simulation blew up: energies are not finite numbers")
    return np.asarray(energy)


def _how(segment: Segment) -> str:
    return f"{len(segment.samples)} samples over {segment.duration:.4g} time units"
