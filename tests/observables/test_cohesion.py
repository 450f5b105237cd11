"""Cohesive energies and bulk moduli: closed forms of Lennard-Jones crystals, and isolated atoms in LAMMPS."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
from ase import Atoms
from ase.neighborlist import neighbor_list

from mdevalbench.errors import Unmeasured
from mdevalbench.lammps.evidence import Cell, Floats, Frame, Segment
from mdevalbench.lammps.forcefield import PotentialForceField
from mdevalbench.lammps.pool import Pool
from mdevalbench.observables import (
    Evaluated,
    bulk_modulus,
    bulk_modulus_at_rest,
    cohesive_energy,
    equation_of_state_cohesive_energy,
)
from mdevalbench.observables.cohesion import isolated_energy, static_states
from mdevalbench.observables.compression import zero_pressure_modulus

FOUR_SHELLS = 2.3
"""a cutoff beyond the neighbours at 1, 2^(1/2), 3^(1/2) and 2 nearest distances, and before the next ones"""


def four_shells() -> tuple[float, float, float]:
    """Lattice constant, binding energy and bulk modulus of an fcc crystal whose atoms see four shells, exactly.

    E(d) = 2 (A12 d^-12 - A6 d^-6) with V = d^3 / 2^(1/2): B = V d2E/dV2 = 2^(1/2) E''(d) / (9 d).
    """
    numbers, squares = np.array([12, 6, 24, 12]), np.array([1.0, 2.0, 3.0, 4.0])
    a12, a6 = (float((numbers * squares ** (-n / 2)).sum()) for n in (12, 6))
    d = (2 * a12 / a6) ** (1 / 6)
    return 2**0.5 * d, a6**2 / (2 * a12), 2**0.5 / (9 * d) * 2 * (156 * a12 * d**-14 - 42 * a6 * d**-8)


@dataclass(frozen=True)
class PairForceField:
    """The energy 4 (r^-12 - r^-6) per pair nearer than `cutoff`, and `alone` for every atom."""

    cutoff: float = FOUR_SHELLS
    alone: float = 0.0

    def evaluate(self, frames: Sequence[Frame]) -> list[Evaluated]:
        """Energy, forces and virial by sums over ASE's neighbour list."""
        return [self._one(frame) for frame in frames]

    def _one(self, frame: Frame) -> Evaluated:
        atoms = Atoms(positions=frame.positions, cell=frame.cell.vectors, pbc=frame.cell.periodic)
        first, distance, vector = neighbor_list("idD", atoms, self.cutoff)  # type: ignore[no-untyped-call]
        energy = 2 * (distance**-12 - distance**-6).sum() + self.alone * frame.natoms
        pull = (24 * distance**-8 - 48 * distance**-14)[:, None] * vector
        forces = np.zeros((frame.natoms, 3))
        np.add.at(forces, first, pull)
        virial = -0.5 * np.einsum("pi,pj->ij", pull, vector)
        return Evaluated(float(energy), forces, virial[[0, 1, 2, 0, 0, 1], [0, 1, 2, 1, 2, 2]])


def fcc(make_frame: Callable[..., Frame], a: float, cells: int = 1, **changes: object) -> Frame:
    """A frame of an fcc crystal in units of the Lennard-Jones sigma."""
    basis = np.array([[0, 0, 0], [0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]])
    corners = np.stack(np.meshgrid(*[range(cells)] * 3), axis=-1).reshape(-1, 1, 3)
    cube = Cell(np.eye(3) * a * cells, np.zeros(3), (True, True, True))
    return make_frame(((corners + basis) * a).reshape(-1, 3), cube, **changes)


def strained(frame: Frame, strain: Floats) -> Frame:
    """The frame after a homogeneous strain (3, 3)."""
    change = np.eye(3) + strain
    cell = replace(frame.cell, vectors=frame.cell.vectors @ change)
    return replace(frame, cell=cell, positions=frame.positions @ change)


A, BINDING, B = four_shells()
SHELLS = PairForceField()
A12, A6 = 12.13188, 14.45392
"""fcc lattice sums in units of the nearest distance (C. Kittel, Introduction to Solid State Physics, chapter 3)"""

Stage = Callable[..., Segment]


@pytest.fixture
def at_rest(make_loop: Any, make_settings: Any) -> Stage:
    """A run of no steps, or a minimisation, that ends in a frame."""

    def make(frame: Frame, index: int = 0, **changes: Any) -> Segment:
        plain = {"kind": "verlet", "steps": 0, "duration": 0.0, "settings": make_settings(fixes=()), "frames": (frame,)}
        return Segment((make_loop(**(plain | {"index": index} | changes)),), 0)

    return make


def test_the_relaxed_crystal_has_the_energy_of_the_lattice_sums(
    at_rest: Stage, make_context: Any, make_frame: Any
) -> None:
    """8.6102 epsilon, less 8/3 pi n rc^-3 beyond the cutoff, which a continuum of density n gives to some per cent."""
    cutoff, edge = 9.0, 2**0.5 * (2 * A12 / A6) ** (1 / 6)
    beyond = 8 * np.pi / 3 * (4 / edge**3) / cutoff**3
    stage = at_rest(fcc(make_frame, edge))
    found = cohesive_energy((stage,), make_context(*stage.loops, forcefield=PairForceField(cutoff)))
    assert found.value == pytest.approx(A6**2 / (2 * A12) - beyond, abs=0.1 * beyond)
    assert (found.unit, found.natoms) == ("epsilon", 4)


def test_neighbours_in_four_shells(at_rest: Stage, make_context: Any, make_frame: Any) -> None:
    stage = at_rest(fcc(make_frame, A))
    found = cohesive_energy((stage,), make_context(*stage.loops, forcefield=SHELLS))
    assert found.value == pytest.approx(BINDING, rel=1e-9)


@pytest.mark.parametrize("strain", [-0.004, -0.001, 0.001, 0.004])
def test_the_energy_of_a_small_strain_is_taken_off(
    strain: float, at_rest: Stage, make_context: Any, make_frame: Any
) -> None:
    exact, off = (at_rest(fcc(make_frame, A * (1 + e))) for e in (0.0, strain))
    given = make_context(*exact.loops, forcefield=SHELLS)
    found, right = (cohesive_energy((stage,), given) for stage in (off, exact))
    assert found.value == pytest.approx(right.value, abs=3e-4)
    assert abs(found.value - right.value) < 3 * found.uncertainty + 1e-9
    energies = [state.energy for state in static_states((off, exact), given)]
    assert np.ptp(energies) > 1e-4 or abs(strain) < 0.002  # it would show


def test_isolated_atoms_may_have_an_energy_of_their_own(at_rest: Stage, make_context: Any, make_frame: Any) -> None:
    frame = fcc(make_frame, A)
    values = []
    for alone in (0.0, -1.81):
        given = make_context(*at_rest(frame).loops, forcefield=PairForceField(alone=alone))
        assert isolated_energy(frame, given) == pytest.approx(alone)
        values.append(cohesive_energy((at_rest(frame),), given).value)
    assert values[0] == pytest.approx(values[1])


def test_the_state_of_lowest_energy_counts(at_rest: Stage, make_context: Any, make_frame: Any) -> None:
    """Whatever was computed before or after: isolated atoms, stretched crystals, one with an atom displaced."""
    crystal, apart = fcc(make_frame, A), fcc(make_frame, 15 * A)
    wide = fcc(make_frame, 1.03 * A)
    moved = replace(crystal, positions=crystal.positions + np.array([0.02, 0, 0]) * np.eye(4)[:, :1])
    stages = tuple(at_rest(frame, index) for index, frame in enumerate((moved, crystal, wide, apart)))
    given = make_context(*(loop for stage in stages for loop in stage.loops), forcefield=SHELLS)
    assert cohesive_energy(stages, given).value == pytest.approx(cohesive_energy(stages[1:2], given).value)


@pytest.mark.parametrize("method", [cohesive_energy, equation_of_state_cohesive_energy])
@pytest.mark.parametrize("case", ["size", "shear", "atom", "open", "moving", "none", "nan", "empty"])
def test_what_is_no_crystal_at_rest(
    case: str, method: Callable[..., Any], at_rest: Stage, make_context: Any, make_frame: Any
) -> None:
    frame, changes = fcc(make_frame, A), dict[str, Any]()
    match case:
        case "size":
            frame = fcc(make_frame, 1.02 * A)
        case "shear":
            frame = strained(frame, 0.03 * np.eye(3)[[1, 0, 2]] * (1 - np.eye(3)))
        case "atom":
            frame = replace(frame, positions=frame.positions + np.array([0.05, 0, 0]) * np.eye(4)[:, :1])
        case "open":
            frame = replace(frame, cell=replace(frame.cell, periodic=(True, True, False)))
        case "moving":
            changes = {"steps": 100}
        case "none":
            changes = {"frames": ()}
        case "nan":
            frame = replace(frame, positions=frame.positions * np.nan)
        case "empty":
            frame = make_frame(np.zeros((0, 3)), frame.cell)
    stage = at_rest(frame, **changes)
    with pytest.raises(Unmeasured):
        method((stage,), make_context(*stage.loops, forcefield=SHELLS))


def test_a_scan_that_misses_the_minimum_is_interpolated(at_rest: Stage, make_context: Any, make_frame: Any) -> None:
    factors = (0.97, 0.99, 1.012, 1.03, 1.05, 15.0)  # the last one is the isolated atom
    stages = tuple(at_rest(fcc(make_frame, f * A), n) for n, f in enumerate(factors))
    given = make_context(*(loop for stage in stages for loop in stage.loops), forcefield=SHELLS)
    with pytest.raises(Unmeasured, match="in equilibrium"):
        cohesive_energy(stages, given)
    exact = cohesive_energy((at_rest(fcc(make_frame, A)),), given)
    assert equation_of_state_cohesive_energy(stages, given).value == pytest.approx(exact.value, abs=2e-3)
    with pytest.raises(Unmeasured, match="5 or more volumes, there are 4"):
        equation_of_state_cohesive_energy(stages[1:], given)


@pytest.fixture(scope="module")
def pool() -> Iterator[Pool]:
    with Pool(1) as pool:
        yield pool


def test_an_isolated_atom_of_the_harness(pool: Pool, make_context: Any, make_frame: Any) -> None:
    """F(0) of the effective-medium potential for aluminium is -1.81 eV; embedded atoms of others have none alone."""
    for name, mass, energy in (("Al_jnp.eam", 26.982, -1.81), ("Cu_u3.eam", 63.55, 0.0)):
        field = PotentialForceField(pool, "metal", "eam", (f"* * {name}",), {"X": mass}, "metal")
        crystal = fcc(make_frame, 4.0, cells=2, masses=np.full(32, mass))
        given = make_context(units="metal", forcefield=field)
        assert isolated_energy(crystal, given) == pytest.approx(energy, abs=1e-6)


def test_the_atoms_of_a_compound_are_isolated_each(pool: Pool, make_context: Any, make_frame: Any) -> None:
    """In kcal/mol, too, and with a pair potential: nothing is left of atoms that are alone."""
    elements = {"Na": 22.99, "Cl": 35.45}
    field = PotentialForceField(pool, "metal", "lj/cut 30.0", ("* * 0.01 3.0",), elements, "real")
    crystal = fcc(make_frame, 5.6, masses=np.array([22.99, 35.45, 22.99, 35.45]), types=np.array([1, 2, 1, 2]))
    given = make_context(units="real", forcefield=field)
    assert isolated_energy(crystal, given) == 0.0
    assert given.evaluate([crystal])[0].energy < -1.0


@pytest.fixture
def states(make_loop: Any, make_settings: Any) -> Callable[..., tuple[Segment, ...]]:
    """Runs of no steps that end in frames."""

    def make(*frames: Frame, **changes: Any) -> tuple[Segment, ...]:
        plain = {"kind": "verlet", "steps": 0, "duration": 0.0, "settings": make_settings(fixes=())} | changes
        return tuple(Segment((make_loop(index=n, frames=(frame,), **plain),), n) for n, frame in enumerate(frames))

    return make


def at(make_frame: Any, *strains: float) -> list[Frame]:
    """Crystals whose edge differs from that of equilibrium."""
    return [fcc(make_frame, A * (1 + strain)) for strain in strains]


@pytest.mark.parametrize(
    ("strains", "within"),
    [
        ((-0.002, 0.002), 1e-3),
        ((-0.001, 0.0), 1e-2),
        ((-0.002, 0.0, 0.002), 1e-4),
        ((-0.0001, 0.0, 0.0001), 1e-4),
        (tuple(np.linspace(-0.06, 0.06, 25)), 2e-3),
        ((-0.05, -0.02, 0.01, 0.04), 2e-2),
        ((0.0, -0.001, -0.002), 2e-3),
        ((0.0, -0.002, 0.002, 15.0), 1e-4),  # the last one are isolated atoms
    ],
)
def test_scaled_crystals(
    strains: tuple[float, ...], within: float, states: Any, make_context: Any, make_frame: Any
) -> None:
    found = bulk_modulus(states(*at(make_frame, *strains)), make_context(forcefield=SHELLS))
    assert found.value == pytest.approx(B, rel=within)
    assert abs(found.value - B) < 3 * found.uncertainty + 2e-5 * B
    assert (found.unit, found.natoms) == ("epsilon/sigma^3", 4)


def test_strains_along_one_axis(states: Any, make_context: Any, make_frame: Any) -> None:
    """The mean pressure of a cubic crystal tells the bulk modulus, while the energy's curvature would be C11."""
    crystal = fcc(make_frame, A)
    axis = np.diag([1.0, 0.0, 0.0])
    frames = [crystal, *(strained(crystal, s * axis) for s in (-0.002, 0.002))]
    given = make_context(forcefield=SHELLS)
    assert bulk_modulus(states(*frames), given).value == pytest.approx(B, rel=2e-3)
    energies = [state.energy for state in given.evaluate(frames)]
    curvature = (energies[1] + energies[2] - 2 * energies[0]) / (0.002**2 * crystal.cell.volume)
    assert curvature > 1.3 * B
    sheared = strained(crystal, 0.005 * np.eye(3)[[1, 0, 2]] * (1 - np.eye(3)))
    assert bulk_modulus(states(sheared, *frames), given).value == pytest.approx(B, rel=5e-3)


def test_a_relaxed_crystal_alone(states: Any, make_context: Any, make_frame: Any) -> None:
    given = make_context(forcefield=SHELLS)
    found = bulk_modulus_at_rest(states(*at(make_frame, 1e-4)), given)
    assert found.value == pytest.approx(B, abs=found.uncertainty, rel=0)
    assert found.uncertainty < 3e-3 * B
    with pytest.raises(Unmeasured, match="several volumes, there is one"):
        bulk_modulus(states(*at(make_frame, 0.0)), given)
    with pytest.raises(Unmeasured, match="relaxed"):
        bulk_modulus_at_rest(states(*at(make_frame, 0.01)), given)


@pytest.mark.parametrize(
    ("strains", "why"),
    [
        ((0.02, 0.025, 0.03), "no zero within"),
        ((-0.03, -0.025, -0.02), "no zero within"),
        ((-0.04, 0.04), "open by .* %"),
        ((0.0, -0.02), "open by .* %"),
        ((0.12, 0.13, 0.14), "unstable"),
    ],
)
def test_too_far_from_zero_pressure(
    strains: tuple[float, ...], why: str, states: Any, make_context: Any, make_frame: Any
) -> None:
    with pytest.raises(Unmeasured, match=why):
        bulk_modulus(states(*at(make_frame, *strains)), make_context(forcefield=SHELLS))


def test_what_does_not_count(states: Any, make_context: Any, make_frame: Any) -> None:
    given = make_context(forcefield=SHELLS)
    frames = at(make_frame, -0.002, 0.0, 0.002)
    with pytest.raises(Unmeasured, match="no static state"):
        bulk_modulus(states(*frames, steps=10), given)
    pushed = [replace(f, positions=f.positions + np.array([0.05, 0, 0]) * np.eye(4)[:, :1]) for f in frames]
    with pytest.raises(Unmeasured):
        bulk_modulus(states(*pushed), given)
    with pytest.raises(Unmeasured, match="not the crystal"):
        bulk_modulus(states(*frames), given, shell={"within": 1.2, "neighbours": 14})
    assert bulk_modulus(states(*frames), given, shell={"within": 0.85, "neighbours": 12}).value > 0


def test_bar_in_metal_units(states: Any, make_context: Any, make_frame: Any) -> None:
    found = bulk_modulus(states(*at(make_frame, -0.002, 0.0, 0.002)), make_context(forcefield=SHELLS, units="metal"))
    assert found.value == pytest.approx(B * 1.602177e6, rel=1e-4)
    assert found.unit == "bar"


def test_birch_murnaghan_is_met_exactly() -> None:
    v0, modulus, slope = 11.8, 0.87, 5.1
    volumes = v0 * np.array([0.97, 0.99, 1.013, 1.03])
    x = (v0 / volumes) ** (1 / 3)
    pressures = 1.5 * modulus * (x**7 - x**5) * (1 + 0.75 * (slope - 4) * (x**2 - 1))
    assert zero_pressure_modulus(volumes, pressures)[0] == pytest.approx(modulus, rel=1e-9)
    assert zero_pressure_modulus(volumes[::-1], pressures[::-1])[0] == pytest.approx(modulus, rel=1e-9)
