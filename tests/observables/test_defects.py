"""Vacancies and surfaces of Lennard-Jones crystals: with bonds to nearest neighbours only, their energies are exact.

A bond at its minimum costs 1 epsilon, so that nothing relaxes, every atom of the fcc crystal has -6, a vacancy costs 6
and a surface half an epsilon for each bond that was cut.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from math import sqrt
from typing import Any

import numpy as np
import pytest

from mdevalbench.errors import Unmeasured
from mdevalbench.lammps.evidence import Cell, Evidence, Frame, Segment
from mdevalbench.lammps.forcefield import PotentialForceField
from mdevalbench.lammps.job import Ending, Job
from mdevalbench.lammps.pool import Pool
from mdevalbench.observables import Context, Selection, select, surface_energy, vacancy_formation_energy
from mdevalbench.types import Measurement

A = sqrt(2) * 2 ** (1 / 6)
"""lattice constant at which all bonds are at their minimum"""
SHORT, LONG = 1.3, 2.5
"""cutoffs: nearest neighbours only; four shells more"""
A_LONG = 1.5559
"""about the lattice constant with the long cutoff"""
FCC = {"atoms_per_cell": 4, "shell": {"within": 0.85, "neighbours": 12}}
POTENTIAL = "mass 1 1.0\npair_style lj/cut {cutoff}\npair_coeff 1 1 1.0 1.0\n"
MINIMISE = "minimize 0 1e-10 1000 10000\n"
DELETE = "group gone id {ids}\ndelete_atoms group gone\n"
RELAX = f"fix relax all box/relax aniso 0.0 vmax 0.01\n{MINIMISE}unfix relax\n"
FACES = {
    "100": ("orient x 1 0 0 orient y 0 1 0 orient z 0 0 1", 0.5, 4 / 2),
    "110": ("orient x 0 0 1 orient y 1 -1 0 orient z 1 1 0", sqrt(0.5), 6 / 2),
    "111": ("orient x 1 -1 0 orient y 1 1 -2 orient z 1 1 1", sqrt(3) / 4, 3 / 2),
}
"""face -> orientation, area per surface atom in squares of the lattice constant, half the bonds cut per surface atom"""


@pytest.fixture(scope="module")
def pool() -> Iterator[Pool]:
    with Pool(1) as opened:
        yield opened


class Laboratory:
    """Runs scripts and measures in what was recorded."""

    def __init__(self, pool: Pool, cutoff: float = SHORT) -> None:
        self.pool, self.cutoff = pool, cutoff
        self.forcefield = PotentialForceField(pool, "lj", f"lj/cut {cutoff}", ("* * 1.0 1.0",), {"LJ": 1.0}, "lj")

    def run(self, script: str) -> Evidence:
        """What a script did."""
        run = self.pool.run(Job(script))
        assert run.ending is Ending.COMPLETED, run.error
        return run.evidence

    def crystal(self, cells: tuple[float, float, float] = (4, 4, 4), a: float = A) -> str:
        """An fcc crystal."""
        edges = " ".join(f"0 {n}" for n in cells)
        return (
            f"units lj\nlattice fcc {4 / a**3} origin 0.1 0.1 0.1\nregion box block {edges}\ncreate_box 1 box\n"
            f"create_atoms 1 box\n{POTENTIAL.format(cutoff=self.cutoff)}"
        )

    def slab(self, face: str, a: float = A, strain: float = 0.0, layers: int = 4, boundary: str = "p p p") -> str:
        """A perfect crystal, and a slab that is built anew; y is three times as long, for the (111) face to close."""
        orient, _, _ = FACES[face]
        size = f"0 2 0 3 0 {layers}" if boundary != "p p p" else f"0 2 0 3 -{layers} {layers}"
        return (
            f"{self.crystal((3, 3, 3), a)}{MINIMISE}clear\nunits lj\nboundary {boundary}\n"
            f"lattice fcc {4 / a**3 / (1 + strain) ** 3} {orient} origin 0 0 0.05\nregion box block {size}\n"
            f"create_box 1 box\nregion slab block INF INF INF INF 0 {layers - 0.01}\ncreate_atoms 1 region slab\n"
            f"{POTENTIAL.format(cutoff=self.cutoff)}{MINIMISE}"
        )

    def context(self, evidence: Evidence) -> Context:
        """Context with the Lennard-Jones potential."""
        return Context(evidence, "lj", self.forcefield)

    def vacancy(self, evidence: Evidence, **options: Any) -> Measurement:
        """Formation energy of a vacancy in all static stages."""
        stages = select(evidence, Selection(kind="static", role="all"))
        return vacancy_formation_energy(stages, self.context(evidence), **FCC, **options)

    def surface(self, evidence: Evidence, face: str, **options: Any) -> Measurement:
        """Surface energy in all static stages."""
        stages = select(evidence, Selection(kind="static", role="all"))
        return surface_energy(stages, self.context(evidence), **FCC, site_area=FACES[face][1], **options)


@pytest.fixture
def short(pool: Pool) -> Laboratory:
    return Laboratory(pool)


@pytest.fixture
def long(pool: Pool) -> Laboratory:
    return Laboratory(pool, LONG)


def test_a_vacancy_costs_six_bonds(short: Laboratory) -> None:
    found = short.vacancy(short.run(short.crystal() + MINIMISE + DELETE.format(ids=100) + MINIMISE))
    assert found.value == pytest.approx(6.0, abs=1e-9)
    assert (found.unit, found.natoms) == ("epsilon", 255)
    assert found.uncertainty < 1e-6


def test_without_relaxation_a_vacancy_costs_the_cohesive_energy(long: Laboratory) -> None:
    """Of pairwise interactions, that is exact: half of the bonds that are cut belong to the atom that is taken out."""
    start = long.crystal((4, 4, 4), A_LONG) + RELAX + DELETE.format(ids=7)
    unrelaxed, relaxed = (long.run(start + end) for end in ("run 0\n", MINIMISE))
    perfect = unrelaxed.loops[0].frames[-1]
    cohesive = -long.forcefield.evaluate([perfect])[0].energy / perfect.natoms
    found = [long.vacancy(evidence) for evidence in (unrelaxed, relaxed)]
    assert found[0].value == pytest.approx(cohesive, abs=1e-9)
    assert found[1].value < found[0].value - 0.01
    assert found[0].uncertainty > 1e-3 > found[1].uncertainty


def test_the_relaxed_state_counts_even_if_it_is_not_the_last(long: Laboratory) -> None:
    start = long.crystal((4, 4, 4), A_LONG) + RELAX + DELETE.format(ids=7)
    once = long.vacancy(long.run(start + MINIMISE))
    again = long.vacancy(long.run(start + "run 0\n" + MINIMISE + "displace_atoms all random 0.02 0.02 0.02 7\nrun 0\n"))
    assert again.value == pytest.approx(once.value, abs=1e-7)


def test_the_cell_may_relax_too(long: Laboratory) -> None:
    start = long.crystal((5, 5, 5), A_LONG) + RELAX + DELETE.format(ids=7) + MINIMISE
    kept, relaxed = (long.vacancy(long.run(start + end)).value for end in ("", RELAX.replace("0.01", "0.001")))
    assert kept - 0.03 < relaxed < kept


def test_the_reference_of_a_scan_is_scaled_to_the_lattice_that_was_fitted(long: Laboratory) -> None:
    """No state of the scan is in equilibrium, yet the crystal with the vacancy is."""
    fitted = long.run(long.crystal((4, 4, 4), A_LONG) + RELAX).loops[0].frames[-1].cell.vectors[0, 0] / 4
    scan = "".join(
        f"change_box all x final 0 {4 * a} y final 0 {4 * a} z final 0 {4 * a} remap units box\nrun 0\n"
        for a in (0.99 * fitted, 1.005 * fitted, 1.01 * fitted)
    )
    box = " ".join(f"{axis} final 0 {4 * fitted}" for axis in "xyz")
    script = long.crystal((4, 4, 4), A_LONG) + scan + f"change_box all {box} remap units box\n" + DELETE.format(ids=9)
    direct = long.vacancy(long.run(long.crystal((4, 4, 4), A_LONG) + RELAX + DELETE.format(ids=9) + MINIMISE))
    assert long.vacancy(long.run(script + MINIMISE)).value == pytest.approx(direct.value, abs=1e-4)


@pytest.mark.parametrize(
    ("cells", "a", "steps", "why"),
    [
        ((4, 4, 4), A, DELETE.format(ids=1) + MINIMISE, "no static state of the perfect crystal"),
        ((4, 4, 4), A, MINIMISE, "only perfect ones"),
        ((4, 4, 4), A, MINIMISE + DELETE.format(ids="1 90") + MINIMISE, "254 atoms in the volume of 256"),
        ((4, 4, 4), A, f"{MINIMISE}create_atoms 1 single 0.35 0.35 0.35\n{MINIMISE}", "257 atoms in the volume of 256"),
        ((2, 2, 2), A, MINIMISE + DELETE.format(ids=1) + MINIMISE, "as narrow as a cube of 32 sites"),
        ((2, 2, 16), A, MINIMISE + DELETE.format(ids=1) + MINIMISE, "as narrow as a cube of 32 sites"),
        ((4, 4, 4), 1.02 * A, "run 0\n" + DELETE.format(ids=1) + "run 0\n", "is not relaxed"),
    ],
)
def test_what_is_no_single_vacancy_in_a_relaxed_crystal(
    cells: tuple[float, float, float], a: float, steps: str, why: str, short: Laboratory
) -> None:
    with pytest.raises(Unmeasured, match=why):
        short.vacancy(short.run(short.crystal(cells, a) + steps))


def test_dynamics_does_not_count(short: Laboratory) -> None:
    script = short.crystal() + MINIMISE + DELETE.format(ids=1) + "fix 1 all nve\nrun 5\n"
    with pytest.raises(Unmeasured, match="only perfect ones"):
        short.vacancy(short.run(script))


def test_a_skewed_box_holds_the_same_crystal(short: Laboratory) -> None:
    evidence = short.run(short.crystal() + MINIMISE + DELETE.format(ids=100) + MINIMISE)
    skewed = _changed(evidence, _skewed)
    assert short.vacancy(skewed).value == pytest.approx(6.0, abs=1e-9)


@pytest.mark.parametrize("face", FACES)
@pytest.mark.parametrize("boundary", ["p p p", "p p s"])
def test_a_surface_costs_half_the_bonds_that_were_cut(face: str, boundary: str, short: Laboratory) -> None:
    _, area, bonds = FACES[face]
    found = short.surface(short.run(short.slab(face, boundary=boundary)), face)
    assert found.value == pytest.approx(bonds / (area * A**2), rel=1e-6)
    assert found.unit == "epsilon/sigma^2"
    assert found.uncertainty < 1e-6


def test_the_normal_may_be_any_edge(short: Laboratory) -> None:
    turned = _changed(short.run(short.slab("110")), _turned)
    assert short.surface(turned, "110").value == pytest.approx(3 / (sqrt(0.5) * A**2), rel=1e-6)


def test_more_layers_give_the_same_energy_of_a_relaxed_surface(long: Laboratory) -> None:
    relaxed = long.run(long.crystal((3, 3, 3), A_LONG) + RELAX).loops[0].frames[-1].cell.vectors[0, 0] / 3
    values = [long.surface(long.run(long.slab("100", relaxed, layers=n)), "100").value for n in (5, 8)]
    assert values[0] == pytest.approx(values[1], rel=1e-3)


def test_a_scan_of_volumes_before_does_not_confuse_the_faces(short: Laboratory) -> None:
    scan = "".join(
        f"change_box all x final 0 {3 * a} y final 0 {3 * a} z final 0 {3 * a} remap units box\nrun 0\n"
        for a in (A, 1.03 * A, 1.06 * A)
    )
    perfect, _, slab = short.slab("100").partition("clear\n")
    found = short.surface(short.run(f"{perfect}{scan}clear\n{slab}"), "100")
    assert found.value == pytest.approx(4 / A**2, rel=1e-6)


@pytest.mark.parametrize(
    ("built", "asked", "changes", "why"),
    [
        ("100", "111", {}, "not the one that was asked for"),
        ("111", "100", {}, "not the one that was asked for"),
        ("100", "100", {"strain": 0.01}, "strained in its plane"),
        ("100", "100", {"layers": 2}, "too thin"),
        ("100", "100", {"a": 1.02 * A}, "not relaxed"),
    ],
)
def test_what_is_no_such_surface(built: str, asked: str, changes: dict[str, Any], why: str, short: Laboratory) -> None:
    script = short.slab(built, **changes)
    if "a" in changes:
        script = script.replace(MINIMISE, "run 0\n")
    with pytest.raises(Unmeasured, match=why):
        short.surface(short.run(script), asked)


@pytest.mark.parametrize(
    "edit",
    [
        "",  # still the bulk
        "change_box all z delta 0 0.5 units box\n",  # hardly a gap
        "change_box all z delta 0 9.0 y delta 0 9.0 units box\n",  # a wire
    ],
)
def test_what_is_no_slab(edit: str, short: Laboratory) -> None:
    script = short.crystal((3, 3, 6)) + MINIMISE + edit + "run 0\n"
    with pytest.raises(Unmeasured, match="no static state is a slab"):
        short.surface(short.run(script), "100")


def test_a_cavity_inside_is_seen(short: Laboratory) -> None:
    script = short.slab("100", layers=6).rpartition(MINIMISE)[0] + "region hole sphere 1 1 3 0.6\n"
    with pytest.raises(Unmeasured, match="the inside of the slab"):
        short.surface(short.run(script + "delete_atoms region hole\nrun 0\n"), "100")


def _nowhere(frame: Frame) -> Frame:
    return replace(frame, positions=np.full_like(frame.positions, np.nan))


def _flat(frame: Frame) -> Frame:
    return replace(frame, cell=replace(frame.cell, vectors=np.diag([1.0, 1.0, 0.0])))


def _heap(frame: Frame) -> Frame:
    return replace(frame, positions=np.zeros_like(frame.positions))


def _empty(frame: Frame) -> Frame:
    arrays = ("ids", "types", "masses", "integrated", "positions", "velocities", "forces")
    return replace(frame, **{name: getattr(frame, name)[:0] for name in arrays})


def _lonely(frame: Frame) -> Frame:
    arrays = ("ids", "types", "masses", "integrated", "positions", "velocities", "forces")
    return replace(frame, **{name: getattr(frame, name)[:1] for name in arrays})


@pytest.mark.parametrize("odd", [_nowhere, _flat, _heap, _empty, _lonely])
def test_odd_states_are_not_measured(odd: Any, short: Laboratory) -> None:
    evidence = _changed(short.run(short.crystal((3, 3, 3)) + MINIMISE), odd)
    for measure in (short.vacancy, lambda e: short.surface(e, "100")):
        with pytest.raises(Unmeasured):
            measure(evidence)


def test_nothing_recorded_is_nothing_measured(short: Laboratory) -> None:
    for measure in (vacancy_formation_energy, surface_energy):
        options = FCC | ({"site_area": 0.5} if measure is surface_energy else {})
        with pytest.raises(Unmeasured, match="perfect crystal"):
            measure((), short.context(Evidence()), **options)


def _changed(evidence: Evidence, change: Any) -> Evidence:
    loops = [replace(loop, frames=tuple(change(frame) for frame in loop.frames)) for loop in evidence.loops]
    assert all(isinstance(stage, Segment) for stage in Evidence(tuple(loops)).segments)
    return Evidence(tuple(loops))


def _skewed(frame: Frame) -> Frame:
    """The same crystal in a box whose second edge leans by a lattice vector."""
    vectors = frame.cell.vectors.copy()
    vectors[1, 0] += vectors[0, 0] / 4
    return replace(frame, cell=Cell(vectors, frame.cell.origin, frame.cell.periodic))


def _turned(frame: Frame) -> Frame:
    """z becomes x, x becomes y, y becomes z."""
    order = [2, 0, 1]
    vectors = np.diag(np.diag(frame.cell.vectors)[order])
    cell = Cell(vectors, frame.cell.origin[order], frame.cell.periodic)
    return replace(frame, cell=cell, positions=frame.positions[:, order], forces=frame.forces[:, order])
