"""Elastic constants of cubic crystals at 0 K, from the strained static states that a script visited.

Each state gives a strain and a stress in the axes of the cube, whatever its cell and its orientation, and whether the
script looked at stresses or at energies. Strains are Green-Lagrange strains E relative to the relaxed crystal, stresses
are second Piola-Kirchhoff stresses S under the task's own potential: neither knows of rotations, and
S = dU/dE per relaxed volume at any strain. All states together are described by

    S_I = -p + C_IJ E_J + 1/2 C_IJK E_J E_K      (Brugger, Phys. Rev. 133, A1611 (1964), doi:10.1103/PhysRev.133.A1611)

with the three constants C11, C12, C44 of a cubic crystal, its six third-order constants and a residual pressure p.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import sqrt

import numpy as np

from mdevalbench.errors import Unmeasured
from mdevalbench.lammps.evidence import Floats, Frame, Segment
from mdevalbench.observables.energetics import lattice_constant, scaled
from mdevalbench.observables.estimator import Context, Evaluated, estimator
from mdevalbench.observables.honesty import max_force
from mdevalbench.observables.strain import deformation
from mdevalbench.types import Measurement

MOST_STATES = 200
"""the last ones count; strained states come after the search for the relaxed one"""
LARGEST_STRAIN = 0.025
"""norm of E beyond which a state tells nothing of the linear response"""
LARGEST_MISFIT = 5e-3
"""relative distance of the best state's lattice constant from the relaxed one"""
LARGEST_UNCERTAINTY = 0.05
"""relative; above it the states do not determine the quantity"""
THIRD, FOURTH = 20.0, 100.0
"""usual size of third- and fourth-order constants, in bulk moduli (copper: -9, -6 and 70)"""
NUMERICAL = 1e-9
"""noise of a stress, in bulk moduli: what minimisers leave"""
UNKNOWN = 1e3
"""standard uncertainty, in bulk moduli, of what is not known beforehand"""
PROBE = 1e-4
"""strain at which the harness itself probes a relaxed crystal"""
FORCE_FREE = 1e-8
"""|F| / (B a^2): force below which symmetry keeps an atom in its place"""

_PAIRS = ((0, 0), (1, 1), (2, 2), (1, 2), (0, 2), (0, 1))
"""Voigt's order"""
_CONSTANTS = 3
"""unknowns of the fit: C11, C12, C44, then six of third order, then the residual pressure"""


@dataclass(frozen=True, slots=True)
class Moduli:
    """The three elastic constants of a cubic crystal."""

    constants: Floats
    """(3,) C11, C12, C44"""
    covariance: Floats
    """(3, 3)"""

    def of(self, quantity: Callable[[Floats], float]) -> tuple[float, float]:
        """A combination of the constants and its standard uncertainty."""
        steps = 1e-5 * np.abs(self.constants).max() * np.eye(3)
        slopes = [(quantity(self.constants + h) - quantity(self.constants - h)) / (2 * h.max()) for h in steps]
        variance = float(np.array(slopes) @ self.covariance @ np.array(slopes))
        return quantity(self.constants), sqrt(max(variance, 0.0))


@dataclass(frozen=True, slots=True)
class Strained:
    """Static states of one crystal."""

    strains: Floats
    """(n, 3, 3) Green-Lagrange strains relative to the relaxed crystal, in the axes of the cube"""
    stresses: Floats
    """(n, 3, 3) second Piola-Kirchhoff stresses"""
    bulk_modulus: float
    """of the relaxed crystal, in the unit of the stresses"""


def _young(direction: float) -> Callable[[Floats], float]:
    """Young's modulus along (l, m, n) with `direction` = l^2 m^2 + m^2 n^2 + n^2 l^2 (Nye, Physical Properties of
    Crystals, 1957, eq. VIII.16)."""

    def modulus(c: Floats) -> float:
        s11 = (c[0] + c[1]) / ((c[0] - c[1]) * (c[0] + 2 * c[1]))
        s12 = -c[1] / ((c[0] - c[1]) * (c[0] + 2 * c[1]))
        return float(1 / (s11 - 2 * (s11 - s12 - 0.5 / c[2]) * direction))

    return modulus


QUANTITIES: dict[str, Callable[[Floats], float]] = {
    "c11": lambda c: float(c[0]),
    "c12": lambda c: float(c[1]),
    "c44": lambda c: float(c[2]),
    "c_prime": lambda c: float(c[0] - c[1]) / 2,
    "zener_ratio": lambda c: float(2 * c[2] / (c[0] - c[1])),
    "young_100": _young(0.0),
    "young_110": _young(1 / 4),
    "young_111": _young(1 / 3),
}
"""what can be asked for, from C11, C12 and C44"""
_RATIOS = {"zener_ratio"}
_NEEDS = {
    "volume": ("a state of another volume", ("c11", "c12", "young_100", "young_110", "young_111")),
    "stretch": (
        "a state stretched along one cube axis more than along the others",
        ("c11", "c12", "c_prime", "zener_ratio", "young_100", "young_110", "young_111"),
    ),
    "shear": (
        "a state whose cube axes are no longer at right angles",
        ("c44", "zener_ratio", "young_110", "young_111"),
    ),
}
"""kind of strain -> how to say it, and what cannot be told without it"""


@estimator("elastic_constant")
def elastic_constant(
    segments: tuple[Segment, ...], context: Context, quantity: str, lattice: str = "fcc", atoms_per_cell: int = 4
) -> Measurement:
    """An elastic constant, or a combination of them, from static states with different strains.

    Static states are the ends of minimisations and of `run 0`. Their strains follow from their cells and atoms (any
    cell, any orientation, sheared or not), their stresses from the task's own potential. Of states with one strain the
    one with the lowest energy counts, so that inner displacements are as far relaxed as the script relaxed them. The
    relaxed lattice constant is that at which the best state's pressure would vanish. The constants are fitted with
    weights that fall with the strain, as terms of fourth order grow; third-order constants are fitted along, with no
    more knowledge beforehand than their usual size, so that the uncertainty tells what one-sided, large or misplaced
    strains leave open. `quantity` is one of `QUANTITIES`; `lattice` is fcc (also diamond, zincblende) or bcc.
    """
    frames, matrices = _perfect(_static_frames(segments), lattice, atoms_per_cell)
    states = context.evaluate(frames)
    factor = segments[0].settings.virial_to_pressure
    strained = _strained(frames, matrices, states, context, atoms_per_cell, factor)
    return _measurement(strained, quantity, context, frames[-1].natoms, f"{len(strained.strains)} static states")


@estimator("elastic_constant_born")
def elastic_constant_born(
    segments: tuple[Segment, ...], context: Context, quantity: str, lattice: str = "fcc", atoms_per_cell: int = 4
) -> Measurement:
    """The same for a script that differentiates the energy of one relaxed state (`compute born/matrix`).

    The harness strains the best static state itself. That is right only where symmetry keeps the atoms at their sites;
    strained states in which forces arise do not count.
    """
    if not any(c.words[0] == "compute" and "born/matrix" in c.words[3:4] for c in context.evidence.trace if c.words):
        raise Unmeasured("there is no compute born/matrix, and there are too few strained states")
    frames, _ = _perfect(_static_frames(segments), lattice, atoms_per_cell)
    states = context.evaluate(frames)
    best = frames[int(np.argmin([s.energy / f.natoms for s, f in zip(states, frames, strict=True)]))]
    relaxed, bulk_modulus = _relaxed(best, context, atoms_per_cell)
    probes = [best, *(_deformed(best, i, j, size) for i, j in _PAIRS for size in (PROBE, -PROBE))]
    tried = list(zip(probes, context.evaluate(probes), strict=True))
    at_rest = [(f, s) for f, s in tried if max_force(s.forces) < FORCE_FREE * bulk_modulus * relaxed**2]
    probes, found = [frame for frame, _ in at_rest], [state for _, state in at_rest]
    if not probes:
        raise Unmeasured("the Born matrix is asked for in a state whose atoms are not at rest")
    factor = segments[0].settings.virial_to_pressure
    matrices = [deformation(probe, lattice, atoms_per_cell) for probe in probes]
    strained = _strained(probes, matrices, found, context, atoms_per_cell, factor)
    return _measurement(strained, quantity, context, best.natoms, "a relaxed state, strained by the harness,")


def fit(strained: Strained) -> Moduli:
    """Elastic constants of strained states by weighted linear least squares; see the head of this file.

    Raises `Unmeasured` if there are no two states.
    """
    if len(strained.strains) < 2:
        raise Unmeasured(
            "the elastic response needs static states with different strains, and there are no two that differ from "
            f"the relaxed crystal by less than {100 * LARGEST_STRAIN:g} %"
        )
    rows = np.concatenate([_design(strain) for strain in strained.strains])
    stresses = np.concatenate([_voigt(stress) for stress in strained.stresses]) / strained.bulk_modulus
    size = np.repeat(np.linalg.norm(strained.strains, axis=(1, 2)), 6)
    noise = NUMERICAL + FOURTH * size**3
    known = np.diag([1 / UNKNOWN] * _CONSTANTS + [1 / THIRD] * 6 + [1 / UNKNOWN])
    solution, inverse = _solve(rows, stresses, noise, known)
    misfit = float(np.sqrt(np.mean(((rows @ solution - stresses) / noise) ** 2)))
    if misfit > 1:  # the states scatter more than strains of their size make them
        solution, inverse = _solve(rows, stresses, noise * misfit, known)
    scale = strained.bulk_modulus
    return Moduli(solution[:_CONSTANTS] * scale, (inverse @ inverse.T)[:_CONSTANTS, :_CONSTANTS] * scale**2)


def _solve(rows: Floats, values: Floats, noise: Floats, known: Floats) -> tuple[Floats, Floats]:
    """Solution (m,) of rows @ x = values with standard uncertainties, and the root (m, m + n) of its covariance."""
    stacked = np.concatenate([rows / noise[:, None], known])
    inverse = np.linalg.pinv(stacked, rcond=1e-15)
    return inverse @ np.concatenate([values / noise, np.zeros(len(known))]), inverse


def _design(strain: Floats) -> Floats:
    """(6, 10) derivatives of the stresses, in Voigt's order, with respect to the unknowns of the fit."""
    e1, e2, e3, e4, e5, e6 = _voigt(strain) * (1, 1, 1, 2, 2, 2)
    second = [
        (e1, e2 + e3, 0), (e2, e1 + e3, 0), (e3, e1 + e2, 0), (0, 0, e4), (0, 0, e5), (0, 0, e6),
    ]  # fmt: skip
    third = [  # C111, C112, C123, C144, C166, C456
        (e1**2 / 2, e1 * (e2 + e3) + (e2**2 + e3**2) / 2, e2 * e3, e4**2 / 2, (e5**2 + e6**2) / 2, 0),
        (e2**2 / 2, e2 * (e1 + e3) + (e1**2 + e3**2) / 2, e1 * e3, e5**2 / 2, (e4**2 + e6**2) / 2, 0),
        (e3**2 / 2, e3 * (e1 + e2) + (e1**2 + e2**2) / 2, e1 * e2, e6**2 / 2, (e4**2 + e5**2) / 2, 0),
        (0, 0, 0, e1 * e4, e4 * (e2 + e3), e5 * e6),
        (0, 0, 0, e2 * e5, e5 * (e1 + e3), e4 * e6),
        (0, 0, 0, e3 * e6, e6 * (e1 + e2), e4 * e5),
    ]
    pressure = [(-1,), (-1,), (-1,), (0,), (0,), (0,)]
    return np.array([a + b + c for a, b, c in zip(second, third, pressure, strict=True)], dtype=float)


def _measurement(strained: Strained, quantity: str, context: Context, natoms: int, what: str) -> Measurement:
    found = fit(strained)
    with np.errstate(all="ignore"):
        value, uncertainty = found.of(QUANTITIES[quantity])
    if not uncertainty <= LARGEST_UNCERTAINTY * abs(value):
        raise Unmeasured(_what_is_missing(strained, quantity, uncertainty / abs(value) if value else np.inf))
    return Measurement(
        value=value,
        uncertainty=uncertainty,
        unit="dimensionless" if quantity in _RATIOS else context.unit("pressure"),
        natoms=natoms,
        how=f"stress against strain of {what} about the relaxed crystal",
    )


def _what_is_missing(strained: Strained, quantity: str, relative: float) -> str:
    diagonal = np.diagonal(strained.strains, axis1=1, axis2=2)
    there = {
        "volume": np.abs(diagonal.sum(axis=1)).max(),
        "stretch": np.ptp(diagonal, axis=1).max(),
        "shear": np.abs(strained.strains[:, (0, 0, 1), (1, 2, 2)]).max(),
    }
    least = 1e-3 * max(there.values())
    missing = [words for kind, (words, wanted) in _NEEDS.items() if quantity in wanted and there[kind] <= least]
    if missing:
        return f"{quantity} cannot be told from the static states: there is no {' and no '.join(missing)[2:]}"
    return (
        f"the static states leave {quantity} open by {100 * min(relative, 9.99):.2g} %: they are strained too far, in "
        "one direction only, about another state than the relaxed one, or follow no linear law"
    )


def _static_frames(segments: Sequence[Segment]) -> list[Frame]:
    """Last frames of minimisations and of runs of no steps."""
    loops = [loop for segment in segments for loop in segment.loops]
    return [loop.frames[-1] for loop in loops if loop.frames and (not loop.is_dynamics or loop.steps == 0)][
        -MOST_STATES:
    ]


def _perfect(frames: Sequence[Frame], lattice: str, atoms_per_cell: int) -> tuple[list[Frame], list[Floats]]:
    """Frames that hold the crystal that was asked for, with their deformations. Raises `Unmeasured` if none does."""
    good: list[tuple[Frame, Floats]] = []
    why = "there is no static state: no minimisation and no run of no steps"
    for frame in frames:
        try:
            good.append((frame, deformation(frame, lattice, atoms_per_cell)))
        except Unmeasured as reason:
            why = str(reason)
    if not good:
        raise Unmeasured(why)
    return [frame for frame, _ in good], [matrix for _, matrix in good]


def _strained(
    frames: Sequence[Frame],
    matrices: Sequence[Floats],
    states: Sequence[Evaluated],
    context: Context,
    atoms_per_cell: int,
    virial_to_pressure: float,
) -> Strained:
    """Strains and stresses relative to the relaxed crystal, one for each strain, the lowest in energy.

    States in one cell are one state: the lowest in energy is the one whose atoms are best relaxed.

    Raises:
        Unmeasured: no state is near the relaxed crystal, or that is unstable.
    """
    energies = np.array([state.energy / frame.natoms for state, frame in zip(states, frames, strict=True)])
    order = np.argsort(energies, kind="stable")
    relaxed, bulk_modulus = _relaxed(frames[int(order[0])], context, atoms_per_cell)
    strains, stresses, cells = list[Floats](), list[Floats](), list[Floats]()
    for k in order:
        cell = frames[k].cell.vectors
        gradient = matrices[k] / relaxed
        strain = (gradient.T @ gradient - np.eye(3)) / 2
        if np.linalg.norm(strain) > LARGEST_STRAIN or any(np.abs(cell - c).max() < 1e-9 * relaxed for c in cells):
            continue
        back = np.linalg.inv(gradient)
        cauchy = -_tensor(states[k].virial) / frames[k].cell.volume * virial_to_pressure
        strains.append(strain)
        stresses.append(np.linalg.det(gradient) * back @ cauchy @ back.T)
        cells.append(cell)
    return Strained(np.array(strains), np.array(stresses), bulk_modulus * virial_to_pressure)


def _relaxed(best: Frame, context: Context, atoms_per_cell: int) -> tuple[float, float]:
    """Lattice constant at which the pressure of a state vanishes, and its bulk modulus in energy per volume.

    Raises:
        Unmeasured: the state is unstable or far from that lattice constant.
    """
    size = [1.0, 1 + PROBE, 1 - PROBE]
    found = context.evaluate([scaled(best, factor) for factor in size])
    pressure = [s.virial[:3].sum() / (3 * best.cell.volume * f**3) for s, f in zip(found, size, strict=True)]
    bulk_modulus = float(pressure[2] - pressure[1]) / (6 * PROBE)
    if not bulk_modulus > 0:
        raise Unmeasured("the best static state is unstable or not bound: its bulk modulus is not positive")
    misfit = float(pressure[0]) / (3 * bulk_modulus)
    if not abs(misfit) <= LARGEST_MISFIT:
        raise Unmeasured(
            "no static state is near the relaxed crystal: the lattice constant of the best one is off by "
            f"{100 * abs(misfit):.2g} %"
        )
    return lattice_constant(best, atoms_per_cell) * (1 + misfit), bulk_modulus


def _deformed(frame: Frame, i: int, j: int, size: float) -> Frame:
    """The frame with box and positions stretched along axis i = j, or sheared so that x_i grows with x_j (i < j)."""
    gradient = np.eye(3)
    gradient[i, j] += size
    origin = frame.cell.origin
    return replace(
        frame,
        cell=replace(frame.cell, vectors=frame.cell.vectors @ gradient.T),
        positions=origin + (frame.positions - origin) @ gradient.T,
        successor=None,
    )


def _tensor(virial: Floats) -> Floats:
    """(3, 3) from xx yy zz xy xz yz."""
    xx, yy, zz, xy, xz, yz = virial
    return np.array([[xx, xy, xz], [xy, yy, yz], [xz, yz, zz]])


def _voigt(tensor: Floats) -> Floats:
    """(6,) xx yy zz yz xz xy of a symmetric tensor."""
    return np.array([tensor[i, j] for i, j in _PAIRS])
