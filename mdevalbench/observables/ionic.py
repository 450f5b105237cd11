"""Ionic crystals at 0 K: the lattice energy of a relaxed state and of an equation of state."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from ase import Atoms
from ase.neighborlist import neighbor_list

from mdevalbench.errors import Unmeasured
from mdevalbench.lammps.evidence import Frame, Segment
from mdevalbench.observables.energetics import (
    equation_of_state_minimum,
    lattice_constant,
    relaxed_lattice_constant,
    scaled,
)
from mdevalbench.observables.estimator import Context, estimator
from mdevalbench.types import Measurement

MAX_STRAIN = 5e-3
"""linear strain of a state that counts as relaxed; it changes the energy by less than 0.01 %"""
VIRIAL_NOISE = 1e-2
"""error of the recorded virial over the energy; `ewald 1e-4` was seen to make 0.0075"""
LIKE = 1e-3
"""relative difference below which two masses are those of one kind of ion"""


@estimator("relaxed_lattice_energy")
def relaxed_lattice_energy(
    segments: tuple[Segment, ...],
    context: Context,
    atoms_per_cell: int = 8,
    atoms_per_formula: int = 2,
    shell: Mapping[str, float] | None = None,
) -> Measurement:
    """Energy per formula unit of the last state, if that is in equilibrium under the task's own potential.

    What counts as equilibrium, and that the box must have been free, is said at `relaxed_lattice_constant`. The energy
    is that of the task's potential, relative to ions infinitely far apart; its uncertainty is what the residual strain
    changes. That is of second order, so that lattice sums of usual accuracy will do, whose errors leave strains of up
    to 0.2 % (caesium chloride with `ewald 1e-4`). `shell` = {within, neighbours}: so many neighbours within so many
    lattice constants, all of the other kind.
    """
    found = relaxed_lattice_constant(segments, context, atoms_per_cell, MAX_STRAIN, shell, VIRIAL_NOISE)
    frame = [frame for segment in segments for frame in segment.frames][-1]
    return _energy(frame, found, context, atoms_per_formula, shell, "the relaxed state")


@estimator("lattice_energy_minimum")
def lattice_energy_minimum(
    segments: tuple[Segment, ...],
    context: Context,
    atoms_per_cell: int = 8,
    atoms_per_formula: int = 2,
    min_points: int = 5,
    shell: Mapping[str, float] | None = None,
) -> Measurement:
    """Least energy per formula unit along static states of different volume.

    The minimum is found as by `equation_of_state_minimum`; the state next to it, scaled to that volume, is computed
    with the task's potential.
    """
    found = equation_of_state_minimum(segments, context, atoms_per_cell, min_points, shell=shell)
    frames = [frame for segment in segments for frame in segment.frames if frame.natoms]
    edges = [lattice_constant(frame, atoms_per_cell) for frame in frames]
    nearest = int(np.argmin(np.abs(np.array(edges) - found.value)))
    frame = scaled(frames[nearest], found.value / edges[nearest])
    return _energy(frame, found, context, atoms_per_formula, shell, "the minimum along static states")


def _energy(
    frame: Frame,
    edge: Measurement,
    context: Context,
    atoms_per_formula: int,
    shell: Mapping[str, float] | None,
    where: str,
) -> Measurement:
    """Energy of a state per formula unit, with what the uncertainty of its lattice constant `edge` does to it."""
    _check_neighbours(frame, edge.value, shell)
    here, beside = context.evaluate([frame, scaled(frame, 1 + edge.uncertainty / edge.value)])
    formulas = frame.natoms / atoms_per_formula
    return Measurement(
        value=here.energy / formulas,
        uncertainty=abs(beside.energy - here.energy) / formulas,
        unit=context.unit("energy"),
        natoms=frame.natoms,
        how=f"energy per {atoms_per_formula} ions of {where}, {frame.natoms} ions",
    )


def _check_neighbours(frame: Frame, edge: float, shell: Mapping[str, float] | None) -> None:
    """The neighbours in the first shell must be of the other kind, told by their masses."""
    if shell is None:
        return
    atoms = Atoms(positions=frame.positions, cell=frame.cell.vectors, pbc=frame.cell.periodic)
    first, second = neighbor_list("ij", atoms, shell["within"] * edge)  # type: ignore[no-untyped-call]
    if (np.abs(frame.masses[first] / frame.masses[second] - 1.0) < LIKE).any():
        raise Unmeasured("this is not the crystal that was asked for: there are ions of the same kind side by side")
