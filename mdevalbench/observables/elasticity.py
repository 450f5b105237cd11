"""Elastic constants of cubic crystals at 0 K, measured from the strained static states that a script visited.

Each state gives a strain and a stress in the axes of the cube, whatever its cell and its orientation, and whether the
script looked at stresses or at energies. Strains are Green-Lagrange strains relative to the relaxed crystal, stresses
second Piola-Kirchhoff stresses under the task's own potential: neither knows of rotations.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from mdevalbench.errors import Unmeasured
from mdevalbench.lammps.evidence import Floats, Frame, Segment
from mdevalbench.observables.energetics import lattice_constant, scaled
from mdevalbench.observables.estimator import Context, Evaluated, estimator
from mdevalbench.observables.honesty import max_force
from mdevalbench.observables.moduli import PAIRS, QUANTITIES, Strained, fit
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
PROBE = 1e-4
"""strain at which the harness itself probes a relaxed crystal"""
FORCE_FREE = 1e-8
"""|F| / (B a^2): force below which symmetry keeps an atom in its place"""

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
    cell, any orientation, sheared or not), their energies and stresses from the task's own potential. Of states in one
    cell the one with the lowest energy counts, so that inner displacements are as far relaxed as the script relaxed
    them. The relaxed lattice constant is that at which the best state's pressure would vanish. The constants are fitted
    to energies and stresses with weights that fall with the strain, as terms of fourth order grow; third-order
    constants are fitted along, with no more knowledge beforehand than their usual size, so that the uncertainty tells
    what few, large or misplaced strains leave open. `quantity` is one of `QUANTITIES`; `lattice` is fcc (also diamond,
    zincblende) or bcc.
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
    probes = [best, *(_deformed(best, i, j, size) for i, j in PAIRS for size in (PROBE, -PROBE))]
    tried = list(zip(probes, context.evaluate(probes), strict=True))
    at_rest = [(f, s) for f, s in tried if max_force(s.forces) < FORCE_FREE * bulk_modulus * relaxed**2]
    probes, found = [frame for frame, _ in at_rest], [state for _, state in at_rest]
    if not probes:
        raise Unmeasured("the Born matrix is asked for in a state whose atoms are not at rest")
    factor = segments[0].settings.virial_to_pressure
    matrices = [deformation(probe, lattice, atoms_per_cell) for probe in probes]
    strained = _strained(probes, matrices, found, context, atoms_per_cell, factor)
    return _measurement(strained, quantity, context, best.natoms, "a relaxed state, strained by the harness,")


def _measurement(strained: Strained, quantity: str, context: Context, natoms: int, what: str) -> Measurement:
    found = fit(strained)
    with np.errstate(all="ignore"):
        value, uncertainty = found.of(QUANTITIES[quantity])
    if not uncertainty <= LARGEST_UNCERTAINTY * abs(value):
        raise Unmeasured(_what_is_missing(strained, quantity, uncertainty / abs(value) if value else np.nan))
    return Measurement(
        value=value,
        uncertainty=uncertainty,
        unit="dimensionless" if quantity in _RATIOS else context.unit("pressure"),
        natoms=natoms,
        how=f"energy and stress against strain of {what} about the relaxed crystal",
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
        return f"{quantity} cannot be told from the static states: there is not {' and not '.join(missing)}"
    open_by = f"{100 * relative:.2g} %" if relative < 1 else "as much as its own size"
    return (
        f"the static states leave {quantity} open by {open_by}: they are strained too far, in one "
        "direction only, about another state than the relaxed one, or follow no linear law"
    )


def _static_frames(segments: Sequence[Segment]) -> list[Frame]:
    """Last frames of minimisations and of runs of no steps."""
    loops = [loop for segment in segments for loop in segment.loops if loop.frames]
    frames = [loop.frames[-1] for loop in loops if not loop.is_dynamics or loop.steps == 0]
    return frames[-MOST_STATES:]


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
        Unmeasured: no state is near the relaxed crystal, or that is unstable, or there is no other one.
    """
    energies = np.array([state.energy / frame.natoms for state, frame in zip(states, frames, strict=True)])
    order = np.argsort(energies, kind="stable")
    relaxed, bulk_modulus = _relaxed(frames[int(order[0])], context, atoms_per_cell)
    strains, stresses, used, cells = list[Floats](), list[Floats](), list[int](), list[Floats]()
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
        used.append(int(k))
    if len(strains) < 2:
        raise Unmeasured(
            "the elastic response needs static states with different strains, and there are no two that differ from "
            f"the relaxed crystal by less than {100 * LARGEST_STRAIN:g} %"
        )
    density = (energies[used] - energies[order[0]]) * atoms_per_cell / relaxed**3 * virial_to_pressure
    return Strained(np.array(strains), np.array(stresses), density, bulk_modulus * virial_to_pressure)


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
