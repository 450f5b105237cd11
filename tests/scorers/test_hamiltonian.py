"""Which interactions count as the prescribed ones where lattice sums have errors of their own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from mdevalbench.lammps.evidence import Cell, Frame
from mdevalbench.lammps.forcefield import PotentialForceField
from mdevalbench.lammps.pool import Pool
from mdevalbench.scorers.hamiltonian import compare_interactions

BORN = ("1 1 0.26375 0.317 2.34 1.05 -0.499", "1 2 0.211 0.317 2.755 6.99 -8.68", "2 2 0.15825 0.317 3.17 72.4 -145.4")


@pytest.fixture(scope="module")
def pool() -> Iterator[Pool]:
    with Pool(1) as workers:
        yield workers


def salt(pool: Pool, **changes: Any) -> PotentialForceField:
    """Sodium chloride as a family prescribes it."""
    plain: dict[str, Any] = {
        "units": "metal",
        "pair_style": "born/coul/long 10.0",
        "pair_coeff": BORN,
        "elements": {"Na": 22.99, "Cl": 35.453},
        "frame_units": "metal",
        "charges": {"Na": 1.0, "Cl": -1.0},
        "kspace_style": "ewald 1.0e-6",
        "within": 0.01,
    }
    return PotentialForceField(pool, **(plain | changes))


def states(displaced: float) -> list[Frame]:
    """Two cells along each edge at three lattice constants, the atoms displaced at random."""
    rng = np.random.default_rng(5)
    half = np.stack(np.meshgrid(*[np.arange(4)] * 3), axis=-1).reshape(-1, 3)
    masses = np.where(half.sum(axis=1) % 2 == 0, 22.99, 35.453)
    found = []
    for edge in (5.5, 5.62, 5.8):
        positions = half * edge / 2 + displaced * rng.normal(size=half.shape)
        found.append(
            Frame(
                loop=0, step=0, time=0.0, dt=0.001, cell=Cell(np.eye(3) * 2 * edge, np.zeros(3), (True, True, True)),
                ids=np.arange(1, 65), types=np.ones(64, dtype=np.int64), masses=masses,
                integrated=np.ones(64, dtype=bool), positions=positions, velocities=np.zeros((64, 3)),
                forces=np.zeros((64, 3)), applied=None, forces_clean=True, potential_energy=0.0, tail_energy=0.0,
                virial=np.zeros(6),
            )
        )  # fmt: skip
    return found


def recorded(frames: list[Frame], with_: PotentialForceField) -> list[Frame]:
    """The frames as a script with these interactions would have left them."""
    return [
        replace(frame, forces=own.forces, virial=own.virial, potential_energy=own.energy)
        for frame, own in zip(frames, with_.evaluate(frames), strict=True)
    ]


CASES: dict[str, tuple[dict[str, Any], bool]] = {
    "the same": ({}, True),
    "ewald 1e-4": ({"kspace_style": "ewald 1.0e-4"}, True),
    "pppm 1e-4": ({"kspace_style": "pppm 1.0e-4"}, True),
    "another cutoff in real space": ({"pair_style": "born/coul/long 10.0 8.0"}, True),
    "charges off by 1 %": ({"charges": {"Na": 1.01, "Cl": -1.01}}, False),
    "half charges": ({"charges": {"Na": 0.5, "Cl": -0.5}}, False),
    "repulsion off by 20 %": ({"pair_coeff": (BORN[0], BORN[1].replace("0.211", "0.2532"), BORN[2])}, False),
    "truncated Coulomb": (
        {
            "pair_style": "hybrid/overlay born 10.0 coul/cut 10.0",
            "pair_coeff": (*(f"{c[:3]} born {c[4:]}" for c in BORN), "* * coul/cut"),
            "kspace_style": "",
        },
        False,
    ),
}


@pytest.mark.parametrize("displaced", [0.0, 0.1], ids=["perfect", "displaced"])
@pytest.mark.parametrize("name", CASES)
def test_interactions_are_told_apart_beyond_the_noise_of_lattice_sums(pool: Pool, name: str, displaced: float) -> None:
    changes, right = CASES[name]
    frames = states(displaced)
    found = compare_interactions(recorded(frames, salt(pool, **changes)), salt(pool))
    assert (found.wrong is None) == right, found.wrong
    assert (found.likeness == 1.0) == right


def test_forces_where_the_prescribed_potential_gives_none(pool: Pool) -> None:
    gas = salt(pool, pair_style="lj/cut 2.0", pair_coeff=("* * 0.01 1.0",), charges={}, kspace_style="", within=1e-3)
    apart = states(0.0)[:1]  # no atom within the cutoff of another
    assert compare_interactions(recorded(apart, gas), gas).wrong is None
    found = compare_interactions([replace(apart[0], forces=np.ones((64, 3)))], gas)
    assert (found.likeness, found.wrong) == (
        0.0,
        "the forces are not those of the prescribed potential: there should be none at step 0",
    )


def test_the_tolerance_is_that_of_the_task(pool: Pool) -> None:
    """Charges off by 0.2 % are within that of this task, and beyond the default."""
    frames = states(0.1)
    given = recorded(frames, salt(pool, charges={"Na": 1.002, "Cl": -1.002}))
    assert compare_interactions(given, salt(pool)).wrong is None
    strict = compare_interactions(given, salt(pool, within=1e-3))
    assert strict.wrong is not None and 0 < strict.likeness < 1
