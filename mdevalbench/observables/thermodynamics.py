"""Averages over equilibrium stages: pressure, temperature, density, energy."""

from __future__ import annotations

from collections.abc import Mapping
from math import pi

import numpy as np

from mdevalbench.errors import Unmeasured, UsageError
from mdevalbench.lammps.evidence import Floats, Segment
from mdevalbench.observables.estimator import Context, estimator
from mdevalbench.observables.series import PerSample, hydrostatic_pressure, number_density, production
from mdevalbench.observables.statistics import mean
from mdevalbench.types import Measurement

Segments = tuple[Segment, ...]


@estimator("mean_pressure")
def mean_pressure(segments: Segments, context: Context, tail: Mapping[str, float] | None = None) -> Measurement:
    """Time average of the virial pressure; with `tail` (epsilon, sigma, cutoff) that of the untruncated Lennard-Jones
    fluid.

    P = (sum m v^2 + virial) / (3 V), or per area in two dimensions, where the tail correction is not defined.
    """
    dimensions = {segment.settings.dimension for segment in segments}
    if tail is None:
        return average(segments, context, hydrostatic_pressure, context.unit("pressure"), "pressure")
    if dimensions != {3}:
        raise Unmeasured("the tail correction of the pressure belongs to three dimensions, the simulation had two")

    def corrected(segment: Segment) -> Floats:
        beyond = tail_pressure(number_density(segment), **tail)
        return hydrostatic_pressure(segment) + beyond * segment.settings.virial_to_pressure

    return average(segments, context, corrected, context.unit("pressure"), "pressure with tail correction")


@estimator("mean_temperature")
def mean_temperature(segments: Segments, context: Context) -> Measurement:
    """Time average of the kinetic temperature of the integrated atoms."""
    return average(segments, context, lambda s: s.temperature, context.unit("temperature"), "temperature")


@estimator("mean_density")
def mean_density(segments: Segments, context: Context) -> Measurement:
    """Time average of the number density."""
    return average(segments, context, number_density, context.unit("number density"), "number density")


@estimator("mean_potential_energy")
def mean_potential_energy(segments: Segments, context: Context, atoms_per_molecule: int = 1) -> Measurement:
    """Time average of the potential energy per atom, or per molecule of so many atoms, without tail correction."""

    def each(segment: Segment) -> Floats:
        return np.asarray(atoms_per_molecule * segment.samples.potential_energy / segment.samples.natoms)

    name = "potential energy per atom" if atoms_per_molecule == 1 else "potential energy per molecule"
    return average(segments, context, each, context.unit("energy"), name)


def average(segments: Segments, context: Context, quantity: PerSample, unit: str, name: str) -> Measurement:
    """Mean over the settled parts of stages, with the uncertainty that follows from its autocorrelation."""
    values = production(segments, quantity)
    result = mean(values)
    return Measurement(
        value=result.value,
        uncertainty=result.uncertainty,
        unit=unit,
        dof=result.dof,
        natoms=int(segments[-1].samples.natoms[-1]),
        how=f"mean {name} over {len(values)} samples, {result.effective:.0f} of them independent, "
        f"of {sum(s.duration for s in segments):.4g} time units less equilibration",
    )


def tail_pressure(density: Floats, epsilon: float, sigma: float, cutoff: float) -> Floats:
    """Pressure (energy / volume) that a Lennard-Jones fluid has from pairs beyond the cutoff, where g(r) = 1.

    (16/3) pi rho^2 epsilon sigma^3 [(2/3) (sigma/rc)^9 - (sigma/rc)^3]
    (M. P. Allen and D. J. Tildesley, Computer Simulation of Liquids, 2nd ed., Oxford 2017, section 2.8).
    """
    if not (sigma > 0 and cutoff > 0):
        raise UsageError("a tail correction needs a positive sigma and cutoff")
    cubed = (sigma / cutoff) ** 3
    return np.asarray(16 / 3 * pi * density**2 * epsilon * sigma**3 * (2 / 3 * cubed**3 - cubed))
