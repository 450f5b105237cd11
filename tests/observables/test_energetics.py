"""Lattice constants: known equations of state, ASE, and copper in LAMMPS by two routes."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from ase.eos import EquationOfState

from mdevalbench.errors import Unmeasured, UsageError
from mdevalbench.lammps.evidence import FixInfo, Frame, Segment
from mdevalbench.observables import Evaluated, equation_of_state_minimum, relaxed_lattice_constant
from mdevalbench.observables.energetics import energy_minimum, scaled

COPPER = """units metal
atom_modify map array
lattice fcc 3.7
region box block 0 3 0 3 0 3
create_box 1 box
create_atoms 1 box
pair_style eam
pair_coeff * * Cu_u3.eam
"""
CU_U3 = 3.615
"""lattice constant to which the potential of Foiles, Baskes and Daw was fitted"""


def birch_murnaghan(volume: np.ndarray, v0: float, bulk: float, slope: float) -> np.ndarray:
    """Energy of the third-order equation of state."""
    x = (v0 / volume) ** (2 / 3)
    return 9 / 16 * v0 * bulk * ((x - 1) ** 3 * slope + (x - 1) ** 2 * (6 - 4 * x))


def pressure(volume: np.ndarray, v0: float, bulk: float, slope: float) -> np.ndarray:
    """Its pressure -dE/dV."""
    x = (v0 / volume) ** (1 / 3)
    return 1.5 * bulk * (x**7 - x**5) * (1 + 0.75 * (slope - 4) * (x**2 - 1))


@pytest.mark.parametrize("points", [5, 9])
@pytest.mark.parametrize("width", [0.03, 0.12])
def test_the_minimum_of_a_known_equation_of_state(points: int, width: float) -> None:
    solid = (11.8, 0.87, 5.1)
    volumes = 11.8 * (1 + width * np.linspace(-1, 0.9, points))
    v0, uncertainty, bulk = energy_minimum(volumes, birch_murnaghan(volumes, *solid) - 3.54, pressure(volumes, *solid))
    assert abs(v0 - 11.8) < 1e-4 * 11.8
    assert abs(v0 - 11.8) < max(10 * uncertainty, 1e-5)
    assert bulk == pytest.approx(0.87, rel=0.6 * width)


def test_the_minimum_is_that_of_ase() -> None:
    volumes = np.linspace(11.2, 12.5, 9)
    energies = birch_murnaghan(volumes, 11.8, 0.87, 5.1)
    ours = energy_minimum(volumes, energies, pressure(volumes, 11.8, 0.87, 5.1))
    theirs = EquationOfState(volumes, energies, eos="birchmurnaghan").fit()
    assert ours[0] == pytest.approx(theirs[0], rel=1e-5)


def test_the_order_of_the_states_does_not_matter() -> None:
    volumes = np.random.default_rng(1).permutation(np.linspace(11.2, 12.5, 9))
    states = (birch_murnaghan(volumes, 11.8, 0.87, 5.1), pressure(volumes, 11.8, 0.87, 5.1))
    assert energy_minimum(volumes, *states)[0] == pytest.approx(11.8, rel=1e-5)


@pytest.mark.parametrize("limits", [(12.0, 13.5), (10.0, 11.5)])
def test_a_scan_on_one_side_has_no_minimum(limits: tuple[float, float]) -> None:
    volumes = np.linspace(*limits, 7)
    with pytest.raises(Unmeasured, match="no minimum within"):
        energy_minimum(volumes, birch_murnaghan(volumes, 11.8, 0.87, 5.1), pressure(volumes, 11.8, 0.87, 5.1))


class Springs:
    """A crystal whose energy follows a Birch-Murnaghan equation with a0 = 3.6, and forces as given."""

    def __init__(self, forces: float = 0.0, shear: float = 0.0) -> None:
        self.forces, self.shear = forces, shear

    def evaluate(self, frames: Sequence[Frame]) -> list[Evaluated]:
        return [self._one(frame) for frame in frames]

    def _one(self, frame: Frame) -> Evaluated:
        v, n = np.array(frame.cell.volume / frame.natoms), frame.natoms
        solid = (3.6**3 / 4, 0.87, 5.1)
        stress = float(pressure(v, *solid)) * np.array([1, 1, 1, 0, 0, 0]) + self.shear * np.eye(6)[3]
        return Evaluated(
            n * float(birch_murnaghan(v, *solid)), np.full((n, 3), self.forces), stress * frame.cell.volume
        )


@pytest.fixture
def relaxed(make_loop: Any, make_settings: Any, make_frame: Any, cubic: Any) -> Callable[..., Segment]:
    """Makes a minimisation of 32 fcc atoms that ends at some lattice constant, with a free box or not."""

    def make(a: float, free: bool = True, index: int = 0, **changes: Any) -> Segment:
        basis = np.array([[0, 0, 0], [0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]])
        cells = np.stack(np.meshgrid(*[range(2)] * 3), axis=-1).reshape(-1, 1, 3)
        end = make_frame(((cells + basis) * a).reshape(-1, 3), cubic(2 * a))
        fixes = (FixInfo("1", "box/relax", 32, False),) if free else ()
        settings = make_settings(units="metal", fixes=fixes)
        plain = {"kind": "min", "duration": 0.0, "steps": 10, "settings": settings, "frames": (end,), "index": index}
        return Segment((make_loop(**(plain | changes)),), 0)

    return make


def test_a_relaxed_state(relaxed: Any, make_context: Any) -> None:
    stage = relaxed(3.601)
    found = relaxed_lattice_constant((stage,), make_context(*stage.loops, units="metal", forcefield=Springs()))
    assert found.value == pytest.approx(3.601)
    assert found.uncertainty == pytest.approx(0.001, rel=0.01)  # what the residual pressure says is the true error
    assert (found.unit, found.natoms) == ("angstrom", 32)


@pytest.mark.parametrize(
    ("a", "free", "forcefield", "why"),
    [
        (3.6, False, Springs(), "never free"),
        (3.61, True, Springs(), "pressure amounts to a strain of 2.[78]e-03"),
        (3.6, True, Springs(forces=0.1), "largest force"),
        (3.6, True, Springs(shear=1e-3), "shear"),
        (4.6, True, Springs(), "unstable or not bound"),
    ],
)
def test_what_is_not_relaxed(
    a: float, free: bool, forcefield: Springs, why: str, relaxed: Any, make_context: Any
) -> None:
    stage = relaxed(a, free)
    with pytest.raises(Unmeasured, match=why):
        relaxed_lattice_constant((stage,), make_context(*stage.loops, units="metal", forcefield=forcefield))


def test_a_potential_is_needed(relaxed: Any, make_context: Any) -> None:
    stage = relaxed(3.6)
    with pytest.raises(UsageError, match="prescribe a potential"):
        relaxed_lattice_constant((stage,), make_context(*stage.loops))


def test_a_scan_of_volumes(relaxed: Any, make_context: Any) -> None:
    stages = tuple(relaxed(a, False, index=k) for k, a in enumerate((3.50, 3.54, 3.58, 3.58, 3.63, 3.68, 3.70)))
    loops = [loop for stage in stages for loop in stage.loops]
    given = make_context(*loops, units="metal", forcefield=Springs())
    found = equation_of_state_minimum(stages, given)
    assert abs(found.value - 3.6) < max(found.uncertainty, 1e-4) < 1e-3
    with pytest.raises(Unmeasured, match="5 or more volumes, there are 4"):
        equation_of_state_minimum(stages[:5], given)  # two of them at one volume
    with pytest.raises(Unmeasured, match="not crystals at rest"):
        equation_of_state_minimum(stages, replace(given, forcefield=Springs(forces=0.1)))
    moving = tuple(Segment(tuple(replace(loop, kind="verlet") for loop in stage.loops), 0) for stage in stages)
    with pytest.raises(Unmeasured, match="there are 0"):
        equation_of_state_minimum(moving, given)


def test_scaling_keeps_fractional_coordinates(make_frame: Any, cubic: Any) -> None:
    cell = replace(cubic(4.0), origin=np.array([1.0, -2.0, 0.5]))
    frame = make_frame(np.random.default_rng(1).uniform(size=(5, 3)) * 4 + cell.origin, cell)
    bigger = scaled(frame, 1.1)
    assert bigger.cell.volume == pytest.approx(64 * 1.1**3)
    assert (bigger.positions - cell.origin) / 1.1 == pytest.approx(frame.positions - cell.origin)


def test_copper_by_two_routes(simulate: Callable[..., Any], force_field_of: Any) -> None:
    crystal = simulate(COPPER + "fix relax all box/relax iso 0.0 vmax 0.01\nmin_modify line quadratic")
    crystal.minimize("0 1e-8 1000 10000")
    crystal.commands("unfix relax")
    for edge in np.linspace(3.5, 3.7, 7) * 3:
        crystal.commands(f"change_box all x final 0 {edge} y final 0 {edge} z final 0 {edge} remap units box")
        crystal.run(0)
    scan, relaxation = crystal.evidence.segments[1:], crystal.evidence.segments[:1]
    given = crystal.context(forcefield=force_field_of(crystal))
    direct, fitted = relaxed_lattice_constant(relaxation, given), equation_of_state_minimum(scan, given)
    assert direct.value == pytest.approx(CU_U3, abs=2e-3)
    assert direct.uncertainty < 1e-4
    assert fitted.value == pytest.approx(direct.value, abs=1e-3)
    assert abs(fitted.value - direct.value) < 10 * (fitted.uncertainty + direct.uncertainty)


@pytest.mark.parametrize(("within", "neighbours", "right"), [(0.85, 12, True), (1.2, 14, False), (1.05, 18, True)])
def test_neighbours_tell_the_crystal(
    within: float, neighbours: int, right: bool, relaxed: Any, make_context: Any
) -> None:
    stage = relaxed(3.6)
    given = make_context(*stage.loops, units="metal", forcefield=Springs())
    shell = {"within": within, "neighbours": neighbours}
    if right:
        assert relaxed_lattice_constant((stage,), given, shell=shell).value == pytest.approx(3.6)
    else:
        with pytest.raises(Unmeasured, match="not the crystal that was asked for"):
            relaxed_lattice_constant((stage,), given, shell=shell)


def test_a_minimisation_that_does_nothing_is_none(simulate: Callable[..., Any], force_field_of: Any) -> None:
    crystal = simulate(
        COPPER + f"change_box all x scale {CU_U3 / 3.7} y scale {CU_U3 / 3.7} z scale {CU_U3 / 3.7} remap"
    )
    crystal.commands("displace_atoms all random 0.1 0.1 0.1 1\nfix relax all box/relax iso 0.0")
    crystal.minimize("1e30 1e30 1000 10000")
    with pytest.raises(Unmeasured, match="not relaxed"):
        relaxed_lattice_constant(crystal.evidence.segments, crystal.context(forcefield=force_field_of(crystal)))
