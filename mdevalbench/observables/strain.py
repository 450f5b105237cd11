"""How a perfect crystal is deformed, told from its atoms alone: whatever the cell, its orientation or its origin."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np

from mdevalbench.errors import Unmeasured
from mdevalbench.lammps.evidence import Floats, Frame
from mdevalbench.observables.energetics import lattice_constant

LARGEST_SHIFT = 0.01
"""of an atom from its lattice site, in lattice vectors: what a loose minimisation leaves is far below"""
NEAR = 0.15
"""distance from a lattice site, in lattice vectors, within which an atom belongs to it"""

MOST_IMAGES = 10_000_000
"""periodic images of atoms among which neighbours are looked for: 1 million atoms in a cube"""


@dataclass(frozen=True, slots=True)
class Lattice:
    """A cubic Bravais lattice, in lattice constants."""

    primitive: Floats
    """(3, 3) rows are primitive vectors; triads of equal lengths and angles are alike by the symmetry of the cube"""
    shell: tuple[float, float]
    """distances between which atoms of one sublattice have their nearest neighbours"""
    neighbours: int
    points: int
    """per cubic cell"""


LATTICES = {
    "fcc": Lattice(np.array([[0, 1, 1], [1, 0, 1], [1, 1, 0]]) / 2, (0.60, 0.77), 12, 4),
    "bcc": Lattice(np.array([[-1, 1, 1], [1, -1, 1], [1, 1, -1]]) / 2, (0.75, 0.93), 8, 2),
}
"""`fcc` also describes diamond, zincblende and rock salt: crystals of two fcc sublattices"""


def deformation(frame: Frame, lattice: str, atoms_per_cell: int) -> Floats:
    """(3, 3) matrix from coordinates along the cube axes of the crystal, in cubic cells, to space, in length units.

    An undistorted crystal gives its lattice constant times a rotation. The matrix is exact: it follows from the edges
    of the simulation cell as whole numbers of lattice vectors; atoms only tell which numbers. Which cube axis comes
    first, and which way it points, is left to chance, and no cubic crystal's elasticity depends on it.

    Raises:
        Unmeasured: there are no atoms, or some that stand on no site of such a crystal.
    """
    kind = LATTICES[lattice]
    _check(frame)
    triad = _triad(_neighbours(frame, kind, lattice_constant(frame, atoms_per_cell)), kind)
    edges = frame.cell.vectors @ np.linalg.inv(triad)
    whole = np.round(edges)
    if np.abs(edges - whole).max() > NEAR or abs(np.linalg.det(whole)) < 0.5:
        raise Unmeasured("the cell is no whole number of lattice vectors: this is no perfect crystal")
    exact = np.asarray(np.linalg.solve(whole, frame.cell.vectors), dtype=np.float64)
    _check_sites(frame, exact, round(abs(np.linalg.det(whole))), atoms_per_cell // kind.points)
    matrix = np.linalg.solve(kind.primitive, exact).T
    return np.asarray(matrix if np.linalg.det(matrix) > 0 else -matrix)


def _check(frame: Frame) -> None:
    if not frame.natoms:
        raise Unmeasured("there are no atoms")
    if not (np.isfinite(frame.positions).all() and np.isfinite(frame.cell.vectors).all() and frame.cell.volume > 0):
        raise Unmeasured("the simulation blew up: there are positions that are not finite numbers")
    if not all(frame.cell.periodic):
        raise Unmeasured("the cell is not periodic in all directions: this is no bulk crystal")


def _neighbours(frame: Frame, kind: Lattice, a: float) -> Floats:
    """(n, 3) vectors from the first atom to its nearest neighbours of its own kind, over all periodic images."""
    vectors = frame.cell.vectors
    reach = kind.shell[1] * a
    widths = 1 / np.sqrt((np.linalg.inv(vectors) ** 2).sum(axis=0))
    if (widths < 0.05 * a).any():
        raise Unmeasured("the cell is thinner than a layer of atoms: this is no perfect crystal")
    if frame.natoms * float(np.prod(2 * np.ceil(reach / widths))) > MOST_IMAGES:
        raise Unmeasured("the cell is too large or too skewed to find the neighbours of an atom")
    alike = frame.positions[frame.masses == frame.masses[0]] - frame.positions[0]
    fractional = alike @ np.linalg.inv(vectors)
    fractional -= np.floor(fractional)
    images = np.stack(np.meshgrid(*[np.arange(-k, k) for k in np.ceil(reach / widths)], indexing="ij"), -1)
    found = np.concatenate([(fractional + image) @ vectors for image in images.reshape(-1, 3)])
    distance = np.sqrt((found**2).sum(axis=1))
    near = found[(distance > kind.shell[0] * a) & (distance < reach)]
    if len(near) != kind.neighbours:
        raise Unmeasured(
            "this is not the crystal that was asked for, or it is strained too far: an atom has "
            f"{len(near)} neighbours of its kind instead of {kind.neighbours} at {kind.shell[0]:g} to "
            f"{kind.shell[1]:g} lattice constants"
        )
    return np.asarray(near)


def _triad(vectors: Floats, kind: Lattice) -> Floats:
    """Three of the vectors (n, 3) whose lengths and angles are most like those of the primitive vectors."""
    wanted = kind.primitive @ kind.primitive.T
    wanted = wanted / np.trace(wanted)
    chosen, least = vectors[:3], np.inf
    for three in combinations(range(len(vectors)), 3):
        products = vectors[list(three)] @ vectors[list(three)].T
        unlike = float(np.abs(products / np.trace(products) - wanted).max())
        if unlike < least:
            chosen, least = vectors[list(three)], unlike
    return np.asarray(chosen)


def _check_sites(frame: Frame, primitive: Floats, points: int, basis: int) -> None:
    """Every atom must stand on a site of one of `basis` sublattices, and each of these must hold `points` atoms."""
    sites = frame.positions @ np.linalg.inv(primitive)
    left = np.ones(frame.natoms, dtype=bool)
    for _ in range(basis):
        if not left.any():
            break
        first = int(np.argmax(left))
        shift = sites - sites[first]
        shift = np.abs(shift - np.round(shift)).max(axis=1)
        ours = left & (shift < NEAR) & (frame.masses == frame.masses[first])
        if shift[ours].max() > LARGEST_SHIFT:
            raise Unmeasured("atoms are displaced from their lattice sites: the crystal is not at rest, or not perfect")
        if int(ours.sum()) != points:
            raise Unmeasured("sites are empty, filled twice or filled by other species: this is no perfect crystal")
        left &= ~ours
    if left.any():
        raise Unmeasured("some atoms stand on no lattice site: this is no perfect crystal")
