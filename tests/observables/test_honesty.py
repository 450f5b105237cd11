"""Steps that follow from velocities and forces, and atoms that were put elsewhere."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mdevalbench.lammps.evidence import Frame, Settings
from mdevalbench.observables import max_force, successor_error

FLUID = """units lj
atom_modify map array
lattice fcc 0.8
region box block 0 3 0 3 0 3
create_box 1 box
create_atoms 1 box
mass 1 2.0
pair_style lj/cut 2.5
pair_coeff 1 1 1.0 1.0
velocity all create 2.0 4711
"""
ENSEMBLES = {
    "fix 1 all nve": 1e-9,
    "fix 1 all nvt temp 1.0 1.0 0.1": 1e-9,
    "fix 1 all nve\nfix 2 all langevin 1.0 1.0 0.1 4711": 1e-9,
    "fix 1 all nve\nfix 2 all temp/berendsen 1.0 1.0 0.1\nfix 3 all press/berendsen iso 1.0 1.0 1.0": 1e-3,
    "fix 1 all npt temp 1.0 1.0 0.1 iso 2.0 2.0 0.5": 1e-3,
    "fix 1 all nph aniso 2.0 2.0 0.5": 1e-3,
}


def pairs(run: Any) -> list[tuple[Frame, Settings]]:
    return [(f, loop.settings) for loop in run.loops for f in loop.frames if f.successor is not None]


@pytest.mark.parametrize(("fixes", "limit"), ENSEMBLES.items())
def test_honest_dynamics(fixes: str, limit: float, simulate: Callable[..., Any]) -> None:
    fluid = simulate(FLUID + fixes)
    fluid.run(200, samples=10, frames=10, pairs=6)
    kept = pairs(fluid)
    assert len(kept) >= 3
    assert max(successor_error(*pair) for pair in kept) < limit


def test_real_units(simulate: Callable[..., Any]) -> None:
    """The factor from forces to velocities is not 1 here, and the atoms start at rest."""
    crystal = simulate(
        """units metal
lattice fcc 3.6
region box block 0 3 0 3 0 3
create_box 1 box
create_atoms 1 box
pair_style eam
pair_coeff * * Cu_u3.eam
displace_atoms all random 0.1 0.1 0.1 1
fix 1 all nve"""
    )
    crystal.run(10, samples=4, frames=4, pairs=4)
    assert max(successor_error(*pair) for pair in pairs(crystal)) < 1e-9


def test_teleported_atoms_show_up(simulate: Callable[..., Any]) -> None:
    fluid = simulate(FLUID + "fix 1 all nve")
    fluid.run(50, samples=4, frames=4, pairs=4)
    frame, settings = pairs(fluid)[0]
    after = frame.successor
    assert after is not None
    one = after.positions.copy()
    one[7] += 0.1
    assert successor_error(replace(frame, successor=replace(after, positions=one)), settings) > 0.5
    wrapped = after.positions + np.diag(after.cell.vectors) * np.array([1, -2, 0])
    assert successor_error(replace(frame, successor=replace(after, positions=wrapped)), settings) < 1e-9
    twice = frame.positions + 2 * after.cell.minimum_image(after.positions - frame.positions)
    assert successor_error(replace(frame, successor=replace(after, positions=twice)), settings) > 0.5
    frozen = replace(frame, integrated=np.zeros_like(frame.integrated))
    assert successor_error(frozen, settings) > 1e3
    lost = replace(after, ids=after.ids[:-1], positions=after.positions[:-1])
    assert successor_error(replace(frame, successor=lost), settings) == np.inf
    assert successor_error(replace(frame, successor=None), settings) == 0.0


def test_rigid_bodies_are_held_by_forces_that_nobody_records(simulate: Callable[..., Any], tmp_path: Path) -> None:
    dumbbell = tmp_path / "dumbbell.mol"
    dumbbell.write_text("two\n\n2 atoms\n\nCoords\n\n1 0 0 0\n2 0.5 0 0\n\nTypes\n\n1 1\n2 1\n")
    fluid = simulate(
        f"""units lj
atom_style molecular
atom_modify map array
lattice sc 0.2
region box block 0 4 0 4 0 4
create_box 1 box
molecule two {dumbbell}
create_atoms 0 box mol two 4711
mass 1 1.0
pair_style lj/cut 2.5
pair_coeff 1 1 1.0 1.0
neigh_modify exclude molecule/intra all
velocity all create 1.0 1
timestep 0.002
fix 1 all rigid/nve/small molecule
run 50"""
    )
    fluid.run(40, samples=4, frames=4, pairs=4)
    for frame, settings in pairs(fluid):
        assert successor_error(frame, settings) < 1e-3
        held_by_nothing = replace(settings, fixes=(replace(settings.fixes[0], style="nve"),))
        assert successor_error(frame, held_by_nothing) > 5 * successor_error(frame, settings)
        after = frame.successor
        assert after is not None
        moved = replace(after, positions=after.positions + np.array([0.05, 0.0, 0.0]))
        assert successor_error(replace(frame, successor=moved), settings) > 0.5


def test_atoms_at_rest(make_frame: Any, make_settings: Any, cubic: Any) -> None:
    x = np.random.default_rng(1).uniform(0, 4, (10, 3))
    rest = make_frame(x, cubic(4.0))
    assert successor_error(replace(rest, successor=rest), make_settings()) == 0.0
    jittered = replace(rest, positions=x * (1 + 1e-16))
    assert successor_error(replace(rest, successor=jittered), make_settings()) < 1e-2
    moved = replace(rest, positions=x + 1e-3)
    assert successor_error(replace(rest, successor=moved), make_settings()) > 1e3


def test_applied_forces_count(make_frame: Any, make_settings: Any, cubic: Any) -> None:
    x, pull = np.full((4, 3), 2.0), np.full((4, 3), 8.0)
    before = make_frame(x, cubic(4.0), applied=pull)
    after = replace(before, positions=x + 0.5 * before.dt**2 * pull)
    assert successor_error(replace(before, successor=after), make_settings()) < 1e-9
    assert successor_error(replace(before, applied=None, successor=after), make_settings()) > 1.0


def test_largest_force() -> None:
    assert max_force(np.array([[3.0, 4.0, 0.0], [1.0, 1.0, 1.0]])) == 5.0
    assert max_force(np.zeros((0, 3))) == 0.0
