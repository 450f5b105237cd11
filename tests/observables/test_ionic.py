"""Lattice energies: the Born-Mayer formula, direct lattice sums, and what is no relaxed ionic crystal."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
from scipy.optimize import brentq

from mdevalbench.errors import Unmeasured
from mdevalbench.lammps.evidence import FixInfo, Frame, Segment
from mdevalbench.observables import Evaluated, lattice_energy_minimum, relaxed_lattice_energy

MADELUNG, COULOMB = 1.747564594633, 14.399645
"""of the sodium-chloride structure over the distance between neighbours; e^2/(4 pi epsilon_0) in eV angstrom"""
A, RHO = 1090.0, 0.321
SALT = np.array(
    [[0, 0, 0], [0.5, 0.5, 0], [0.5, 0, 0.5], [0, 0.5, 0.5], [0.5, 0, 0], [0, 0.5, 0], [0, 0, 0.5], [0.5, 0.5, 0.5]]
)
SHELL = {"within": 0.6, "neighbours": 6}


def energy(r: float) -> float:
    """Of a pair of ions in rock salt, with a Born-Mayer repulsion between neighbours only."""
    return float(-MADELUNG * COULOMB / r + 6 * A * np.exp(-r / RHO))


def slope(r: float) -> float:
    """Its derivative."""
    return float(MADELUNG * COULOMB / r**2 - 6 * A / RHO * np.exp(-r / RHO))


R0 = float(brentq(slope, 2.4, 3.2))


@dataclass
class BornMayer:
    """Rock salt as a function of its volume alone."""

    scale: float = 1.0

    def evaluate(self, frames: Sequence[Frame]) -> list[Evaluated]:
        found = []
        for frame in frames:
            r, pairs = (frame.cell.volume / frame.natoms) ** (1 / 3), frame.natoms / 2
            virial = np.array([1, 1, 1, 0, 0, 0]) * (-r * slope(r) * pairs / 3) * self.scale
            found.append(Evaluated(self.scale * pairs * energy(r), np.zeros((frame.natoms, 3)), virial))
        return found


@pytest.fixture
def salt(make_frame: Any, cubic: Any) -> Callable[..., Frame]:
    """A recorded state of rock salt with neighbours at a distance r."""

    def make(r: float, sites: Any = SALT, **changes: Any) -> Frame:
        frame = make_frame(sites * 2 * r, cubic(2 * r), masses=np.repeat([22.99, 35.453], len(sites) // 2))
        (own,) = BornMayer().evaluate([frame])
        return replace(frame, potential_energy=own.energy, virial=own.virial, **changes)

    return make


@pytest.fixture
def relaxed(salt: Any, make_loop: Any, make_settings: Any, make_context: Any) -> Callable[..., Any]:
    """Segments and context of a box relaxation from 2.9 to `end`."""

    def make(end: float, **changes: Any) -> Any:
        fixes = make_settings(units="metal", fixes=(FixInfo("1", "box/relax", 8, False),))
        loop = make_loop(kind="min", settings=fixes, frames=(salt(2.9), salt(end, **changes)))
        return (Segment((loop,), 0),), make_context(loop, units="metal", forcefield=BornMayer())

    return make


def test_the_energy_of_the_relaxed_state_is_that_of_born_and_mayer(relaxed: Any) -> None:
    """E = -M k / r0 (1 - rho / r0) per pair of ions."""
    found = relaxed_lattice_energy(*relaxed(R0), shell=SHELL)
    assert found.value == pytest.approx(-MADELUNG * COULOMB / R0 * (1 - RHO / R0), rel=1e-9)
    assert (found.unit, found.natoms) == ("eV", 8)
    assert relaxed_lattice_energy(*relaxed(R0), atoms_per_formula=1).value == pytest.approx(found.value / 2)


def test_a_small_strain_is_of_second_order_and_told_as_the_uncertainty(relaxed: Any) -> None:
    exact = relaxed_lattice_energy(*relaxed(R0)).value
    strained = relaxed_lattice_energy(*relaxed(1.002 * R0))
    assert 0 < strained.value - exact < 1e-4 * abs(exact)
    assert strained.value - exact < 3 * strained.uncertainty
    with pytest.raises(Unmeasured, match="not relaxed"):
        relaxed_lattice_energy(*relaxed(1.02 * R0))


def test_the_minimum_along_static_states(salt: Any, make_loop: Any, make_context: Any) -> None:
    loops = [
        make_loop(index=k, steps=0, duration=0.0, frames=(salt(r),)) for k, r in enumerate(np.linspace(2.6, 3.1, 11))
    ]
    found = lattice_energy_minimum(
        (Segment(tuple(loops), 0),), make_context(*loops, units="metal", forcefield=BornMayer()), shell=SHELL
    )
    assert found.value == pytest.approx(energy(R0), rel=2e-6)


def test_another_structure_is_not_measured(relaxed: Any) -> None:
    layers = SALT[[0, 1, 4, 5, 2, 3, 6, 7]]  # like ions side by side
    with pytest.raises(Unmeasured, match="side by side"):
        relaxed_lattice_energy(*relaxed(R0, sites=layers), shell=SHELL)
    with pytest.raises(Unmeasured, match="neighbours"):
        relaxed_lattice_energy(*relaxed(R0), shell={"within": 0.93, "neighbours": 8})


def test_the_noise_of_a_lattice_sum_is_no_other_potential_but_wrong_charges_are(relaxed: Any) -> None:
    """What the box followed is told from the first state; `ewald 1e-4` misses virials by up to 0.0075 of the energy."""
    segments, context = relaxed(R0)
    for error, right in ((0.008, True), (0.04, False)):
        loop = segments[0].loops[0]
        first = replace(loop.frames[0], virial=loop.frames[0].virial + np.array([1, 1, 1, 0, 0, 0]) * error * 32.0 / 3)
        noisy = replace(loop, frames=(first, loop.frames[1]))
        given = (Segment((noisy,), 0),), replace(context, evidence=replace(context.evidence, loops=(noisy,)))
        if right:
            assert relaxed_lattice_energy(*given).value == pytest.approx(energy(R0), rel=1e-9)
            continue
        with pytest.raises(Unmeasured, match="other interactions"):
            relaxed_lattice_energy(*given)


def test_sodium_chloride_in_lammps_against_direct_sums(simulate: Any, force_field_of: Any) -> None:
    """Ewald's sum and LAMMPS's relaxation against Madelung's constant and sums over shells of neighbours."""
    pairs = (
        (0.26375, 0.317, 2.34, 1.05, 0.499),
        (0.211, 0.317, 2.755, 6.99, 8.68),
        (0.15825, 0.317, 3.17, 72.4, 145.4),
    )
    grid = np.stack(np.meshgrid(*[np.arange(-5, 6)] * 3), axis=-1).reshape(-1, 3)
    like, unlike = (
        np.sqrt((p**2).sum(axis=1)) for p in (grid[grid.sum(axis=1) % 2 == 0], grid[grid.sum(axis=1) % 2 == 1])
    )

    def exact(r: float) -> float:
        total = -MADELUNG * COULOMB / r
        for (a, rho, sigma, c, d), shells, weight in zip(pairs, (like, unlike, like), (0.5, 1.0, 0.5), strict=True):
            x = shells[(shells > 0) & (shells * r < 10.0)] * r
            total += weight * float((a * np.exp((sigma - x) / rho) - c / x**6 - d / x**8).sum())
        return total

    basis = " ".join("basis " + " ".join(map(str, site)) for site in SALT)
    coefficients = "\n".join(
        f"pair_coeff {ij} {' '.join(map(str, p[:4]))} {-p[4]}"
        for ij, p in zip(("1 1", "1 2", "2 2"), pairs, strict=True)
    )
    crystal = simulate(
        f"""units metal
atom_style charge
atom_modify map array
lattice custom 5.8 a1 1 0 0 a2 0 1 0 a3 0 0 1 {basis}
region box block 0 2 0 2 0 2
create_box 2 box
create_atoms 1 box basis 5 2 basis 6 2 basis 7 2 basis 8 2
mass 1 22.99
mass 2 35.453
set type 1 charge 1
set type 2 charge -1
pair_style born/coul/long 10.0
{coefficients}
kspace_style ewald 1.0e-6
fix relax all box/relax iso 0.0 vmax 0.01"""
    )
    crystal.minimize("0.0 1.0e-10 300 3000")
    crystal.minimize("0.0 1.0e-10 300 3000")
    crystal.commands("unfix relax")
    given = crystal.evidence.segments, crystal.context(forcefield=force_field_of(crystal))
    found = relaxed_lattice_energy(*given, shell=SHELL)
    assert found.value == pytest.approx(min(map(exact, np.linspace(2.80, 2.82, 41))), rel=2e-6)
