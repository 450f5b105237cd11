"""The bulk modulus of a crystal at 0 K, from the static states that a run visited."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.polynomial import Polynomial

from mdevalbench.errors import Unmeasured
from mdevalbench.lammps.evidence import Floats, Segment
from mdevalbench.observables.cohesion import StaticState, static_states
from mdevalbench.observables.energetics import check_shell, relaxation_of
from mdevalbench.observables.estimator import Context, estimator
from mdevalbench.observables.units import convert
from mdevalbench.types import Measurement

CONNECTED = 0.25
"""distance in ln V from the state of lowest energy beyond which a state is another crystal or no crystal"""
NEARBY, MOST, FEWEST = 0.04, 9, 4
"""distance in ln V from zero pressure within which states count; how many at most, and how many where they lie apart"""
BEYOND = 3e-3
"""ln V by which zero pressure may lie outside the volumes that were visited"""
ENOUGH = 5
"""states nearby through which a cubic is better than a parabola"""
LARGEST_UNCERTAINTY = 0.01
"""of B from two states alone"""
UNKNOWN_SLOPE = 2.0
"""how far B' may be from 4, which two states cannot tell"""
LARGEST_SLOPE = 8.0
"""B' of Lennard-Jones crystals; that of others is smaller"""
ISOTROPIC, DISTORTED = 1e-3, 0.05
"""deviatoric stress over the bulk modulus: of scaled copies of one crystal, and of distorted ones that still count"""


@estimator("bulk_modulus")
def bulk_modulus(
    segments: tuple[Segment, ...],
    context: Context,
    atoms_per_cell: int = 4,
    max_displacement: float = 5e-4,
    shell: Mapping[str, float] | None = None,
) -> Measurement:
    """B = -V dP/dV at zero pressure, from the pressures of static states of different volume.

    The pressures are those of the task's own potential. With t = (V1/V)^(2/3) - 1, q = 3 P V / (2 (1 + t)) is the
    derivative of the energy by t; for a Birch-Murnaghan equation of state of third order it is a parabola. A parabola
    through the states next to zero pressure (a cubic where they are many or lie apart) gives B = 4/9 (1 + t)^2 q'(t) /
    V at its root. States that are scaled copies of one crystal count if there are three of them; otherwise distorted
    ones, too: in a cubic crystal the mean pressure depends on the volume alone, to first order in any strain. The
    uncertainty is the difference to a polynomial of one degree less. `shell` is that of `relaxed_lattice_constant`.
    """
    states = _connected(static_states(segments, context))
    used, center = _near_equilibrium(states)
    volumes, pressures = (np.array([getattr(s, name) for s in used]) for name in ("volume", "pressure"))
    value, uncertainty = zero_pressure_modulus(volumes, pressures)
    if not max(s.displacement(value, atoms_per_cell) for s in used) <= max_displacement:
        raise Unmeasured("the compressed states are not crystals at rest: there are forces on the atoms")
    check_shell(center.frame, atoms_per_cell, shell)
    return _measurement(
        value, uncertainty, context, center.frame.natoms, f"slope of the pressure of {len(used)} static states"
    )


@estimator("bulk_modulus_at_rest")
def bulk_modulus_at_rest(
    segments: tuple[Segment, ...],
    context: Context,
    atoms_per_cell: int = 4,
    max_strain: float = 5e-4,
    shell: Mapping[str, float] | None = None,
) -> Measurement:
    """B of the static state of lowest energy, for runs that obtain it there from second derivatives.

    The state must be relaxed: pressure, shear and forces, told as strains, at most `max_strain`. B is the harness's own
    central difference between the state scaled by 1 + e and 1 - e. The uncertainty is the change of B over the residual
    strain, for a large B'.
    """
    best = min(static_states(segments, context), key=lambda state: state.energy)
    relaxation = relaxation_of(best.frame, context, atoms_per_cell)
    strain = max(abs(relaxation.hydrostatic), relaxation.deviatoric, relaxation.displacement)
    if not strain <= max_strain:
        raise Unmeasured(
            "no static state is relaxed: in that of the lowest energy, pressure, shear or forces amount to a strain "
            f"of {strain:.1e}, allowed are {max_strain:.0e}"
        )
    check_shell(best.frame, atoms_per_cell, shell)
    value, natoms = relaxation.bulk_modulus, best.frame.natoms
    how = f"change of the pressure of the relaxed state with the volume, {natoms} atoms"
    return _measurement(value, 3 * LARGEST_SLOPE * abs(relaxation.hydrostatic) * value, context, natoms, how)


def zero_pressure_modulus(volumes: Floats, pressures: Floats) -> tuple[float, float]:
    """B at zero pressure and its uncertainty, from (P,) volumes per atom and pressures in any order.

    Raises `Unmeasured` if zero pressure lies outside the volumes, or the states are too few, or two too far apart.
    """
    if len(volumes) < 2:
        raise Unmeasured("a derivative by the volume needs static states at several volumes near zero pressure")
    spread = float(np.ptp(np.log(volumes)))
    unit = float(volumes[np.argmin(np.abs(pressures))])
    t = (unit / volumes) ** (2 / 3) - 1
    q = 1.5 * pressures * volumes / (1 + t)
    if len(t) == 2:
        return _from_two(t, q, spread, unit)
    degree = min(len(t) - 1, 3 if spread > 2 * NEARBY or len(t) >= ENOUGH else 2)
    best, lower = (_modulus_of(Polynomial.fit(t, q, d), t, unit)[0] for d in (degree, degree - 1))
    return best, abs(best - lower)


def _from_two(t: Floats, q: Floats, spread: float, unit: float) -> tuple[float, float]:
    """A line through two states: right in the middle between them, and off by the distance of zero pressure from it."""
    modulus, root = _modulus_of(Polynomial.fit(t, q, 1), t, unit)
    relative = UNKNOWN_SLOPE * 1.5 * abs(float(t.mean()) - root) + spread**2
    if relative > LARGEST_UNCERTAINTY:
        raise Unmeasured(
            f"the states at two volumes leave the bulk modulus open by {100 * relative:.2g} %: they are too far from "
            "each other, or zero pressure does not lie between them; three volumes are better"
        )
    return modulus, relative * modulus


def _modulus_of(q: Polynomial, t: Floats, unit: float) -> tuple[float, float]:
    """4/9 (1 + t)^2 q'(t) / V at the root of q next to the states at `t`, and that root."""
    margin = 2 / 3 * BEYOND
    roots = q.roots()
    real = roots[np.abs(np.imag(roots)) < 1e-12].real
    inside = real[(real >= t.min() - margin) & (real <= t.max() + margin)]
    if not len(inside):
        raise Unmeasured(
            "the pressure has no zero within the volumes that were visited: compress and stretch both ways"
        )
    root = float(inside[np.argmin(np.abs(inside))])
    modulus = float(4 / 9 * (1 + root) ** 3.5 * q.deriv()(root) / unit)  # V = unit / (1 + t)^(3/2)
    if not modulus > 0:
        raise Unmeasured("the crystal is unstable: its pressure rises with the volume")
    return modulus, root


def _connected(states: Sequence[StaticState]) -> list[StaticState]:
    """States not too far in volume from that of lowest energy."""
    best = min(states, key=lambda state: state.energy)
    return [s for s in states if abs(np.log(s.volume / best.volume)) <= CONNECTED]


def _near_equilibrium(states: Sequence[StaticState]) -> tuple[list[StaticState], StaticState]:
    """The states that count, and that of lowest energy."""
    center = min(states, key=lambda state: state.energy)
    others = sorted((s for s in states if s is not center), key=lambda s: abs(np.log(s.volume / center.volume)))
    if not others:
        raise Unmeasured("a derivative by the volume needs static states at several volumes, there is one")
    slope = (center.pressure - others[0].pressure) / float(np.log(others[0].volume / center.volume))
    if not slope > 0:
        raise Unmeasured("the crystal is unstable: its pressure rises with the volume")
    equilibrium = float(np.log(center.volume)) + center.pressure / slope
    copies = [s for s in states if s.deviatoric <= ISOTROPIC * slope]
    usable = copies if len(copies) >= 3 else [s for s in states if s.deviatoric <= DISTORTED * slope]
    ordered = sorted(usable, key=lambda s: abs(float(np.log(s.volume)) - equilibrium))
    near = [s for s in ordered if abs(float(np.log(s.volume)) - equilibrium) <= NEARBY]
    return near[:MOST] if len(near) >= FEWEST else ordered[:FEWEST], center


def _measurement(value: float, uncertainty: float, context: Context, natoms: int, how: str) -> Measurement:
    """In the script's unit of pressure."""
    unit = context.unit("pressure")
    factor = convert(1.0, f"{context.unit('energy')}/{context.unit('length')}^3", unit)
    return Measurement(value=value * factor, uncertainty=uncertainty * factor, unit=unit, natoms=natoms, how=how)
