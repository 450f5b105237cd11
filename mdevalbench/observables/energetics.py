"""Crystals at 0 K: the lattice constant of a relaxed state and of an equation of state."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import sqrt

import numpy as np

from mdevalbench.errors import Unmeasured
from mdevalbench.lammps.evidence import Floats, Frame, Segment
from mdevalbench.observables.ensemble import box_is_free
from mdevalbench.observables.estimator import Context, Evaluated, estimator
from mdevalbench.observables.honesty import max_force
from mdevalbench.types import Measurement

STRAIN = 1e-3
"""linear strain of the finite difference that gives the bulk modulus"""


@dataclass(frozen=True, slots=True)
class Relaxation:
    """How far a static state is from equilibrium, as strains."""

    hydrostatic: float
    """linear strain that would bring the pressure to zero: P / (3 B)"""
    deviatoric: float
    """largest component of the traceless stress over the bulk modulus"""
    displacement: float
    """|F| / (B a^2) of the largest force: its displacement over the lattice constant, with a spring constant of B a"""


@estimator("relaxed_lattice_constant")
def relaxed_lattice_constant(
    segments: tuple[Segment, ...], context: Context, atoms_per_cell: int = 4, max_strain: float = 5e-4
) -> Measurement:
    """a = (V atoms_per_cell / N)^(1/3) of the last state, if that is in static equilibrium under the task's own
    potential.

    The box must have been free to change during the stage or one before it: a memorised lattice constant and `run 0`
    relax nothing. Stress, forces and bulk modulus of the state are computed by the harness; each deviation from
    equilibrium, told as a strain, must be at most `max_strain`. The uncertainty is the strain left by the residual
    pressure.
    """
    frame = _last_frame(segments)
    past = [s for s in context.evidence.segments if s.loops[0].index <= segments[-1].loops[-1].index and s.steps > 0]
    if not any(box_is_free(segment) for segment in past):
        raise Unmeasured("the box was never free to relax: no fix box/relax, no barostat and no change of the cell")
    relaxation = relaxation_of(frame, context, atoms_per_cell)
    for name, strain in (
        ("pressure", relaxation.hydrostatic),
        ("shear or anisotropic stress", relaxation.deviatoric),
        ("largest force", relaxation.displacement),
    ):
        if not abs(strain) <= max_strain:
            raise Unmeasured(
                f"the last state is not relaxed: its {name} amounts to a strain of {abs(strain):.1e}, "
                f"allowed are {max_strain:.0e}"
            )
    a = lattice_constant(frame, atoms_per_cell)
    return Measurement(
        value=a,
        uncertainty=a * abs(relaxation.hydrostatic),
        unit=context.unit("length"),
        natoms=frame.natoms,
        how=f"cube root of the volume of {atoms_per_cell} atoms in the relaxed state of {frame.natoms} atoms",
    )


@estimator("equation_of_state_minimum")
def equation_of_state_minimum(
    segments: tuple[Segment, ...],
    context: Context,
    atoms_per_cell: int = 4,
    min_points: int = 5,
    max_displacement: float = 5e-4,
) -> Measurement:
    """Lattice constant at the minimum of a third-order Birch-Murnaghan equation of state through static states.

    Static states are the ends of minimisations and of `run 0`, at `min_points` or more different volumes on both
    sides of the minimum. Their energies are recomputed under the task's own potential. The Birch-Murnaghan energy (F.
    Birch, Phys. Rev. 71, 809 (1947)) is a cubic polynomial in V^(-2/3), so that the fit is linear; the uncertainty
    follows from its residuals.
    """
    frames = _static_frames(segments)
    if len(frames) < max(min_points, 4):
        raise Unmeasured(
            f"an equation of state needs static states at {min_points} or more volumes, there are {len(frames)}"
        )
    states = context.evaluate(frames)
    volumes = np.array([frame.cell.volume / frame.natoms for frame in frames])
    energies = np.array([state.energy / frame.natoms for state, frame in zip(states, frames, strict=True)])
    volume, uncertainty, bulk_modulus = birch_murnaghan_minimum(volumes, energies)
    nearest = int(np.argmin(np.abs(volumes - volume)))
    a = (volume * atoms_per_cell) ** (1 / 3)
    displacement = max_force(states[nearest].forces) / (bulk_modulus * a**2)
    if not displacement <= max_displacement:
        raise Unmeasured("the states of the equation of state are not crystals at rest: there are forces on the atoms")
    return Measurement(
        value=a,
        uncertainty=a * uncertainty / (3 * volume),
        unit=context.unit("length"),
        dof=float(len(frames) - 4) if len(frames) > 4 else None,
        natoms=frames[nearest].natoms,
        how=f"minimum of a Birch-Murnaghan equation of state through {len(frames)} static states",
    )


def lattice_constant(frame: Frame, atoms_per_cell: int) -> float:
    """Edge of the cube that holds `atoms_per_cell` atoms at the frame's density."""
    return float((frame.cell.volume * atoms_per_cell / frame.natoms) ** (1 / 3))


def relaxation_of(frame: Frame, context: Context, atoms_per_cell: int) -> Relaxation:
    """Distance of a static state from equilibrium under the task's own potential.

    The bulk modulus B = -V dP/dV is the central difference of the virial pressure between the state scaled by 1 + e
    and 1 - e. Raises `Unmeasured` if it is not positive: the state is then mechanically unstable or not bound.
    """
    here, wider, tighter = context.evaluate([frame, scaled(frame, 1 + STRAIN), scaled(frame, 1 - STRAIN)])
    volume = frame.cell.volume
    difference = _pressure(tighter, volume * (1 - STRAIN) ** 3) - _pressure(wider, volume * (1 + STRAIN) ** 3)
    bulk_modulus = difference / (6 * STRAIN)
    if not bulk_modulus > 0:
        raise Unmeasured("the last state is unstable or not bound: its bulk modulus is not positive")
    pressure = _pressure(here, volume)
    stress = here.virial / volume - pressure * np.array([1, 1, 1, 0, 0, 0])
    a = lattice_constant(frame, atoms_per_cell)
    return Relaxation(
        hydrostatic=pressure / (3 * bulk_modulus),
        deviatoric=float(np.abs(stress).max()) / bulk_modulus,
        displacement=max_force(here.forces) / (bulk_modulus * a**2),
    )


def scaled(frame: Frame, factor: float) -> Frame:
    """The frame with box and positions scaled by `factor` about the box origin."""
    origin = frame.cell.origin
    return replace(
        frame,
        cell=replace(frame.cell, vectors=frame.cell.vectors * factor),
        positions=origin + (frame.positions - origin) * factor,
        successor=None,
    )


def birch_murnaghan_minimum(volumes: Floats, energies: Floats) -> tuple[float, float, float]:
    """Volume at the minimum, its standard uncertainty, and the bulk modulus there, from (P,) points, P >= 4.

    Raises `Unmeasured` if the fitted energy has no minimum within the volumes given.
    """
    x = volumes ** (-2 / 3)
    centre, width = x.mean(), float(np.ptp(x)) / 2
    u = (x - centre) / width
    design = np.vander(u, 4)
    coefficients, *_ = np.linalg.lstsq(design, energies)
    first, second = np.polyder(coefficients), np.polyder(coefficients, 2)
    within = [root.real for root in np.roots(first) if abs(root.imag) < 1e-9 and abs(root.real) <= 1]
    minima = [root for root in within if np.polyval(second, root) > 0]
    if not minima:
        raise Unmeasured("the energy has no minimum within the volumes that were scanned: scan on both sides of it")
    at = minima[0]
    curvature = float(np.polyval(second, at))
    residuals = energies - design @ coefficients
    variance = float(residuals @ residuals) / max(len(x) - 4, 1)
    gradient = np.array([3 * at**2, 2 * at, 1.0, 0.0])
    spread = sqrt(variance * float(gradient @ np.linalg.inv(design.T @ design) @ gradient)) / curvature
    root = centre + width * at
    volume = root**-1.5
    slope = -1.5 * root**-2.5 * width  # dV/du
    return float(volume), float(abs(slope) * spread), float(volume * curvature / slope**2)


def _last_frame(segments: tuple[Segment, ...]) -> Frame:
    frames = [frame for segment in segments for frame in segment.frames]
    if not frames:
        raise Unmeasured("no state of the relaxation was recorded")
    return frames[-1]


def _static_frames(segments: tuple[Segment, ...]) -> list[Frame]:
    """Last frames of minimisations and of runs of no steps, one for each volume per atom."""
    found: dict[int, Frame] = {}
    for loop in (loop for segment in segments for loop in segment.loops):
        if loop.frames and (not loop.is_dynamics or loop.steps == 0):
            frame = loop.frames[-1]
            found[round(1e4 * np.log(frame.cell.volume / frame.natoms))] = frame
    return list(found.values())


def _pressure(state: Evaluated, volume: float) -> float:
    """Static pressure, energy / volume."""
    return float(state.virial[:3].sum()) / (3 * volume)
