"""Elastic constants: crystals whose constants are exact lattice sums, and silicon in LAMMPS."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
from scipy.optimize import brentq
from scipy.spatial.transform import Rotation

from mdevalbench.errors import Unmeasured
from mdevalbench.lammps.evidence import Cell, Command, Evidence, Frame, Segment
from mdevalbench.lammps.forcefield import PotentialForceField
from mdevalbench.lammps.job import Job, Recording
from mdevalbench.lammps.pool import Pool
from mdevalbench.observables import Context, Evaluated, elastic_constant, elastic_constant_born
from mdevalbench.observables.moduli import QUANTITIES, Moduli
from mdevalbench.observables.strain import deformation

BASES = {
    "fcc": np.array([[0, 0, 0], [0, 1, 1], [1, 0, 1], [1, 1, 0]]) / 2,
    "bcc": np.array([[0, 0, 0], [1, 1, 1]]) / 2,
    "sc": np.zeros((1, 3)),
}
BASES["diamond"] = np.concatenate([BASES["fcc"], BASES["fcc"] + 0.25])
STRETCH = np.array([[0.01, 0.004, -0.006], [0.004, -0.008, 0.002], [-0.006, 0.002, 0.003]])
PULL, SHEAR = np.diag([1.0, 0, 0]), np.array([[0, 0.5, 0], [0.5, 0, 0], [0, 0, 0]])


@dataclass
class Pairs:
    """Atoms with a Lennard-Jones potential of unit size, cut off between the shells of the fcc crystal."""

    cutoff: float = 2.644 * 1.5437

    def evaluate(self, frames: Sequence[Frame]) -> list[Evaluated]:
        return [self._one(frame) for frame in frames]

    def _one(self, frame: Frame) -> Evaluated:
        edges, n = frame.cell.vectors, frame.natoms
        reach = np.ceil(self.cutoff * np.sqrt((np.linalg.inv(edges) ** 2).sum(axis=0))) + 1
        images = np.stack(np.meshgrid(*[np.arange(-k, k + 1) for k in reach], indexing="ij"), -1).reshape(-1, 3) @ edges
        vector = frame.positions[None, :, None] - frame.positions[:, None, None] + images
        distance = np.sqrt((vector**2).sum(axis=-1))
        near = (distance > 0) & (distance < self.cutoff)
        r = distance[near]
        pull = (4 * (6 / r**8 - 12 / r**14))[:, None] * vector[near]
        forces = np.zeros((n, 3))
        np.add.at(forces, near.nonzero()[0], pull)
        virial = -0.5 * np.einsum("ni,nj->ij", vector[near], pull)[[0, 1, 2, 0, 0, 1], [0, 1, 2, 1, 2, 2]]
        return Evaluated(2 * float((r**-12 - r**-6).sum()), forces, virial)


def lattice_sums(a: float, cutoff: float) -> tuple[float, float, float]:
    """Pressure, C11 and C12 = C44 of the fcc crystal (Born and Huang): at zero pressure C_ijkl =
    1/(2 v) sum (phi'' - phi'/r) x_i x_j x_k x_l / r^2."""
    cells = np.stack(np.meshgrid(*[np.arange(-4, 5)] * 3), axis=-1).reshape(-1, 1, 3)
    x = ((cells + BASES["fcc"]) * a).reshape(-1, 3)
    r = np.sqrt((x**2).sum(axis=1))
    x, r = x[(r > 0) & (r < cutoff)], r[(r > 0) & (r < cutoff)]
    first, second = 4 * (6 / r**7 - 12 / r**13), 4 * (156 / r**14 - 42 / r**8)
    weight = (second - first / r) / r**2 / (2 * a**3 / 4)
    return (
        -float((first * r).sum()) / 6 * 4 / a**3,
        float(weight @ x[:, 0] ** 4),
        float(weight @ (x[:, 0] * x[:, 1]) ** 2),
    )


A0 = float(brentq(lambda a: lattice_sums(a, Pairs().cutoff)[0], 1.5, 1.6, xtol=1e-14))
_, C11, C12 = lattice_sums(A0, Pairs().cutoff)
EXACT = np.array([C11, C12, C12])


@pytest.fixture
def crystal(make_frame: Any) -> Callable[..., Frame]:
    """Makes a crystal: `gradient` deforms the unit cube, `edges` counts its cells along each edge of the box."""

    def make(gradient: Any = None, structure: str = "fcc", a: float = A0, edges: Any = None, turn: Any = None) -> Frame:
        matrix = a * (np.eye(3) if gradient is None else np.asarray(gradient))
        matrix = matrix if turn is None else turn @ matrix
        whole = np.eye(3, dtype=int) if edges is None else np.asarray(edges)
        reach = int(np.abs(whole).sum())
        cells = np.stack(np.meshgrid(*[np.arange(-reach, reach + 1)] * 3), axis=-1).reshape(-1, 1, 3)
        sites = (cells + BASES[structure]).reshape(-1, 3)
        inside = sites @ np.linalg.inv(whole)
        sites = sites[((inside > -1e-9) & (inside < 1 - 1e-9)).all(axis=1)]
        cell = Cell(whole @ matrix.T, np.array([0.3, -0.2, 0.1]), (True, True, True))
        return make_frame(sites @ matrix.T + cell.origin, cell)  # type: ignore[no-any-return]

    return make


@pytest.fixture
def static(make_loop: Any) -> Callable[..., tuple[Segment, ...]]:
    """Makes runs of no steps that end in these frames."""

    def make(*frames: Frame) -> tuple[Segment, ...]:
        loops = [make_loop(index=k, steps=0, duration=0.0, frames=(frame,)) for k, frame in enumerate(frames)]
        return tuple(Segment((loop,), loop.index) for loop in loops)

    return make


@pytest.fixture
def measure(static: Any, make_context: Any) -> Callable[..., tuple[float, float]]:
    """Measures a quantity from frames of the Lennard-Jones crystal."""

    def value(quantity: str, *frames: Frame) -> tuple[float, float]:
        found = elastic_constant(static(*frames), make_context(forcefield=Pairs()), quantity)
        assert found.unit == ("dimensionless" if quantity == "zener_ratio" else "epsilon/sigma^3")
        return found.value, found.uncertainty

    return value


def both_ways(strain: Any) -> list[np.ndarray]:
    return [np.eye(3) + strain, np.eye(3) - strain]


@pytest.mark.parametrize("structure", ["fcc", "bcc", "diamond"])
@pytest.mark.parametrize(
    "edges", [np.eye(3), 3 * np.eye(3), [[1, 1, 0], [-1, 1, 0], [0, 0, 1]], [[2, 0, 0], [1, 3, 0], [0, 1, 2]]]
)
def test_the_deformation_is_found_in_any_cell(structure: str, edges: Any, crystal: Any) -> None:
    gradient = np.eye(3) + STRETCH
    turn = Rotation.from_rotvec([0.3, -1.1, 0.7]).as_matrix()
    frame = crystal(gradient, structure, 4.0, edges, turn)
    lattice = "bcc" if structure == "bcc" else "fcc"
    found = deformation(frame, lattice, len(BASES[structure]))
    assert np.linalg.det(found) > 0
    assert np.linalg.eigvalsh(found.T @ found) == pytest.approx(np.linalg.eigvalsh(16 * gradient.T @ gradient), 1e-12)
    # along the cube axes nothing is left but their order and signs
    metric = found.T @ found
    assert sorted(np.diag(metric)) == pytest.approx(sorted(16 * np.diag(gradient.T @ gradient)), rel=1e-12)


def test_a_primitive_cell_is_enough(crystal: Any) -> None:
    edges = np.array([[0, 1, 1], [1, 0, 1], [1, 1, 0]]) / 2
    frame = crystal(np.eye(3) + STRETCH, edges=edges)
    assert frame.natoms == 1
    found = deformation(frame, "fcc", 4)
    assert np.linalg.det(found) == pytest.approx(A0**3 * np.linalg.det(np.eye(3) + STRETCH))


def hexagonal(make_frame: Any) -> Frame:
    """Close packing of the other kind, with the same twelve neighbours."""
    vectors = np.array([[1, 0, 0], [0, np.sqrt(3), 0], [0, 0, np.sqrt(8 / 3)]])
    basis = np.array([[0, 0, 0], [0.5, 0.5, 0], [0.5, 5 / 6, 0.5], [0, 1 / 3, 0.5]])
    cells = np.stack(np.meshgrid(*[range(2)] * 3), axis=-1).reshape(-1, 1, 3)
    return make_frame(  # type: ignore[no-any-return]
        (cells + basis).reshape(-1, 3) @ vectors, Cell(2 * vectors, np.zeros(3), (True,) * 3)
    )


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (lambda f: replace(f, positions=f.positions + 0.03 * np.eye(f.natoms, 3)), "displaced from their lattice"),
        (lambda f: replace(f, positions=f.positions * np.nan), "not finite"),
        (lambda f: replace(f, cell=replace(f.cell, periodic=(True, True, False))), "not periodic"),
        (lambda f: replace(f, cell=replace(f.cell, vectors=f.cell.vectors * [1, 1, 1e-4])), "thinner than a layer"),
        (lambda f: replace(f, cell=replace(f.cell, vectors=f.cell.vectors * [1.02, 1, 1])), "displaced from their"),
        (lambda f: replace(f, cell=replace(f.cell, vectors=f.cell.vectors * [1.15, 1, 1])), "crystal"),
        (lambda f: replace(f, masses=np.where(np.arange(f.natoms) == 5, 2.0, 1.0)), "of its kind"),
    ],
)
def test_what_is_no_perfect_crystal(spoil: Any, why: str, crystal: Any) -> None:
    with pytest.raises(Unmeasured, match=why):
        deformation(spoil(crystal(edges=2 * np.eye(3))), "fcc", 4)


def test_other_crystals_and_defects(crystal: Any, make_frame: Any) -> None:
    for other in (crystal(structure="bcc"), crystal(structure="sc"), crystal(structure="diamond")):
        with pytest.raises(Unmeasured, match="not the crystal that was asked for"):
            deformation(other, "fcc", 4)
    with pytest.raises(Unmeasured, match="perfect crystal"):
        deformation(hexagonal(make_frame), "fcc", 4)
    whole = crystal(edges=3 * np.eye(3))
    keep = np.arange(whole.natoms) != 50
    parts = {name: getattr(whole, name)[keep] for name in ("ids", "types", "masses", "positions", "forces")}
    with pytest.raises(Unmeasured, match="perfect crystal"):
        deformation(replace(whole, **parts), "fcc", 4)
    empty = {name: getattr(whole, name)[:0] for name in parts}
    with pytest.raises(Unmeasured, match="no atoms"):
        deformation(replace(whole, **empty), "fcc", 4)
    gas = replace(whole, positions=np.random.default_rng(3).uniform(size=(whole.natoms, 3)) * 3 * A0)
    with pytest.raises(Unmeasured, match="crystal"):
        deformation(gas, "fcc", 4)


def test_no_cell_is_too_odd_for_words(crystal: Any, make_frame: Any) -> None:
    random = np.random.default_rng(7)
    for _ in range(200):
        n = int(random.integers(0, 12))
        vectors = np.tril(random.normal(size=(3, 3))) * 10.0 ** random.uniform(-3, 3)
        frame = make_frame(random.normal(size=(n, 3)) @ vectors, Cell(vectors, np.zeros(3), (True,) * 3))
        with pytest.raises(Unmeasured):
            deformation(frame, str(random.choice(["fcc", "bcc"])), 2)
    flat = crystal(edges=3 * np.eye(3))
    skewed = flat.cell.vectors + np.outer([0, 0, 1], 1e4 * flat.cell.vectors[0])
    with pytest.raises(Unmeasured, match=r"too skewed|thinner"):
        deformation(replace(flat, cell=replace(flat.cell, vectors=skewed)), "fcc", 4)


@pytest.mark.parametrize("size", [1e-6, 1e-3, 5e-3])
def test_stretched_and_sheared_cells_give_the_lattice_sums(size: float, crystal: Any, measure: Any) -> None:
    frames = [crystal(g) for strain in (size * PULL, size * SHEAR) for g in both_ways(strain)]
    for quantity, formula in QUANTITIES.items():
        value, uncertainty = measure(quantity, *frames)
        assert value == pytest.approx(formula(EXACT), rel=3e-3)
        assert abs(value - formula(EXACT)) < 3 * uncertainty


def test_a_rectangular_cell_along_110_gives_the_shear_constant(crystal: Any, measure: Any) -> None:
    edges = [[1, 1, 0], [-1, 1, 0], [0, 0, 1]]
    turn = Rotation.from_euler("z", -45, degrees=True).as_matrix()
    along = turn.T @ np.diag([0.002, 0, 0]) @ turn
    frames = [crystal(g, edges=edges, turn=turn) for g in both_ways(along)]
    assert np.allclose(frames[0].cell.vectors, np.diag(np.diag(frames[0].cell.vectors)))
    value, uncertainty = measure("c44", *frames)
    assert abs(value - C12) < min(3 * uncertainty, 0.01 * C12)


def test_strains_that_conserve_the_volume_tell_only_the_shear_moduli(crystal: Any, measure: Any) -> None:
    gradients = [np.diag([1 + d, 1 - d, 1 / (1 - d**2)]) for d in (0.0, 0.003, -0.003)]
    frames = [crystal(g) for g in gradients]
    value, uncertainty = measure("c_prime", *frames)
    assert abs(value - (C11 - C12) / 2) < min(3 * uncertainty, 0.01 * C12)
    with pytest.raises(Unmeasured, match="cube axes are no longer at right angles"):
        measure("c44", *frames)
    with pytest.raises(Unmeasured, match="open by"):
        measure("c11", *frames)


@pytest.mark.parametrize("size", [1e-6, 1e-4, 1e-2])
def test_without_a_shear_nothing_is_said_of_the_shear_constant(size: float, crystal: Any, measure: Any) -> None:
    frames = [crystal()] + [crystal(g) for k in range(3) for g in both_ways(size * np.diag(np.eye(3)[k]))]
    for quantity in ("c44", "zener_ratio", "young_110"):
        with pytest.raises(Unmeasured, match="no longer at right angles"):
            measure(quantity, *frames)
    assert measure("c11", *frames)[0] == pytest.approx(C11, rel=5e-3)


def test_a_change_of_volume_tells_none_of_them(crystal: Any, measure: Any) -> None:
    frames = [crystal(a=A0 * (1 + d)) for d in (-0.004, -0.002, 0, 0.002, 0.004)]
    with pytest.raises(Unmeasured, match="stretched along one cube axis more than along the others"):
        measure("c12", *frames)
    with pytest.raises(Unmeasured, match="right angles"):
        measure("c44", *frames)


@pytest.mark.parametrize("size", [1e-3, -5e-3, 0.01])
def test_strains_in_one_direction_are_enough(size: float, crystal: Any, measure: Any) -> None:
    """Energy and stress of a state together tell the second order from the third."""
    frames = [crystal(), crystal(np.eye(3) + size * PULL), crystal(np.eye(3) + size * SHEAR)]
    for quantity, exact in (("c11", C11), ("c44", C12)):
        value, uncertainty = measure(quantity, *frames)
        assert abs(value - exact) < min(3 * uncertainty, 0.01 * exact)


def test_misplaced_and_large_strains_leave_the_constants_open(crystal: Any, measure: Any) -> None:
    with pytest.raises(Unmeasured, match="open by"):  # the pressure of one state cannot be told from its response
        measure("c11", *[crystal(np.eye(3) + d * PULL, a=1.003 * A0) for d in (0.001, 0.0011)])
    with pytest.raises(Unmeasured, match="near the relaxed crystal"):
        measure("c11", *[crystal(g, a=1.02 * A0) for g in both_ways(0.001 * PULL)])
    with pytest.raises(Unmeasured, match="no two that differ"):
        measure("c11", crystal(), *[crystal(g) for g in both_ways(0.04 * PULL)])


def test_wide_scans_do_not_spoil_the_states_near_the_minimum(crystal: Any, measure: Any) -> None:
    frames = [crystal(np.eye(3) + d * PULL) for d in np.linspace(-0.02, 0.02, 11)]
    value, uncertainty = measure("c11", *frames, *[crystal(a=A0 * s) for s in (0.9, 0.95, 1.05, 1.1)])
    assert abs(value - C11) < min(3 * uncertainty, 0.01 * C11)


def test_of_states_in_one_cell_the_lowest_counts(crystal: Any, measure: Any) -> None:
    frames = [crystal(g) for g in both_ways(0.002 * PULL)]
    moved = [replace(f, positions=f.positions + 0.004 * A0 * np.eye(f.natoms, 3)) for f in frames]
    assert measure("c11", *moved)[0] != pytest.approx(C11, rel=1e-4)
    assert measure("c11", *moved, *frames, *moved) == measure("c11", *frames)


def test_dynamics_is_not_static(crystal: Any, static: Any, make_context: Any) -> None:
    moving = static(*[crystal(g) for g in both_ways(0.002 * PULL)])
    moving = tuple(Segment((replace(s.loops[0], steps=10),), 0) for s in moving)
    with pytest.raises(Unmeasured, match="no static state"):
        elastic_constant(moving, make_context(forcefield=Pairs()), "c11")


def test_an_unstable_crystal(crystal: Any, static: Any, make_context: Any) -> None:
    with pytest.raises(Unmeasured, match="unstable"):
        elastic_constant(static(crystal(a=2.0), crystal(a=1.99)), make_context(forcefield=Pairs()), "c11")


def test_the_born_matrix_of_a_relaxed_state(crystal: Any, static: Any) -> None:
    stages = static(crystal())
    asked = Command(("compute", "b", "all", "born/matrix", "numdiff", "1e-4", "v"), 9)
    loops = tuple(loop for stage in stages for loop in stage.loops)
    given = Context(Evidence(loops, (asked,)), "lj", Pairs())
    for quantity in ("c11", "young_110"):
        found = elastic_constant_born(stages, given, quantity)
        assert found.value == pytest.approx(QUANTITIES[quantity](EXACT), rel=1e-4)
    with pytest.raises(Unmeasured, match="no compute born/matrix"):
        elastic_constant_born(stages, replace(given, evidence=Evidence(loops)), "c11")
    displaced = replace(crystal(), positions=crystal().positions + 0.004 * A0 * np.eye(4, 3))
    with pytest.raises(Unmeasured, match="not at rest"):
        elastic_constant_born(static(displaced), given, "c11")


def test_moduli_are_those_of_the_inverse_tensor() -> None:
    c11, c12, c44 = 170.0, 122.0, 76.0
    stiffness = np.diag([c11 - c12] * 3 + [c44] * 3)
    stiffness[:3, :3] += c12
    compliance = np.linalg.inv(stiffness)
    moduli = Moduli(np.array([c11, c12, c44]), np.diag([1.0, 1.0, 1.0]))
    for name, axis in (("young_100", [1, 0, 0]), ("young_110", [1, 1, 0]), ("young_111", [1, 1, 1])):
        n = np.array(axis) / np.linalg.norm(axis)
        stress = np.array([n[0] ** 2, n[1] ** 2, n[2] ** 2, n[1] * n[2], n[0] * n[2], n[0] * n[1]])
        assert moduli.of(QUANTITIES[name])[0] == pytest.approx(1 / (stress @ compliance @ stress))
    assert moduli.of(QUANTITIES["zener_ratio"])[0] == pytest.approx(2 * 76 / 48)
    assert moduli.of(QUANTITIES["c_prime"]) == pytest.approx((24.0, np.sqrt(0.5)))


SILICON = """units metal
lattice diamond 5.431
region cell block 0 2 0 2 0 2
create_box 1 cell
create_atoms 1 box
mass 1 28.0855
pair_style sw
pair_coeff * * Si.sw Si
fix 1 all box/relax iso 0.0 vmax 0.001
minimize 0.0 1.0e-10 1000 10000
unfix 1
change_box all triclinic
variable l equal $(lx:%.15g)
change_box all xy final $(0.002*v_l) remap units box
SETTLE
change_box all xy final $(-0.002*v_l) remap units box
SETTLE
"""


def test_silicon_with_and_without_its_inner_relaxation() -> None:
    """C44 = 56.4 GPa (Cowley, Phys. Rev. Lett. 60, 2379 (1988)); 110 GPa while the sublattices cannot shift."""
    values = {}
    with Pool(1) as pool:
        for settle in ("run 0", "minimize 0.0 1.0e-10 1000 10000"):
            run = pool.run(Job(SILICON.replace("SETTLE", settle), recording=Recording(samples=5, frames=3)))
            assert run.error is None
            forcefield = PotentialForceField(pool, "metal", "sw", ("* * Si.sw Si",), {"Si": 28.0855}, "metal")
            given = Context(run.evidence, "metal", forcefield)
            values[settle[:3]] = elastic_constant(run.evidence.segments, given, "c44", atoms_per_cell=8)
    assert values["min"].unit == "bar"
    assert values["min"].value * 1e-4 == pytest.approx(56.4, abs=0.1)
    assert values["run"].value * 1e-4 == pytest.approx(109.76, abs=0.1)
