"""Crystals at 0 K: cohesive energy and bulk modulus, from the static states that a run visited."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.interpolate import CubicHermiteSpline

from mdevalbench.errors import Unmeasured
from mdevalbench.lammps.evidence import Cell, Floats, Frame, Segment
from mdevalbench.observables.energetics import (
    check_shell,
    energy_minimum,
    lattice_constant,
    relaxation_of,
    static_pressure,
)
from mdevalbench.observables.estimator import Context, Evaluated, estimator
from mdevalbench.observables.honesty import max_force
from mdevalbench.observables.units import convert
from mdevalbench.types import Measurement

MOST_STATES = 300
"""how many static states are looked at, the last ones"""
SAME_VOLUME = 1e-6
"""difference of ln V below which two states are one"""
ISOLATED_BOX = 20.0
"""edge of the box without periodic images that holds an isolated atom, in angstrom or sigma"""
BOUND = 0.5
"""of the largest binding energy: what is bound by less is vapour, an isolated atom or far from equilibrium"""
CUBIC_TERM = 5.0
"""of the energy over the harmonic one, per linear strain: about B', which is 4 to 7 in most solids"""


@dataclass(frozen=True, slots=True)
class StaticState:
    """The end of a minimisation or of a run of no steps, under the task's own potential."""

    frame: Frame
    evaluated: Evaluated

    @property
    def volume(self) -> float:
        """Volume per atom."""
        return self.frame.cell.volume / self.frame.natoms

    @property
    def energy(self) -> float:
        """Potential energy per atom."""
        return self.evaluated.energy / self.frame.natoms

    @property
    def pressure(self) -> float:
        """Minus the derivative of the energy by the volume, energy / volume."""
        return static_pressure(self.evaluated, self.frame.cell.volume)

    @property
    def deviatoric(self) -> float:
        """Largest component of the traceless stress, energy / volume."""
        stress = self.evaluated.virial / self.frame.cell.volume
        return float(np.abs(stress - self.pressure * np.array([1, 1, 1, 0, 0, 0])).max())

    def displacement(self, bulk_modulus: float, atoms_per_cell: int) -> float:
        """Displacement over the lattice constant that the largest force amounts to, with a spring constant of B a."""
        a = lattice_constant(self.frame, atoms_per_cell)
        return max_force(self.evaluated.forces) / (bulk_modulus * a**2)


@estimator("cohesive_energy")
def cohesive_energy(
    segments: tuple[Segment, ...],
    context: Context,
    atoms_per_cell: int = 4,
    max_strain: float = 5e-3,
    shell: Mapping[str, float] | None = None,
) -> Measurement:
    """Energy per atom that takes a crystal apart into isolated atoms, from the static state of lowest energy.

    E_c = sum over species of x_s E_s(isolated) - E / N, all under the task's own potential, which may give an isolated
    atom an energy of its own. Stress, forces and bulk modulus of the state tell how far it is from equilibrium; each
    deviation, as a linear strain, must be at most `max_strain`. The energy of a residual pressure, P^2 V / (2 B) where
    the crystal is harmonic, is taken off; the uncertainty is the size of the next term. `shell` is that of
    `relaxed_lattice_constant`.
    """
    best = min(static_states(segments, context), key=lambda state: state.energy)
    relaxation = relaxation_of(best.frame, context, atoms_per_cell)
    strain = max(abs(relaxation.hydrostatic), relaxation.deviatoric, relaxation.displacement)
    if not strain <= max_strain:
        raise Unmeasured(
            f"no static state of the crystal is in equilibrium: in that of the lowest energy, pressure, shear or forces"
            f" amount to a strain of {strain:.1e}, allowed are {max_strain:.0e}"
        )
    check_shell(best.frame, atoms_per_cell, shell)
    excess = abs(1.5 * relaxation.hydrostatic * best.pressure * best.volume)  # P^2 V / (2 B) with B = P / (3 strain)
    return Measurement(
        value=isolated_energy(best.frame, context) - best.energy + excess,
        uncertainty=CUBIC_TERM * abs(relaxation.hydrostatic) * excess,
        unit=context.unit("energy"),
        natoms=best.frame.natoms,
        how=f"isolated atoms less the static crystal of lowest energy, {best.frame.natoms} atoms",
    )


@estimator("equation_of_state_cohesive_energy")
def equation_of_state_cohesive_energy(
    segments: tuple[Segment, ...],
    context: Context,
    atoms_per_cell: int = 4,
    min_points: int = 5,
    max_strain: float = 5e-3,
    shell: Mapping[str, float] | None = None,
) -> Measurement:
    """`cohesive_energy` at the minimum of the energy along static states of `min_points` or more volumes.

    Between the two states next to the minimum the energy is the cubic that has both energies and both pressures, so
    that states far away do not matter. The uncertainty is the energy by which the minimum of that cubic and the zero of
    the pressure, interpolated without the energies, differ.
    """
    states = static_states(segments, context)
    best = min(states, key=lambda state: state.energy)
    isolated = isolated_energy(best.frame, context)
    states = [s for s in states if isolated - s.energy > BOUND * (isolated - best.energy)]
    if len(states) < min_points:
        raise Unmeasured(
            f"an equation of state needs static states at {min_points} or more volumes, there are {len(states)}"
        )
    v, e, p = np.array([(s.volume, s.energy, s.pressure) for s in states]).T
    volume, off, bulk_modulus = energy_minimum(v, e, p)
    nearest = states[int(np.argmin(np.abs(v - volume)))]
    strain = max(nearest.deviatoric / bulk_modulus, nearest.displacement(bulk_modulus, atoms_per_cell))
    if not strain <= max_strain:
        raise Unmeasured("the states of the equation of state are not crystals at rest: there is shear, or forces")
    check_shell(nearest.frame, atoms_per_cell, shell)
    return Measurement(
        value=isolated - _energy_at(volume, v, e, p),
        uncertainty=0.5 * bulk_modulus * off**2 / volume,
        unit=context.unit("energy"),
        natoms=nearest.frame.natoms,
        how=f"isolated atoms less the minimum of the energy between {len(states)} static crystals",
    )


def static_states(segments: Sequence[Segment], context: Context) -> list[StaticState]:
    """The crystals at the ends of minimisations and of runs of no steps, by volume; of equal volumes the best bound.

    Atoms in boxes that are not periodic are no crystals. Raises `Unmeasured` if there is none.
    """
    loops = [loop for segment in segments for loop in segment.loops]
    ends = [loop.frames[-1] for loop in loops if loop.frames and (not loop.is_dynamics or loop.steps == 0)]
    frames = [
        f for f in ends if f.natoms and all(f.cell.periodic) and f.cell.volume > 0 and np.isfinite(f.positions).all()
    ][-MOST_STATES:]
    states = [StaticState(*pair) for pair in zip(frames, context.evaluate(frames), strict=True)]
    found: dict[int, StaticState] = {}
    for state in sorted((s for s in states if np.isfinite(s.energy)), key=lambda s: s.energy):
        found.setdefault(round(np.log(state.volume) / SAME_VOLUME), state)
    if not found:
        raise Unmeasured("no static state of a periodic crystal was recorded")
    return sorted(found.values(), key=lambda state: state.volume)


def isolated_energy(frame: Frame, context: Context) -> float:
    """Energy per atom of the atoms of a frame when they are taken infinitely far apart, each by itself."""
    edge = ISOLATED_BOX
    if context.units != "lj":
        edge = convert(edge, "angstrom", context.unit("length"))
    _, first, counts = np.unique(frame.masses, return_index=True, return_counts=True)
    alone = [_alone(frame, int(atom), edge) for atom in first]
    energies = [evaluated.energy for evaluated in context.evaluate(alone)]
    return float(np.dot(energies, counts) / frame.natoms)


def _alone(frame: Frame, atom: int, edge: float) -> Frame:
    """One atom of a frame in a box without periodic images."""
    one = slice(atom, atom + 1)
    return replace(
        frame,
        cell=Cell(np.eye(3) * edge, np.zeros(3), (False, False, False)),
        ids=np.ones(1, dtype=np.int64),
        types=frame.types[one],
        masses=frame.masses[one],
        integrated=frame.integrated[one],
        positions=np.full((1, 3), edge / 2),
        velocities=np.zeros((1, 3)),
        forces=np.zeros((1, 3)),
        applied=None,
        successor=None,
    )


def _energy_at(volume: float, volumes: Floats, energies: Floats, pressures: Floats) -> float:
    """The cubic with both energies and slopes of the states next to a volume; volumes ascend."""
    above = int(np.clip(np.searchsorted(volumes, volume), 1, len(volumes) - 1))
    pair = slice(above - 1, above + 1)
    return float(CubicHermiteSpline(volumes[pair], energies[pair], -pressures[pair])(volume))
