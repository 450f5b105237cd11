"""The harness's own interactions: charges, lattice sums and molecules, against exact sums and LAMMPS itself."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from mdevalbench.errors import Unmeasured, UsageError
from mdevalbench.lammps.evidence import Cell, Frame
from mdevalbench.lammps.forcefield import PotentialForceField
from mdevalbench.lammps.job import Job, Recording
from mdevalbench.lammps.pool import Pool

COULOMB = 14.399645
"""e^2 / (4 pi epsilon_0), eV angstrom, as LAMMPS has it in metal units"""
MADELUNG = 1.747564594633
"""of the sodium-chloride structure, over the distance between neighbours"""
WATER = """units real
atom_style full
lattice sc 4.0
region box block 0 4 0 4 0 4
create_box 2 box bond/types 1 angle/types 1 extra/bond/per/atom 2 extra/angle/per/atom 1 extra/special/per/atom 2
molecule water water.mol
create_atoms 0 box mol water 4711
mass 1 15.9994
mass 2 1.008
pair_style lj/cut/coul/long 7.0
pair_coeff 1 1 0.1553 3.166
pair_coeff 1 2 0.0 1.0
pair_coeff 2 2 0.0 1.0
kspace_style ewald 1.0e-6
bond_style harmonic
bond_coeff 1 450 1.0
angle_style harmonic
angle_coeff 1 55 109.47
fix 1 all shake 1e-6 50 0 b 1 a 1
fix 2 all nve
timestep 1.0
velocity all create 300 1
run 40
"""
MOLECULE = """one rigid water molecule

3 atoms
2 bonds
1 angles

Coords

1 0 0 0
2 0.816490 0.577359 0
3 -0.816490 0.577359 0

Types

1 1
2 2
3 2

Charges

1 -0.8476
2 0.4238
3 0.4238

Bonds

1 1 1 2
2 1 1 3

Angles

1 1 2 1 3
"""


def frame(positions: Any, masses: Any, edge: float, **changes: Any) -> Frame:
    """Atoms at rest in a periodic cube."""
    n = len(positions)
    plain = Frame(
        loop=0, step=0, time=0.0, dt=1.0, cell=Cell(np.eye(3) * edge, np.zeros(3), (True, True, True)),
        ids=np.arange(1, n + 1), types=np.ones(n, dtype=np.int64), masses=np.asarray(masses, dtype=float),
        integrated=np.ones(n, dtype=bool), positions=np.asarray(positions, dtype=float), velocities=np.zeros((n, 3)),
        forces=np.zeros((n, 3)), applied=None, forces_clean=True, potential_energy=0.0, tail_energy=0.0,
        virial=np.zeros(6),
    )  # fmt: skip
    return replace(plain, **changes)


def rock_salt(edge: float) -> Frame:
    """One cell of NaCl."""
    like = np.array([[0, 0, 0], [0.5, 0.5, 0], [0.5, 0, 0.5], [0, 0.5, 0.5]])
    return frame(np.concatenate([like, like + np.array([0.5, 0, 0])]) * edge, [22.99] * 4 + [35.453] * 4, edge)


def water(pool: Pool, **changes: Any) -> PotentialForceField:
    """SPC/E, as a family prescribes it, for frames in real units."""
    spce: dict[str, Any] = {
        "units": "real",
        "pair_style": "lj/cut/coul/long 7.0",
        "pair_coeff": ("1 1 0.1553 3.166", "1 2 0.0 1.0", "2 2 0.0 1.0"),
        "elements": {"O": 15.9994, "H": 1.008},
        "frame_units": "real",
        "charges": {"O": -0.8476, "H": 0.4238},
        "kspace_style": "ewald 1.0e-6",
        "bonds": {"O H": 1.2},
    }
    return PotentialForceField(pool, **(spce | changes))


@pytest.mark.parametrize("charge", [1.0, 0.5])
def test_the_energy_of_point_charges_is_that_of_madelung(pool: Pool, charge: float) -> None:
    """Rock salt without a short-range term: E = -M k q^2 / r per pair, and a virial of the same size."""
    ions = PotentialForceField(
        pool, "metal", "coul/long 8.0", ("* *",), {"Na": 22.99, "Cl": 35.453}, "metal",
        charges={"Na": charge, "Cl": -charge}, kspace_style="ewald 1.0e-7",
    )  # fmt: skip
    (found,) = ions.evaluate([rock_salt(5.64)])
    exact = -4 * MADELUNG * COULOMB * charge**2 / 2.82
    assert found.energy == pytest.approx(exact, rel=1e-6)
    assert float(found.virial[:3].sum()) == pytest.approx(exact, rel=1e-4)
    assert np.abs(found.forces).max() < 1e-8


def test_a_molecule_alone_has_no_energy_but_that_of_its_images(pool: Pool) -> None:
    """Atoms one or two bonds apart do not interact: a lone molecule in a large box is left with next to nothing."""
    positions = np.array([[0.0, 0, 0], [0.81649, 0.577359, 0], [-0.81649, 0.577359, 0]]) + np.array([0.2, 29.9, 15.0])
    alone = frame(positions, [15.9994, 1.008, 1.008], 30.0)
    assert abs(water(pool).evaluate([alone])[0].energy) < 0.05  # dipole in a periodic box, kcal/mol
    unbonded = water(pool, bonds={}).evaluate([alone])[0].energy
    assert unbonded == pytest.approx(332.06371 * (0.4238**2 / 1.63298 - 2 * 0.8476 * 0.4238), rel=1e-3)


def test_recorded_rigid_water_has_the_forces_energies_and_virials_of_the_harness(pool: Pool) -> None:
    """Long-range forces are recorded with the others; what SHAKE adds is left out of forces and virials of frames."""
    run = pool.run(Job(WATER, recording=Recording(samples=20, frames=4), files={"water.mol": MOLECULE.encode()}))
    assert run.error is None, run.error
    loop = run.evidence.loops[-1]
    frames = [f for f in loop.frames if f.forces_clean]
    assert len(frames) >= 4
    for recorded, own in zip(frames, water(pool).evaluate(frames), strict=True):
        size = float(np.sqrt(np.mean(own.forces**2)))
        assert float(np.sqrt(np.mean((recorded.forces - own.forces) ** 2))) < 1e-4 * size
        assert recorded.potential_energy == pytest.approx(own.energy, rel=1e-4)
        assert recorded.virial == pytest.approx(own.virial, abs=2e-4 * abs(own.energy))
    # the pressure needs the constraints: their virial is there in the samples, and it is large
    last = frames[-1]
    at = int(np.argmin(np.abs(loop.samples.time - last.time)))
    if loop.samples.time[at] == last.time:
        assert abs(loop.samples.virial[at, :3].sum() - last.virial[:3].sum()) > 0.1 * abs(last.virial[:3].sum())


def test_molecules_are_found_across_the_faces_of_the_box_and_however_they_are_wrapped(pool: Pool) -> None:
    rng = np.random.default_rng(3)
    sites = np.stack(np.meshgrid(*[np.arange(2)] * 3), axis=-1).reshape(-1, 1, 3) * 8.0
    shape = np.array([[0.0, 0, 0], [0.81649, 0.577359, 0], [-0.81649, 0.577359, 0]])
    turns = np.array([np.linalg.qr(rng.normal(size=(3, 3)))[0] for _ in range(8)])
    positions = (sites + np.einsum("ai,mij->maj", shape, turns)).reshape(-1, 3)
    masses = [15.9994, 1.008, 1.008] * 8
    whole = frame(positions, masses, 16.0)
    wrapped = frame(positions % 16.0, masses, 16.0)
    far = frame(positions + rng.integers(-3, 4, size=(24, 3)) * 16.0, masses, 16.0)
    energies = [e.energy for e in water(pool).evaluate([whole, wrapped, far])]
    assert energies[1] == pytest.approx(energies[0], rel=1e-9) and energies[2] == pytest.approx(energies[0], rel=1e-9)
    assert abs(energies[0]) < 60.0  # eight molecules 8 angstrom apart; one bond that is missed costs 120 kcal/mol


def test_units_of_the_script_and_of_the_task_may_differ(pool: Pool) -> None:
    metal = rock_salt(5.64)
    ions: dict[str, Any] = {
        "units": "metal",
        "pair_style": "born/coul/long 8.0",
        "pair_coeff": ("1 1 0.0 1 1 0 0", "1 2 0.2 0.32 2.8 0 0", "2 2 0.0 1 1 0 0"),
        "elements": {"Na": 22.99, "Cl": 35.453},
        "charges": {"Na": 1.0, "Cl": -1.0},
        "kspace_style": "ewald 1.0e-7",
    }
    here = PotentialForceField(pool, frame_units="metal", **ions).evaluate([metal])[0].energy
    there = PotentialForceField(pool, frame_units="real", **ions).evaluate([metal])[0].energy
    assert there == pytest.approx(23.06055 * here, rel=1e-6)


def test_heaps_of_atoms_are_no_molecules(pool: Pool) -> None:
    heap = np.full((40, 3), 5.0) + 0.01 * np.random.default_rng(1).normal(size=(40, 3))
    with pytest.raises(Unmeasured, match="on top of each other"):
        water(pool).evaluate([frame(heap, [15.9994] * 20 + [1.008] * 20, 20.0)])
    with pytest.raises(Unmeasured, match=r"of mass 3\.024, and the task has only O"):
        water(pool).evaluate([frame(np.eye(3) * 3, [15.9994, 3.024, 3.024], 20.0)])


def test_bonds_are_between_elements_of_the_potential(pool: Pool) -> None:
    with pytest.raises(UsageError, match="two of the potential's elements"):
        water(pool, bonds={"O-H": 1.2}).evaluate([frame(np.eye(3) * 3, [15.9994, 1.008, 1.008], 20.0)])


def test_an_odd_box_is_no_fault_of_the_harness(pool: Pool) -> None:
    """Lattice sums need a periodic box: a script that has none cannot be checked, and is told so.

    One atom lies on the open face, where LAMMPS would not take it.
    """
    open_box = replace(rock_salt(5.64), cell=Cell(np.eye(3) * 5.64, np.zeros(3), (False, True, True)))
    ions = PotentialForceField(
        pool, "metal", "coul/long 8.0", ("* *",), {"Na": 22.99, "Cl": 35.453}, "metal",
        charges={"Na": 1.0, "Cl": -1.0}, kspace_style="ewald 1.0e-6",
    )  # fmt: skip
    with pytest.raises(Unmeasured, match="cannot be computed"):
        ions.evaluate([open_box])
