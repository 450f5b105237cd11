"""Crystals at 0 K: the lattice constant of a relaxed state and of an equation of state."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from ase import Atoms
from ase.neighborlist import neighbor_list
from scipy.interpolate import CubicHermiteSpline, PchipInterpolator
from scipy.optimize import brentq

from mdevalbench.errors import Unmeasured
from mdevalbench.lammps.evidence import Floats, Frame, Segment
from mdevalbench.observables.ensemble import box_is_free
from mdevalbench.observables.estimator import Context, Evaluated, estimator
from mdevalbench.observables.honesty import max_force
from mdevalbench.observables.units import spoken_pressure
from mdevalbench.types import Measurement

STRAIN = 1e-3
"""linear strain of the finite difference that gives the bulk modulus"""
LEAST_CHANGE = 1e-4
"""linear strain below which a box was relaxed before"""
VIRIAL_TOLERANCE, NEGLIGIBLE = 1e-2, 1e-6
"""of the virial, and of the potential energy: how far the recorded virial may be from the potential's own"""


@dataclass(frozen=True, slots=True)
class Relaxation:
    """How far a static state is from equilibrium, as strains."""

    hydrostatic: float
    """linear strain that would bring the pressure to zero: P / (3 B)"""
    deviatoric: float
    """largest component of the traceless stress over the bulk modulus"""
    displacement: float
    """|F| / (B a^2) of the largest force: its displacement over the lattice constant, with a spring constant of B a"""
    bulk_modulus: float
    """energy / volume"""


@estimator("relaxed_lattice_constant")
def relaxed_lattice_constant(
    segments: tuple[Segment, ...],
    context: Context,
    atoms_per_cell: int = 4,
    max_strain: float = 5e-4,
    shell: Mapping[str, float] | None = None,
    virial_noise: float = NEGLIGIBLE,
) -> Measurement:
    """a = (V atoms_per_cell / N)^(1/3) of the last state, if that is in equilibrium under the task's own potential.

    The box must have been free to change during the stage or one before it: a memorised lattice constant and `run 0`
    relax nothing. What it followed when it last changed must be the task's own virial, for a relaxed state does not
    show by which interactions it was found. Stress, forces and bulk modulus of the state are computed by the harness;
    each deviation from equilibrium, told as a strain, must be at most `max_strain`. The uncertainty is the strain left
    by the residual pressure. `shell` = {within, neighbours} tells the crystal apart from others: every atom must have
    so many neighbours within so many lattice constants (fcc 0.85, 12; bcc 1.2, 14; diamond 0.6, 4). `virial_noise`,
    over the potential energy, is what a long-range solver of usual accuracy may add to the recorded virial.
    """
    frame = _last_frame(segments)
    past = [s for s in context.evidence.segments if s.loops[0].index <= segments[-1].loops[-1].index and s.steps > 0]
    free = [segment for segment in past if box_is_free(segment)]
    if not free:
        raise Unmeasured("the box was never free to relax: no fix box/relax, no barostat and no change of the cell")
    _check_what_it_followed(free, context, virial_noise)
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
    check_shell(frame, atoms_per_cell, shell)
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
    shell: Mapping[str, float] | None = None,
) -> Measurement:
    """Lattice constant at the minimum of the energy along static states of different volume.

    Static states are the ends of minimisations and of `run 0`, at `min_points` or more different volumes on both
    sides of the minimum. Their energies and pressures are recomputed under the task's own potential and interpolated
    between the two states next to the minimum, so that states far away do not matter. `shell` is that of
    `relaxed_lattice_constant`.
    """
    frames = _static_frames(segments)
    if len(frames) < min_points:
        raise Unmeasured(
            f"an equation of state needs static states at {min_points} or more volumes, there are {len(frames)}"
        )
    states = context.evaluate(frames)
    volumes = np.array([frame.cell.volume / frame.natoms for frame in frames])
    energies = np.array([state.energy / frame.natoms for state, frame in zip(states, frames, strict=True)])
    pressures = np.array(
        [static_pressure(state, frame.cell.volume) for state, frame in zip(states, frames, strict=True)]
    )
    volume, uncertainty, bulk_modulus = energy_minimum(volumes, energies, pressures)
    nearest = int(np.argmin(np.abs(volumes - volume)))
    a = (volume * atoms_per_cell) ** (1 / 3)
    displacement = max_force(states[nearest].forces) / (bulk_modulus * a**2)
    if not displacement <= max_displacement:
        raise Unmeasured("the states of the equation of state are not crystals at rest: there are forces on the atoms")
    check_shell(frames[nearest], atoms_per_cell, shell)
    return Measurement(
        value=a,
        uncertainty=a * uncertainty / (3 * volume),
        unit=context.unit("length"),
        natoms=frames[nearest].natoms,
        how=f"minimum of the energy between {len(frames)} static states of different volume",
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
    difference = static_pressure(tighter, volume * (1 - STRAIN) ** 3) - static_pressure(
        wider, volume * (1 + STRAIN) ** 3
    )
    bulk_modulus = difference / (6 * STRAIN)
    if not bulk_modulus > 0:
        raise Unmeasured("the last state is unstable or not bound: its bulk modulus is not positive")
    pressure = static_pressure(here, volume)
    stress = here.virial / volume - pressure * np.array([1, 1, 1, 0, 0, 0])
    a = lattice_constant(frame, atoms_per_cell)
    return Relaxation(
        hydrostatic=pressure / (3 * bulk_modulus),
        deviatoric=float(np.abs(stress).max()) / bulk_modulus,
        displacement=max_force(here.forces) / (bulk_modulus * a**2),
        bulk_modulus=bulk_modulus,
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


def energy_minimum(volumes: Floats, energies: Floats, pressures: Floats) -> tuple[float, float, float]:
    """Volume at the minimum of the energy, its standard uncertainty, and the bulk modulus there.

    From (P,) states with energies and static pressures -dE/dV, any order. Between the two states where the pressure
    changes its sign, the energy is the cubic that has both energies and both slopes. The uncertainty is the distance to
    the zero of the pressure as a shape-preserving cubic through all states, which does not use the energies.

    Raises `Unmeasured` if the pressure does not fall through zero within the volumes given.
    """
    order = np.argsort(volumes)
    v, e, p = volumes[order], energies[order], pressures[order]
    falls = np.flatnonzero((p[:-1] > 0) & (p[1:] <= 0))
    if not len(falls):
        raise Unmeasured("the energy has no minimum within the volumes that were scanned: scan on both sides of it")
    at = int(falls[0])
    slope = CubicHermiteSpline(v[at : at + 2], e[at : at + 2], -p[at : at + 2]).derivative()
    volume = brentq(slope, v[at], v[at + 1])
    independent = brentq(PchipInterpolator(v, p), v[at], v[at + 1])
    return float(volume), float(abs(volume - independent)), float(volume * slope(volume, 1))


def check_shell(frame: Frame, atoms_per_cell: int, shell: Mapping[str, float] | None) -> None:
    """Every atom must have `neighbours` others within `within` lattice constants, or it is another crystal.

    Raises `Unmeasured` if one has not; without a `shell` every crystal will do.
    """
    if shell is None:
        return
    cutoff = shell["within"] * lattice_constant(frame, atoms_per_cell)
    atoms = Atoms(positions=frame.positions, cell=frame.cell.vectors, pbc=frame.cell.periodic)
    first = neighbor_list("i", atoms, cutoff)  # type: ignore[no-untyped-call]
    counts = np.bincount(first, minlength=frame.natoms)
    if (counts != shell["neighbours"]).any():
        found = " to ".join(str(n) for n in sorted({int(counts.min()), int(counts.max())}))
        raise Unmeasured(
            f"this is not the crystal that was asked for: atoms have {found} neighbours within "
            f" {shell['within']:g} lattice constants instead of {shell['neighbours']:g}"
        )


def _check_what_it_followed(free: Sequence[Segment], context: Context, noise: float) -> None:
    """The last of the stages that changed the box must have done so under the task's own potential."""
    states = [[f for f in segment.frames if np.isfinite(f.virial).all()] for segment in free]
    changed = [frames for frames in states if frames and _strain(frames[0], frames[-1]) > LEAST_CHANGE]
    if not changed:
        return
    frame = changed[-1][0]
    own = context.evaluate([frame])[0]
    recorded, expected = float(frame.virial[:3].sum()), float(own.virial[:3].sum())
    if not abs(recorded - expected) <= VIRIAL_TOLERANCE * abs(expected) + noise * abs(own.energy):
        raise Unmeasured(
            "the box was relaxed under other interactions than the prescribed ones: their part of the pressure (the "
            f"virial) was {spoken_pressure(recorded, frame.cell.volume, context.units)} instead of "
            f"{spoken_pressure(expected, frame.cell.volume, context.units)}"
        )


def _strain(first: Frame, last: Frame) -> float:
    """Linear strain between the volumes per atom of two states."""
    return abs(float(np.log(last.cell.volume / last.natoms * first.natoms / first.cell.volume))) / 3


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


def static_pressure(state: Evaluated, volume: float) -> float:
    """Static pressure, energy / volume."""
    return float(state.virial[:3].sum()) / (3 * volume)
