"""Energies and forces of recorded frames, recomputed with a task's own potential in a process of the harness."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from mdevalbench.errors import HarnessFault, Unmeasured
from mdevalbench.lammps.evidence import Frame, Ints
from mdevalbench.lammps.executor import Executor
from mdevalbench.lammps.job import Ending, Job, Recording, World
from mdevalbench.observables import Evaluated
from mdevalbench.observables.units import Quantity, convert, style_unit
from mdevalbench.types import Limits

MASS_TOLERANCE = 0.02
"""relative deviation of a mass from that of its element: wide enough for rounded tables, too narrow for neighbours"""
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
            raise Unmeasured(f"there are atoms of mass {odd:g}, which is none of the task's species ({named})")
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
                f"boundary {' '.join('p' if p else 'm' for p in frame.cell.periodic)}",
                "box tilt large",
                f"read_data {name}",
                f"pair_style {self.pair_style}",
                *(f"pair_coeff {coefficients}" for coefficients in self.pair_coeff),
                "run 0",
            ]
        return "\n".join(lines) + "\n", files

    def _data_file(self, frame: Frame, types: Ints, length: float) -> str:
        vectors, origin, x = frame.cell.vectors * length, frame.cell.origin * length, frame.positions * length
        bounds = [
            f"{low!r} {low + size!r}" for low, size in zip(origin.tolist(), np.diag(vectors).tolist(), strict=True)
        ]
        tilt = (float(vectors[1, 0]), float(vectors[2, 0]), float(vectors[2, 1]))
        head = ["recorded frame", "", f"{frame.natoms} atoms", f"{len(self.elements)} atom types"]
        head += [f"{bound} {axis}lo {axis}hi" for bound, axis in zip(bounds, "xyz", strict=True)]
        if any(tilt):
            head.append(f"{tilt[0]!r} {tilt[1]!r} {tilt[2]!r} xy xz yz")
        masses = [f"{number} {mass!r}" for number, mass in enumerate(self.elements.values(), 1)]
        rows = [
            f"{i} {t} {r[0]!r} {r[1]!r} {r[2]!r}" for i, (t, r) in enumerate(zip(types, x.tolist(), strict=True), 1)
        ]
        return "\n".join([*head, "", "Masses", "", *masses, "", "Atoms # atomic", "", *rows, ""])

    @staticmethod
    def _factor(quantity: Quantity, old: str, new: str) -> float:
        return 1.0 if old == new else convert(1.0, style_unit(old, quantity), style_unit(new, quantity))
