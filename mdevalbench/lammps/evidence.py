"""What the flight recorder saw, as typed records.

Everything is in the LAMMPS units of the script (`Settings.units`), read from LAMMPS's memory and never
through thermo keywords. Shapes are given with N atoms and S samples.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Cell:
    """A simulation box: rows of `vectors` are its edges a, b, c."""

    vectors: Floats
    """(3, 3), distance units"""
    origin: Floats
    """(3,), distance units"""
    periodic: tuple[bool, bool, bool]

    @property
    def volume(self) -> float:
        """Volume of the box (in a 2d simulation still lx * ly * lz)."""
        return float(abs(np.linalg.det(self.vectors)))

    def minimum_image(self, displacements: Floats) -> Floats:
        """Fold displacements (..., 3) to the nearest periodic image; right for boxes that are not extremely skewed."""
        fractional = displacements @ np.linalg.inv(self.vectors)
        fractional -= np.round(fractional) * np.asarray(self.periodic)
        return np.asarray(fractional @ self.vectors)


@dataclass(frozen=True, slots=True)
class FixInfo:
    """A fix that was live during a loop."""

    id: str
    style: str
    atoms: int
    """number of atoms in its group when the loop began"""
    integrates: bool
    """LAMMPS's own flag: the fix advances positions or velocities"""
    args: tuple[str, ...] = ()
    """expanded arguments after the style, from the command trace"""


@dataclass(frozen=True, slots=True)
class Settings:
    """What was in force during a loop; loops with equal settings in one leg form a segment."""

    units: str
    dimension: int
    pair_style: str
    kspace_style: str
    atom_style: str
    fixes: tuple[FixInfo, ...]
    boltzmann: float
    """energy per temperature unit"""
    mvv_to_energy: float
    """factor from mass * velocity^2 to energy"""
    force_to_velocity: float
    """factor from force / mass * time to velocity"""
    virial_to_pressure: float
    """factor from energy / volume to pressure"""
    removed_dof: int
    """degrees of freedom removed by constraints (SHAKE, rigid), as the live fixes report them"""


@dataclass(frozen=True, slots=True)
class Frame:
    """A full state at the end of one time step or minimiser iteration, ordered by atom id."""

    loop: int
    step: int
    """LAMMPS's step counter; a script can reset it, so that only `time` orders frames"""
    time: float
    """time integrated by the recorder's own count since the script began; minimiser iterations add none"""
    dt: float
    cell: Cell
    ids: Ints
    types: Ints
    masses: Floats
    """(N,)"""
    integrated: Bools
    """(N,) whether a time-integrating fix covers the atom"""
    positions: Floats
    """(N, 3), wrapped or not as LAMMPS holds them; never image flags"""
    velocities: Floats
    forces: Floats
    """(N, 3) interaction forces, before fixes changed them"""
    applied: Floats | None
    """(N, 3) what fixes added to the forces after they were computed; None if none could or it is not known"""
    forces_clean: bool
    """False where `forces` may hold what a fix added (end of a run cut short, minimisation under constraints)"""
    potential_energy: float
    """pair + bonded + long-range energy, without tail correction; NaN if LAMMPS did not tally it"""
    tail_energy: float
    virial: Floats
    """(6,) xx yy zz xy xz yz of the interactions, without that of constraints, energy units; NaN if LAMMPS did not
    tally it"""
    successor: Frame | None = None
    """the state exactly one step later, kept for a few frames to check that x(t+dt) follows from v(t)"""
    computed_in: tuple[Cell, Floats] | None = None
    """cell and positions (N, 3) that forces, energies and virial belong to, where a fix has changed them since (box and
    atoms rescaled at the end of the step by `press/berendsen` or `deform`); None if they are those of the frame"""

    @property
    def natoms(self) -> int:
        """Number of atoms."""
        return len(self.ids)

    @property
    def as_computed(self) -> Frame:
        """This frame with the cell and positions that its forces belong to."""
        if self.computed_in is None:
            return self
        cell, positions = self.computed_in
        return replace(self, cell=cell, positions=positions, computed_in=None)


@dataclass(frozen=True, slots=True)
class Samples:
    """Scalars at secret random steps (one row each), in the order in which they happened."""

    step: Ints
    time: Floats
    natoms: Ints
    integrated: Ints
    """(S,) atoms covered by a time-integrating fix"""
    potential_energy: Floats
    """(S,) without tail correction"""
    kinetic: Floats
    """(S, 6) sum of m v v of the integrated atoms, energy units: xx yy zz xy xz yz (trace = 2 * kinetic energy)"""
    momentum: Floats
    """(S, 3) total momentum of the integrated atoms, mass * velocity units"""
    mass: Floats
    """(S,) total mass of the integrated atoms"""
    virial: Floats
    """(S, 6) xx yy zz xy xz yz of the interactions, energy units, with that of constraints"""
    cell: Floats
    """(S, 3, 3) box edges"""

    @property
    def kinetic_energy(self) -> Floats:
        """(S,) kinetic energy of the integrated atoms."""
        return np.asarray(0.5 * self.kinetic[:, :3].sum(axis=1))

    @property
    def volume(self) -> Floats:
        """(S,) box volume."""
        return np.asarray(np.abs(np.linalg.det(self.cell)))

    def __len__(self) -> int:
        return len(self.step)

    @classmethod
    def join(cls, parts: list[Samples]) -> Samples:
        """One series from several, in order (an empty list gives an empty series)."""
        if not parts:
            return cls.empty()
        return cls(*(np.concatenate([getattr(p, name) for p in parts]) for name in cls.__slots__))

    @classmethod
    def empty(cls) -> Samples:
        """A series without rows."""
        z = np.zeros
        i = np.zeros(0, dtype=np.int64)
        return cls(i, z(0), i, i, z(0), z((0, 6)), z((0, 3)), z(0), z((0, 6)), z((0, 3, 3)))


@dataclass(frozen=True, slots=True)
class Edit:
    """How the state at the start of a loop differs from that at the end of the loop before."""

    natoms: bool = False
    types: bool = False
    masses: bool = False
    cell: bool = False
    displaced: float = 0.0
    """largest change of a position, by minimum image"""
    velocity: float = 0.0
    """largest change of a velocity component"""
    rebuilt: bool = False
    """`clear`, `read_restart` or a like command came between"""

    @property
    def any(self) -> bool:
        """Whether a new leg begins."""
        return bool(
            self.natoms
            or self.types
            or self.masses
            or self.cell
            or self.rebuilt
            or self.displaced > 0
            or self.velocity > 0
        )


@dataclass(frozen=True, slots=True)
class Loop:
    """One call of a time-stepping loop or of a minimiser."""

    index: int
    kind: str
    """"verlet", "respa" or "min" """
    requested: int
    """steps or iterations asked for"""
    steps: int
    """steps or iterations that were really done, counted one by one"""
    duration: float
    """sum of dt over those steps; 0 for a minimiser"""
    dt_min: float
    dt_max: float
    completed: bool
    """the loop returned (a minimiser that converged early counts)"""
    settings: Settings
    edit: Edit
    nested: int
    """0 for a loop of the script itself, more for one begun inside another loop"""
    line: int | None
    """line of the user's script whose command began the loop"""
    command: str
    """that command, expanded"""
    samples: Samples
    frames: tuple[Frame, ...]
    """begin (where an edit came before), sampled, and end frames, as far as the budget allowed"""

    @property
    def is_dynamics(self) -> bool:
        """Whether the loop integrates equations of motion."""
        return self.kind != "min"


@dataclass(frozen=True)
class Segment:
    """Successive loops of one leg with the same settings: one stage of a simulation."""

    loops: tuple[Loop, ...]
    leg: int

    @property
    def settings(self) -> Settings:
        """What was in force."""
        return self.loops[0].settings

    @property
    def is_dynamics(self) -> bool:
        """Whether the segment integrates equations of motion."""
        return self.loops[0].is_dynamics

    @property
    def steps(self) -> int:
        """Steps or iterations done."""
        return sum(loop.steps for loop in self.loops)

    @property
    def duration(self) -> float:
        """Time integrated, in the script's time unit."""
        return sum(loop.duration for loop in self.loops)

    @cached_property
    def samples(self) -> Samples:
        """All samples in order."""
        return Samples.join([loop.samples for loop in self.loops])

    @cached_property
    def frames(self) -> tuple[Frame, ...]:
        """All frames in order."""
        return tuple(frame for loop in self.loops for frame in loop.frames)

    @cached_property
    def temperature(self) -> Floats:
        """(S,) kinetic temperature of the integrated atoms: centre-of-mass motion and constraints taken out,
        T = (2 KE - P^2/M) / (dof k_B) with dof = dim * (n - 1) - removed (LAMMPS's `compute temp` counts the same)."""
        s, st = self.samples, self.settings
        dof = np.maximum(st.dimension * (s.integrated - 1) - st.removed_dof, 1)
        drift = st.mvv_to_energy * (s.momentum**2).sum(axis=1) / np.where(s.mass > 0, s.mass, 1.0)
        return np.asarray((s.kinetic[:, :3].sum(axis=1) - drift) / (dof * st.boltzmann))

    @cached_property
    def pressure(self) -> Floats:
        """(S, 6) pressure tensor xx yy zz xy xz yz of atoms and interactions, pressure units, without tail correction.

        In a 2d simulation the box's area takes the place of its volume.
        """
        s, st = self.samples, self.settings
        size = s.volume if st.dimension == 3 else s.volume / s.cell[:, 2, 2]
        return np.asarray((s.kinetic + s.virial) / size[:, None] * st.virial_to_pressure)


@dataclass(frozen=True, slots=True)
class Command:
    """One executed command, expanded."""

    words: tuple[str, ...]
    line: int | None
    """line of the user's script, None if it came from another file or a loop's `every`"""

    def __str__(self) -> str:
        return " ".join(self.words)


@dataclass(frozen=True)
class Evidence:
    """All that was recorded while a script ran."""

    loops: tuple[Loop, ...] = ()
    trace: tuple[Command, ...] = ()
    dropped_loops: int = 0
    dropped_commands: int = 0
    dropped_frames: int = 0
    """records that did not fit their budgets"""
    final: Frame | None = field(default=None)
    """state at the end of the last loop that returned"""

    def legs(self) -> Iterator[tuple[Loop, ...]]:
        """Successive loops between which nothing was edited. Loops nested in another one are left out."""
        leg: list[Loop] = []
        for loop in self.loops:
            if loop.nested:
                continue
            if leg and loop.edit.any:
                yield tuple(leg)
                leg = []
            leg.append(loop)
        if leg:
            yield tuple(leg)

    @cached_property
    def segments(self) -> tuple[Segment, ...]:
        """Stages: successive loops of one leg with equal kind and settings."""
        found: list[Segment] = []
        for number, leg in enumerate(self.legs()):
            stage: list[Loop] = []
            for loop in leg:
                if stage and (loop.kind, loop.settings) != (stage[0].kind, stage[0].settings):
                    found.append(Segment(tuple(stage), number))
                    stage = []
                stage.append(loop)
            found.append(Segment(tuple(stage), number))
        return tuple(found)
