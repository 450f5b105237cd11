"""Defects of crystals at 0 K: the formation energy of a vacancy and the energy of a surface.

Both compare a relaxed state with the defect with the run's own relaxed perfect crystal. Which state is which is told
from the positions alone: by the number of neighbours of each atom, the volume per site and gaps that are free of atoms.
All energies are recomputed under the task's own potential.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from ase import Atoms
from ase.neighborlist import neighbor_list

from mdevalbench.errors import Unmeasured
from mdevalbench.lammps.evidence import Bools, Floats, Frame, Ints, Segment
from mdevalbench.observables.energetics import STRAIN, lattice_constant, relaxation_of, scaled
from mdevalbench.observables.estimator import Context, Evaluated, estimator
from mdevalbench.types import Measurement

MOST_ATOMS = 20000
"""larger states are left out: no task needs them, and counting the neighbours of collapsed ones takes long"""
MOST_STATES = 60
"""how many static states are looked at, the last ones"""
SAME_SYSTEM = 1e-3
"""linear strain up to which two states of equally many atoms belong to one relaxation"""
SHIFT = 0.0823
"""of the box: planes of atoms are moved away from its boundaries"""
LAYER = 0.2
"""of the lattice constant: distance within which atoms belong to the outermost layer; other layers are 0.28 away"""
FACE = 0.03
"""half the logarithm of the area per atom of a layer by which a face may deviate; faces differ by 0.07 and more"""


@dataclass(frozen=True, slots=True)
class Bulk:
    """The relaxed perfect crystal."""

    energy: float
    """per atom"""
    uncertainty: float
    """of the energy per atom: the strain energy of what is left of the pressure"""
    a: float
    """edge of the cube that holds the atoms of one unit cell"""
    stiffness: float
    """B a, energy / length^2: about the spring constant that holds an atom in its place"""


@dataclass(frozen=True, slots=True)
class Slab:
    """A crystal between two free surfaces."""

    frame: Frame
    heights: Floats
    """(N,) along the normal of the surfaces, from the lowest atom upwards"""
    area: float
    """of one surface"""


@estimator("vacancy_formation_energy")
def vacancy_formation_energy(
    segments: tuple[Segment, ...],
    context: Context,
    atoms_per_cell: int,
    shell: Mapping[str, float],
    min_sites: float = 100,
    max_strain: float = 5e-4,
) -> Measurement:
    """E_f = E(N - 1) - (N - 1) e, with the energy per atom e of the run's own relaxed perfect crystal.

    A state counts as perfect if every atom has shell[`neighbours`] others within shell[`within`] lattice constants
    (fcc 0.85, 12; bcc 1.2, 14; hcp 1.497, 20, of the cube that holds two atoms), and as one with a vacancy if so many
    neighbours are missing in all, and no atom has one too many. Of the last such system the state of lowest energy is
    taken. A cube as wide as its box is at its narrowest must hold `min_sites` sites, or the vacancy is too
    near to its own images. The box of the vacancy may be that of the perfect crystal or be relaxed, which differs by
    B dV^2 / 2V. The perfect crystal must be relaxed, every strain left being at most `max_strain`. The uncertainty is
    the energy that the forces left could still release.
    """
    states = _static_states(segments)
    perfect = [frame for frame in states if _is_perfect(frame, atoms_per_cell, shell)]
    if not perfect:
        raise Unmeasured("no static state of the perfect crystal was found, to whose energy the defect's is compared")
    vacancy = next((f for f in reversed(states) if _has_vacancy(f, atoms_per_cell, shell)), None)
    if vacancy is None:
        raise Unmeasured(_no_vacancy(states, perfect))
    _check_width(vacancy, min_sites)
    frame, state = _lowest([f for f in states if _same_system(f, vacancy)], context)
    bulk = _bulk(perfect, frame.cell.volume / (frame.natoms + 1), context, atoms_per_cell, max_strain)
    return Measurement(
        value=state.energy - frame.natoms * bulk.energy,
        uncertainty=_releasable(state, bulk) + frame.natoms * bulk.uncertainty,
        unit=context.unit("energy"),
        natoms=frame.natoms,
        how=f"one vacancy among {frame.natoms} atoms, against the perfect crystal (scaled to rest if need be)",
    )


@estimator("surface_energy")
def surface_energy(
    segments: tuple[Segment, ...],
    context: Context,
    atoms_per_cell: int,
    shell: Mapping[str, float],
    site_area: float,
    max_strain: float = 1e-3,
) -> Measurement:
    """gamma = (E - N e) / 2A of a slab, with the energy per atom e of the run's own relaxed perfect crystal.

    A slab has a gap of more than a lattice constant (or a free boundary) along one edge of the box only, and none
    inside. Its face is told from the area per atom of the outermost layers, `site_area` in squares of the lattice
    constant (fcc (111) 0.4330, (100) 0.5, (110) 0.7071; bcc (110) 0.7071, (100) 1). Atoms deeper than the `shell`,
    which is that of `vacancy_formation_energy`, must exist and be surrounded as in the crystal. The area must be that
    of the relaxed crystal within the linear strain `max_strain`. Of the last such system the state of lowest energy is
    taken. The uncertainty is the energy that the forces left could still release.
    """
    states = _static_states(segments)
    perfect = [frame for frame in states if _is_perfect(frame, atoms_per_cell, shell)]
    if not perfect:
        raise Unmeasured("no static state of the perfect crystal was found, whose energy per atom is the reference")
    rough = lattice_constant(_most_stable(perfect, context), atoms_per_cell)
    slabs = [slab for frame in states if (slab := _slab(frame, rough)) is not None]
    if not slabs:
        raise Unmeasured("no static state is a slab: one crystal, periodic in two directions, with vacuum in the third")
    faces = [slab for slab in slabs if abs(np.log(_site(slab, rough) / (site_area * rough**2))) / 2 <= FACE]
    if not faces:
        found = _site(slabs[-1], rough) / rough**2
        raise Unmeasured(
            f"the surface is not the one that was asked for, or it is not flat: there are {found:.3g} squares of the "
            f"lattice constant for each atom of its outermost layers instead of {site_area:.3g}"
        )
    frame, state = _lowest([s.frame for s in faces if _same_system(s.frame, faces[-1].frame)], context)
    slab = next(s for s in faces if s.frame is frame)
    in_plane = float(np.sqrt(_site(slab, rough) / site_area))
    bulk = _bulk(perfect, in_plane**3 / atoms_per_cell, context, atoms_per_cell, max_strain)
    _check_slab(slab, bulk, float(np.log(in_plane / bulk.a)), shell, max_strain)
    return Measurement(
        value=(state.energy - frame.natoms * bulk.energy) / (2 * slab.area),
        uncertainty=(_releasable(state, bulk) + frame.natoms * bulk.uncertainty) / (2 * slab.area),
        unit=f"{context.unit('energy')}/{context.unit('length')}^2",
        natoms=frame.natoms,
        how=f"both surfaces of a slab of {frame.natoms} atoms, against the perfect crystal (scaled to rest if need be)",
    )


def _static_states(segments: tuple[Segment, ...]) -> list[Frame]:
    """States at the end of minimisations and runs of no steps, in order."""
    loops = [loop for segment in segments for loop in segment.loops]
    ends = [loop.frames[-1] for loop in loops if loop.frames and (not loop.is_dynamics or loop.steps == 0)]
    return [_shifted(frame) for frame in ends if _is_sound(frame)][-MOST_STATES:]


def _is_sound(frame: Frame) -> bool:
    finite = np.isfinite(frame.positions).all() and np.isfinite(frame.cell.vectors).all()
    return 0 < frame.natoms <= MOST_ATOMS and bool(finite) and frame.cell.volume > 0


def _shifted(frame: Frame) -> Frame:
    """The state moved within a periodic box, which changes nothing but rounding.

    Where whole planes of a crystal lie on a periodic boundary, rounding decides on which side of the box each atom is,
    and half neighbour lists can lose pairs (seen once in a script: 17 eV of a perfect crystal of 480 atoms).
    """
    shift = np.where(frame.cell.periodic, SHIFT, 0.0) @ frame.cell.vectors
    return replace(frame, positions=frame.positions + shift, successor=None)


def _neighbours(frame: Frame, cutoff: float) -> Ints:
    """(N,) number of other atoms, or images, within the cutoff."""
    atoms = Atoms(positions=frame.positions, cell=frame.cell.vectors, pbc=frame.cell.periodic)
    first = neighbor_list("i", atoms, cutoff)  # type: ignore[no-untyped-call]
    return np.bincount(first, minlength=frame.natoms)


def _odd(frame: Frame, a: float, shell: Mapping[str, float]) -> Bools:
    """(N,) whether an atom has another number of neighbours than in the perfect crystal of lattice constant a."""
    return np.asarray(_neighbours(frame, shell["within"] * a) != shell["neighbours"])


def _is_perfect(frame: Frame, atoms_per_cell: int, shell: Mapping[str, float]) -> bool:
    return all(frame.cell.periodic) and not _odd(frame, lattice_constant(frame, atoms_per_cell), shell).any()


def _has_vacancy(frame: Frame, atoms_per_cell: int, shell: Mapping[str, float]) -> bool:
    """Whether all that misses neighbours are those of one vacant site: so many in all, and no atom has one too many."""
    a = (frame.cell.volume * atoms_per_cell / (frame.natoms + 1)) ** (1 / 3)
    missing = shell["neighbours"] - _neighbours(frame, shell["within"] * a)
    return all(frame.cell.periodic) and bool(missing.min() >= 0) and int(missing.sum()) == shell["neighbours"]


def _no_vacancy(states: Sequence[Frame], perfect: Sequence[Frame]) -> str:
    """Why there is no state with a vacancy, told of the last state that is not perfect."""
    others = [frame for frame in states if not any(frame is p for p in perfect)]
    if not others:
        return "no static state of a crystal with a vacancy was found, only perfect ones"
    frame = others[-1]
    reference = min(perfect, key=lambda p: abs(_strain(frame.cell.volume / (frame.natoms + 1), p)))
    sites = frame.cell.volume / (reference.cell.volume / reference.natoms)
    return (
        f"no static state is the perfect crystal with exactly one site vacant: the last one with a defect has "
        f"{frame.natoms} atoms in the volume of {sites:.4g}"
    )


def _check_width(frame: Frame, min_sites: float) -> None:
    """Raises `Unmeasured` if the box is too narrow for a defect that is alone."""
    width = min(_width(frame, axis) for axis in range(3))
    sites = width**3 / (frame.cell.volume / (frame.natoms + 1))
    if sites < min_sites:
        raise Unmeasured(
            f"the vacancy is too near to its periodic images: the crystal is as narrow as a cube of {sites:.0f} sites, "
            f"wanted are {min_sites:g} or more"
        )


def _strain(volume: float, perfect: Frame) -> float:
    """Linear strain of a volume per site with respect to a perfect crystal."""
    return float(np.log(volume / (perfect.cell.volume / perfect.natoms))) / 3


def _same_system(frame: Frame, other: Frame) -> bool:
    """Equally many atoms in a box of equal edges, so that one may be relaxed from the other."""
    if frame.natoms != other.natoms or frame.cell.periodic != other.cell.periodic:
        return False
    edges, others = (np.linalg.norm(f.cell.vectors, axis=1) for f in (frame, other))
    periodic = np.asarray(frame.cell.periodic)
    return bool((np.abs(np.log(edges / others))[periodic] <= SAME_SYSTEM).all())


def _lowest(frames: Sequence[Frame], context: Context) -> tuple[Frame, Evaluated]:
    """The state of lowest energy."""
    states = context.evaluate(frames)
    at = int(np.argmin([state.energy for state in states]))
    return frames[at], states[at]


def _most_stable(perfect: Sequence[Frame], context: Context) -> Frame:
    """The state of least energy per atom; of states of the same volume per atom, the smallest is computed."""
    by_volume: dict[int, Frame] = {}
    for frame in sorted(perfect, key=lambda p: p.natoms, reverse=True):
        by_volume[round(1e4 * np.log(frame.cell.volume / frame.natoms))] = frame
    frames = list(by_volume.values())
    energies = [state.energy / f.natoms for state, f in zip(context.evaluate(frames), frames, strict=True)]
    return frames[int(np.argmin(energies))]


def _bulk(perfect: Sequence[Frame], volume: float, context: Context, atoms_per_cell: int, max_strain: float) -> Bulk:
    """The relaxed perfect crystal: of the states given that nearest to a volume per atom, the last of equals.

    Where that is not relaxed, as in a scan of volumes whose minimum was fitted, it is scaled to the volume. Raises
    `Unmeasured` if it is not relaxed there either.
    """
    nearest = min(reversed(perfect), key=lambda p: round(abs(_strain(volume, p)), 8))
    at_volume = scaled(nearest, float(np.exp(_strain(volume, nearest))))
    worst = 0.0
    for frame in (nearest, at_volume):
        relaxation = relaxation_of(frame, context, atoms_per_cell)
        worst = max(abs(relaxation.hydrostatic), relaxation.deviatoric, relaxation.displacement)
        if worst <= max_strain:
            return _bulk_of(frame, context, atoms_per_cell, relaxation.hydrostatic)
    raise Unmeasured(
        "the perfect crystal, to which the defect is compared, is not relaxed: its stress or its forces amount to a "
        f"strain of {worst:.1e}, allowed are {max_strain:.0e}"
    )


def _bulk_of(frame: Frame, context: Context, atoms_per_cell: int, strain: float) -> Bulk:
    here, wider, tighter = context.evaluate([frame, scaled(frame, 1 + STRAIN), scaled(frame, 1 - STRAIN)])
    volume, a = frame.cell.volume, lattice_constant(frame, atoms_per_cell)
    modulus = max((wider.energy + tighter.energy - 2 * here.energy) / (9 * volume * STRAIN**2), 0.0)
    return Bulk(
        energy=here.energy / frame.natoms,
        uncertainty=4.5 * modulus * volume / frame.natoms * strain**2,
        a=a,
        stiffness=modulus * a,
    )


def _releasable(state: Evaluated, bulk: Bulk) -> float:
    """Energy that the forces left would release if every atom were held by its own spring."""
    return float((state.forces**2).sum()) / (2 * bulk.stiffness) if bulk.stiffness > 0 else float("inf")


def _slab(frame: Frame, a: float) -> Slab | None:
    """The state as a slab, with its normal along any edge of the box; None if it is none."""
    found = []
    for axis in range(3):
        heights, inner, outer = _profile(frame, axis)
        if outer > a:
            found.append((heights, inner, axis))
    if len(found) != 1 or found[0][1] > a:
        return None
    heights, _, axis = found[0]
    return Slab(frame, heights, frame.cell.volume / _width(frame, axis))


def _width(frame: Frame, axis: int) -> float:
    """Distance between the two faces of the box that are spanned by the other edges."""
    first, second = np.delete(frame.cell.vectors, axis, axis=0)
    return frame.cell.volume / float(np.linalg.norm(np.cross(first, second)))


def _profile(frame: Frame, axis: int) -> tuple[Floats, float, float]:
    """Heights (N,) of the atoms above the plane of the other two edges, the largest gap inside, and that outside."""
    height = _width(frame, axis)
    s = ((frame.positions - frame.cell.origin) @ np.linalg.inv(frame.cell.vectors))[:, axis]
    outer = float("inf")
    if frame.cell.periodic[axis]:
        s %= 1.0
        order = np.sort(s)
        gaps = np.append(np.diff(order), order[0] + 1 - order[-1])
        at = int(gaps.argmax())
        outer = float(gaps[at]) * height
        s = (s - order[(at + 1) % len(order)]) % 1.0  # counted from the atom above the largest gap
    heights = (s - s.min()) * height
    return heights, float(np.diff(np.sort(heights)).max(initial=0.0)), outer


def _site(slab: Slab, a: float) -> float:
    """Area per atom of the outermost layers, the mean of both sides."""
    outermost = (slab.heights < LAYER * a).sum() + (slab.heights > slab.heights.max() - LAYER * a).sum()
    return 2 * slab.area / float(outermost)


def _check_slab(slab: Slab, bulk: Bulk, strain: float, shell: Mapping[str, float], max_strain: float) -> None:
    """Raises `Unmeasured` if the slab is strained in its plane, too thin, or not of the crystal inside."""
    if abs(strain) > max_strain:
        raise Unmeasured(
            f"the slab is strained in its plane: its lattice differs from that of the relaxed crystal by {strain:.1e}, "
            f"allowed are {max_strain:.0e}"
        )
    depth = np.minimum(slab.heights, slab.heights.max() - slab.heights)
    inside = depth > shell["within"] * bulk.a
    if not inside.any():
        raise Unmeasured("the slab is too thin: no atom in it is far enough from both surfaces")
    if _odd(slab.frame, bulk.a, shell)[inside].any():
        raise Unmeasured("the inside of the slab is not the crystal that was asked for, or it has defects")
