"""Energies and forces of recorded frames, recomputed with a task's own potential in a process of the harness.

Charges come with the elements. Molecules are found by distance: atoms closer than their elements' bond reach are
bonded, and those one or two bonds apart do not interact, as in rigid models. Bonds hold no energy.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from ase import Atoms
from ase.neighborlist import neighbor_list

from mdevalbench.errors import HarnessFault, Unmeasured, UsageError
from mdevalbench.lammps.evidence import Frame, Ints
from mdevalbench.lammps.executor import Executor
from mdevalbench.lammps.job import Ending, Job, Recording, World
from mdevalbench.observables import Evaluated
from mdevalbench.observables.units import Quantity, convert, style_unit
from mdevalbench.types import Limits

MASS_TOLERANCE = 0.02
"""relative deviation of a mass from that of its element: wide enough for rounded tables, too narrow for neighbours"""
MOST_BONDS = 8
"""of one atom; more are a heap of atoms on top of each other"""
OPEN_MARGIN = 0.1
"""distance of atoms from the faces of an open box, in the frame's length unit"""
FORCE_TOLERANCE = 1e-3
"""relative deviation of interactions that is no other potential: other tables, other order of summation"""
OFF_FACES = np.array([0.0137, 0.0171, 0.0193])
"""fractions of the box by which atoms are shifted along periodic directions: LAMMPS can lose pairs of atoms that lie on
a face of the box to within rounding, as crystals do after a relaxation"""
_LIMITS = Limits(cpu_seconds=120.0)


@dataclass(frozen=True)
class PotentialForceField:
    """The interactions that a task prescribes.

    `elements` maps each element to its mass in `units`; it gives the order of the atom types in `pair_coeff`.
    `frame_units` is the unit style of the frames, in which results are given.
    """

    pool: Executor
    units: str
    pair_style: str
    pair_coeff: tuple[str, ...]
    elements: Mapping[str, float]
    frame_units: str
    world: World = World()
    charges: Mapping[str, float] = field(default_factory=dict)
    """element -> charge, e"""
    kspace_style: str = ""
    """long-range solver with its accuracy; empty for none"""
    bonds: Mapping[str, float] = field(default_factory=dict)
    """`O H` -> distance below which atoms of these elements are bonded, in `units`"""
    within: float = FORCE_TOLERANCE
    """largest relative deviation of interactions that are still these"""

    def evaluate(self, frames: Sequence[Frame]) -> list[Evaluated]:
        """Energy, forces (N, 3) and virial (6,) of each frame, in `frame_units`.

        Raises:
            Unmeasured: a frame holds positions that are not finite, or atoms of no element of the task, or so many
                neighbours that LAMMPS cannot compute them.
            HarnessFault: LAMMPS refused what the harness itself wrote.
        """
        if not frames:
            return []
        script, files = self._script(frames)
        job = Job(script, _LIMITS, Recording(samples=1, frames=1, pairs=0), files, self.world, unrestricted=True)
        run = self.pool.run(job)
        states = [loop.frames[0] for loop in run.evidence.loops if loop.frames]
        if run.ending is not Ending.COMPLETED or len(states) != len(frames):
            reason = run.error.message if run.error else run.ending
            if run.error is None or run.error.command == "run 0":  # the commands before are the harness's own
                raise Unmeasured(f"the prescribed potential cannot be computed for a recorded state: {reason}")
            raise HarnessFault(f"the potential of the task could not be evaluated on a recorded frame: {reason}")
        energy, force = (self._factor(q, self.units, self.frame_units) for q in ("energy", "force"))
        return [Evaluated(s.potential_energy * energy, s.forces * force, s.virial * energy) for s in states]

    def types_of(self, frame: Frame) -> Ints:
        """(N,) type of each atom in the order of `elements`, told from its mass. Raises `Unmeasured` if none fits."""
        masses = frame.masses * self._factor("mass", self.frame_units, self.units)
        known = np.array(list(self.elements.values()))
        deviation = np.abs(masses[:, None] / known[None, :] - 1.0)
        if deviation.size and deviation.min(axis=1).max() > MASS_TOLERANCE:
            odd = masses[deviation.min(axis=1).argmax()]
            named = ", ".join(f"{name} {mass:g}" for name, mass in self.elements.items())
            raise Unmeasured(
                f"there are atoms of mass {odd:g}, and the task has only {named} (potential files may set masses, too)"
            )
        return np.asarray(deviation.argmin(axis=1) + 1)

    def _script(self, frames: Sequence[Frame]) -> tuple[str, dict[str, bytes]]:
        length = self._factor("length", self.frame_units, self.units)
        lines, files = [], {}
        for number, frame in enumerate(frames):
            if not (np.isfinite(frame.positions).all() and np.isfinite(frame.cell.vectors).all()):
                raise Unmeasured("the simulation blew up: there are positions that are not finite numbers")
            name = f"frame{number}.data"
            files[name] = self._data_file(frame, self.types_of(frame), length).encode()
            lines += [
                "clear",
                f"units {self.units}",
                f"atom_style {self._atom_style}",
                f"boundary {' '.join('p' if p else 'm' for p in frame.cell.periodic)}",
                "box tilt large",
                f"read_data {name}",
                f"pair_style {self.pair_style}",
                *(f"pair_coeff {coefficients}" for coefficients in self.pair_coeff),
                *self._beyond_pairs(),
                "run 0",
            ]
        return "\n".join(lines) + "\n", files

    @property
    def _atom_style(self) -> str:
        return "full" if self.bonds else "charge" if self.charges else "atomic"

    def _beyond_pairs(self) -> list[str]:
        """Commands for molecules and long-range forces."""
        lines = []
        if self.bonds:
            lines += ["bond_style zero", "bond_coeff *", "special_bonds lj/coul 0.0 0.0 1.0"]
        if self.kspace_style:
            lines += ["pair_modify table 0", f"kspace_style {self.kspace_style}"]
        return lines

    def _data_file(self, frame: Frame, types: Ints, length: float) -> str:
        vectors, origin = frame.cell.vectors * length, frame.cell.origin * length
        x = frame.positions * length + (OFF_FACES * np.asarray(frame.cell.periodic)) @ vectors
        low, high = origin.copy(), origin + np.diag(vectors)
        for axis in range(3):
            if frame.natoms and not frame.cell.periodic[axis]:  # atoms may be outside an open box for a few steps
                low[axis] = min(low[axis], x[:, axis].min() - OPEN_MARGIN * length)
                high[axis] = max(high[axis], x[:, axis].max() + OPEN_MARGIN * length)
        bounds = [f"{a!r} {b!r}" for a, b in zip(low.tolist(), high.tolist(), strict=True)]
        tilt = (float(vectors[1, 0]), float(vectors[2, 0]), float(vectors[2, 1]))
        bonds = self._bonds(frame, types, length)
        head = ["recorded frame", "", f"{frame.natoms} atoms", f"{len(self.elements)} atom types"]
        head += [f"{len(bonds)} bonds", "1 bond types"] if self.bonds else []
        head += [f"{bound} {axis}lo {axis}hi" for bound, axis in zip(bounds, "xyz", strict=True)]
        if any(tilt):
            head.append(f"{tilt[0]!r} {tilt[1]!r} {tilt[2]!r} xy xz yz")
        masses = [f"{number} {mass!r}" for number, mass in enumerate(self.elements.values(), 1)]
        charge = [f" {self.charges.get(name, 0.0)!r}" if self.charges or self.bonds else "" for name in self.elements]
        molecule = " 0" if self.bonds else ""
        rows = [
            f"{i}{molecule} {t}{charge[t - 1]} {r[0]!r} {r[1]!r} {r[2]!r}"
            for i, (t, r) in enumerate(zip(types.tolist(), x.tolist(), strict=True), 1)
        ]
        body = ["Masses", "", *masses, "", f"Atoms # {self._atom_style}", "", *rows, ""]
        if len(bonds):
            body += ["Bonds", "", *(f"{n} 1 {i} {j}" for n, (i, j) in enumerate(bonds.tolist(), 1)), ""]
        return "\n".join([*head, "", *body])

    def _bonds(self, frame: Frame, types: Ints, length: float) -> Ints:
        """(B, 2) numbers of bonded atoms, from 1. Raises `Unmeasured` where atoms lie on top of each other."""
        if not self.bonds or not frame.natoms:
            return np.zeros((0, 2), dtype=np.int64)
        cell, names = frame.cell, list(self.elements)
        fractional = (frame.positions - cell.origin) @ np.linalg.inv(cell.vectors)
        fractional -= np.floor(fractional) * np.asarray(cell.periodic)
        atoms = Atoms(
            numbers=types, positions=fractional @ cell.vectors * length, cell=cell.vectors * length, pbc=cell.periodic
        )
        reach = np.zeros((len(names) + 1, len(names) + 1))
        for pair, distance in self.bonds.items():
            ends = pair.split()
            if len(ends) != 2 or not set(ends) <= set(names):
                raise UsageError(f"`bonds`: {pair!r} must be two of the potential's elements, such as 'O H'")
            a, b = (names.index(name) + 1 for name in ends)
            reach[a, b] = reach[b, a] = distance
        first, second, distance = neighbor_list("ijd", atoms, float(reach.max()))  # type: ignore[no-untyped-call]
        bonded = (first < second) & (distance < reach[types[first], types[second]])
        pairs = np.unique(np.stack([first[bonded], second[bonded]], axis=1) + 1, axis=0)
        if np.bincount(pairs.ravel()).max(initial=0) > MOST_BONDS:
            raise Unmeasured("the simulation blew up: atoms lie on top of each other")
        return np.asarray(pairs, dtype=np.int64)

    @staticmethod
    def _factor(quantity: Quantity, old: str, new: str) -> float:
        return 1.0 if old == new else convert(1.0, style_unit(old, quantity), style_unit(new, quantity))
