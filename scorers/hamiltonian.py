"""The Hamiltonian check: did the script simulate the interactions that the task prescribes?

Recorded frames, taken at steps that the script cannot know, are recomputed with the task's own potential in a process
of the harness, and forces and virials compared. Where symmetry makes all forces vanish, energy differences between
frames decide (absolute energies may differ by a constant shift).
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from math import log10

import numpy as np

from mdevalbench.lammps.evidence import Frame
from mdevalbench.observables import Evaluated, ForceField

FORCE_TOLERANCE = 1e-3
"""largest accepted relative RMS deviation of forces, and relative deviation of virials and energy differences"""
NEGLIGIBLE = 1e-6
"""virials and energy differences below this fraction of the potential energy are not compared"""
FRAMES = 5
UNLIKE = 0.1
"""relative deviation beyond which interactions are others, and not the prescribed ones with a small mistake"""


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


def compare_interactions(frames: Sequence[Frame], forcefield: ForceField) -> Interactions:
    """Compare what frames recorded with the force field.

    Raises:
        Unmeasured: a frame cannot be evaluated (species that the task does not know, positions that are not finite).
    """
    if not frames:
        return Interactions(0.0, "no state was recorded in which the interactions could be checked")
    ours = forcefield.evaluate(frames)
    scale = max(float(np.sqrt(np.mean(e.forces**2))) for e in ours)
    pairs = list(zip(frames, ours, strict=True))
    wrong = next((w for f, own in pairs if (w := _wrong_forces(f, own, scale) or _wrong_virial(f, own))), None)
    wrong = wrong or _wrong_energies(frames, ours)
    return Interactions(1.0, None) if wrong is None else Interactions(_likeness(pairs), wrong)


def _likeness(pairs: Sequence[tuple[Frame, Evaluated]]) -> float:
    """From the worst deviation of forces; where symmetry leaves none, of virials over energies."""
    worst = FORCE_TOLERANCE
    for frame, own in pairs:
        force = float(np.sqrt(np.mean(own.forces**2)))
        energy = max(abs(own.energy), 1e-300)
        if force > NEGLIGIBLE * energy / frame.natoms:
            deviation = float(np.sqrt(np.mean((frame.forces - own.forces) ** 2))) / force
        else:
            deviation = abs(float((frame.virial[:3] - own.virial[:3]).sum())) / energy
        worst = max(worst, deviation) if np.isfinite(deviation) else UNLIKE
    return max(0.0, 1.0 - log10(worst / FORCE_TOLERANCE) / log10(UNLIKE / FORCE_TOLERANCE))


def _wrong_forces(frame: Frame, own: Evaluated, scale: float) -> str | None:
    deviation = float(np.sqrt(np.mean((frame.forces - own.forces) ** 2)))
    size = max(float(np.sqrt(np.mean(own.forces**2))), 1e-3 * scale, 1e-8 * abs(own.energy) / frame.natoms)
    if deviation <= FORCE_TOLERANCE * size:
        return None
    return (
        f"the forces are not those of the prescribed potential: they deviate by {100 * deviation / size:.3g} % (RMS) "
        f"at step {frame.step}"
    )


def _wrong_virial(frame: Frame, own: Evaluated) -> str | None:
    if not np.isfinite(frame.virial).all():
        return None
    recorded, expected = (float(v[:3].sum()) for v in (frame.virial, own.virial))
    allowed = FORCE_TOLERANCE * abs(expected) + NEGLIGIBLE * abs(own.energy)
    if abs(recorded - expected) <= allowed:
        return None
    return (
        f"the virial is not that of the prescribed potential at step {frame.step}: "
        f"{recorded:.6g} instead of {expected:.6g}"
    )


def _wrong_energies(frames: Sequence[Frame], ours: Sequence[Evaluated]) -> str | None:
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
        if abs(recorded - expected) > FORCE_TOLERANCE * abs(expected) + NEGLIGIBLE * abs(own.energy):
            return (
                f"the energy is not that of the prescribed potential: it changes by {recorded:.6g} "
                f"instead of {expected:.6g}"
            )
    return None
