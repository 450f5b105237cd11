"""The Hamiltonian check where a fix moves box and atoms on after their forces were computed."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from mdevalbench.lammps.forcefield import PotentialForceField
from mdevalbench.lammps.job import Ending, Job, Recording
from mdevalbench.lammps.pool import Pool
from mdevalbench.scorers.hamiltonian import compare_interactions

CRYSTAL = """units lj
lattice fcc 1.05
region box block 0 4 0 4 0 4
create_box 1 box
create_atoms 1 box
mass 1 1.0
pair_style lj/cut 2.5
pair_coeff 1 1 {epsilon} 1.0
velocity all create 0.3 4711
fix move all nve
{fix}
run 200
"""
BAROSTAT = "fix press all press/berendsen iso 5.0 5.0 1.0 modulus 10.0"
MOVING = {
    "barostat": BAROSTAT,
    "pulled": "fix pull all deform 1 x erate 0.01 remap x",
    "pulled without atoms": "fix pull all deform 1 x erate 0.01 remap none",
    "sheared": "change_box all triclinic\nfix pull all deform 1 xy erate 0.01 remap x",
    "with a thermostat": BAROSTAT + "\nfix heat all langevin 0.3 0.3 1.0 4711",
}


@pytest.fixture(scope="module")
def pool() -> Iterator[Pool]:
    with Pool(1) as workers:
        yield workers


@pytest.mark.parametrize("fix", MOVING.values(), ids=MOVING)
def test_forces_are_compared_in_the_state_that_they_belong_to(pool: Pool, fix: str) -> None:
    run = pool.run(Job(CRYSTAL.format(epsilon=1.0, fix=fix), recording=Recording(samples=20, frames=10, pairs=2)))
    assert run.ending is Ending.COMPLETED, run.error
    frames = [frame for frame in run.evidence.loops[0].frames if frame.step > 0]
    assert len(frames) >= 5
    assert all(frame.computed_in is not None for frame in frames)
    field = PotentialForceField(pool, "lj", "lj/cut 2.5", ("1 1 1.0 1.0",), {"Ar": 1.0}, "lj", within=1e-9)
    for frame, own in zip(frames, field.evaluate([frame.as_computed for frame in frames]), strict=True):
        assert np.abs(frame.forces - own.forces).max() < 1e-10 * np.abs(own.forces).max()
        assert np.abs(frame.virial - own.virial).max() < 1e-10 * np.abs(own.virial).max()
    assert compare_interactions(frames, field).wrong is None


@pytest.mark.parametrize("fix", MOVING.values(), ids=MOVING)
def test_other_interactions_are_still_found(pool: Pool, fix: str) -> None:
    run = pool.run(Job(CRYSTAL.format(epsilon=1.01, fix=fix), recording=Recording(samples=20, frames=10, pairs=2)))
    field = PotentialForceField(pool, "lj", "lj/cut 2.5", ("1 1 1.0 1.0",), {"Ar": 1.0}, "lj")
    moving = [frame for frame in run.evidence.loops[0].frames if frame.step > 0]
    assert "forces" in str(compare_interactions(moving, field).wrong)


def test_without_such_a_fix_states_are_kept_once(pool: Pool) -> None:
    run = pool.run(Job(CRYSTAL.format(epsilon=1.0, fix="fix stop all momentum 1 linear 1 1 1\nrun 5\nrun 5 pre no")))
    assert len(run.evidence.loops) == 3
    assert all(frame.computed_in is None for loop in run.evidence.loops for frame in loop.frames)
