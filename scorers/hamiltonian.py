"""The Hamiltonian check: did the script simulate the interactions that the task prescribes?

Recorded frames, taken at steps that the script cannot know, are recomputed with the task's own potential in a process
of the harness, and forces and virials compared. Where symmetry makes all forces vanish, energy differences between
frames decide (absolute energies may differ by a constant shift).

How near is near enough is the task's own word (`potential.within`). Long-range solvers have errors of their own, which
do not vanish where forces and virials do; they are measured against the force and the energy that charges have on each
other at the distance between atoms.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from math import log10

import numpy as np

from mdevalbench.lammps.evidence import Frame
from mdevalbench.lammps.forcefield import PotentialForceField
from mdevalbench.observables import Evaluated
from mdevalbench.observables.units import spoken_pressure

NEGLIGIBLE = 1e-6
"""virials and energy differences below this fraction of the potential energy are not compared"""
FRAMES = 5
UNLIKE = 0.1
"""relative deviation beyond which interactions are others, and not the prescribed ones with a small mistake"""


@dataclass(frozen=True, slots=True)
class _Allowed:
    """How far recorded interactions may be from the prescribed ones."""

    relative: float
    """RMS deviation of forces, and deviation of virials and energy differences, relative to the prescribed ones"""
    long_range: bool

    def noise(self, own: Evaluated) -> float:
        """Deviation of a virial or an energy difference that is always accepted, energy units."""
        return abs(own.energy) * (self.relative if self.long_range else NEGLIGIBLE)

    def least_force(self, frame: Frame, own: Evaluated) -> float:
        """Size below which forces count as zero: from that on, deviations are not relative to them."""
        spacing = (frame.cell.volume / frame.natoms) ** (1 / 3) if self.long_range else 1e8
        return abs(own.energy) / frame.natoms / spacing


@dataclass(frozen=True, slots=True)
class Interactions:
    """How far recorded interactions are those that the task prescribes."""

    likeness: float
    """1 within the tolerance, falling with the logarithm of the deviation to 0 at `UNLIKE`"""
    wrong: str | None
    """in plain words; None if they are the prescribed ones"""


def choose_frames(frames: Sequence[Frame], count: int = FRAMES) -> list[Frame]:
    """Frames whose forces are those of the interactions alone: the first, the last, and others at random, in order."""
    clean = [frame for frame in frames if frame.forces_clean and frame.natoms > 0]
    if len(clean) <= count:
        return clean
    inner = random.SystemRandom().sample(range(1, len(clean) - 1), count - 2)
    return [clean[i] for i in (0, *sorted(inner), len(clean) - 1)]


def compare_interactions(frames: Sequence[Frame], forcefield: PotentialForceField) -> Interactions:
    """Compare what frames recorded with the force field.

    Raises:
        Unmeasured: a frame cannot be evaluated (species that the task does not know, positions that are not finite).
    """
    if not frames:
        return Interactions(0.0, "no state was recorded in which the interactions could be checked")
    frames = [frame.as_computed for frame in frames]
    allowed = _Allowed(forcefield.within, bool(forcefield.kspace_style))
    ours = forcefield.evaluate(frames)
    scale = max(float(np.sqrt(np.mean(e.forces**2))) for e in ours)
    pairs = list(zip(frames, ours, strict=True))
    units = forcefield.frame_units
    found = (_wrong_forces(f, own, scale, allowed) or _wrong_virial(f, own, allowed, units) for f, own in pairs)
    wrong = next(filter(None, found), None) or _wrong_energies(frames, ours, allowed)
    return Interactions(1.0, None) if wrong is None else Interactions(_likeness(pairs, allowed), wrong)


def _likeness(pairs: Sequence[tuple[Frame, Evaluated]], allowed: _Allowed) -> float:
    """From the worst deviation of forces; where symmetry leaves none, of virials over energies."""
    worst = allowed.relative
    for frame, own in pairs:
        force = float(np.sqrt(np.mean(own.forces**2)))
        energy = abs(own.energy)
        if force > NEGLIGIBLE * energy / frame.natoms:
            deviation = float(np.sqrt(np.mean((frame.forces - own.forces) ** 2))) / force
        elif energy:
            deviation = abs(float((frame.virial[:3] - own.virial[:3]).sum())) / energy
        else:
            deviation = UNLIKE if frame.forces.any() else 0.0
        worst = max(worst, deviation) if np.isfinite(deviation) else UNLIKE
    return max(0.0, 1.0 - log10(worst / allowed.relative) / log10(UNLIKE / allowed.relative))


def _wrong_forces(frame: Frame, own: Evaluated, scale: float, allowed: _Allowed) -> str | None:
    deviation = float(np.sqrt(np.mean((frame.forces - own.forces) ** 2)))
    size = max(float(np.sqrt(np.mean(own.forces**2))), 1e-3 * scale, allowed.least_force(frame, own))
    if deviation <= allowed.relative * size:
        return None
    off = (
        f"they deviate by {100 * deviation / size:.3g} % (RMS; {100 * allowed.relative:g} % are allowed)"
        if size
        else "there should be none"
    )
    return f"the forces are not those of the prescribed potential: {off} at step {frame.step}"


def _wrong_virial(frame: Frame, own: Evaluated, allowed: _Allowed, units: str) -> str | None:
    if not np.isfinite(frame.virial).all():
        return None
    recorded, expected = (float(v[:3].sum()) for v in (frame.virial, own.virial))
    if abs(recorded - expected) <= allowed.relative * abs(expected) + allowed.noise(own):
        return None
    return (
        "the interactions' part of the pressure (the virial) is not that of the prescribed potential: "
        f"{spoken_pressure(recorded, frame.cell.volume, units)} instead of "
        f"{spoken_pressure(expected, frame.cell.volume, units)} at step {frame.step}"
    )


def _wrong_energies(frames: Sequence[Frame], ours: Sequence[Evaluated], allowed: _Allowed) -> str | None:
    """Only for frames without forces: elsewhere a shifted cutoff, which leaves forces alone, changes them too."""
    force = max(float(np.abs(own.forces).max(initial=0.0)) for own in ours)
    states = [(f, o) for f, o in zip(frames, ours, strict=True) if np.isfinite(f.potential_energy)]
    if len(states) < 2 or force > NEGLIGIBLE * max(abs(o.energy) / f.natoms for f, o in states):
        return None
    first, own_first = states[0]
    for frame, own in states[1:]:
        if frame.natoms != first.natoms:
            continue
        recorded, expected = frame.potential_energy - first.potential_energy, own.energy - own_first.energy
        if abs(recorded - expected) > allowed.relative * abs(expected) + allowed.noise(own):
            return (
                "the energy is not that of the prescribed potential: its change between two states deviates by "
                f"{_percent(recorded, expected)}"
            )
    return None


def _percent(recorded: float, expected: float) -> str:
    return f"{100 * abs(recorded / expected - 1):.3g} %" if expected else "all of it"
