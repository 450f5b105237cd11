"""The Hamiltonian check of a box that is pulled: recorded virials belong to the box of one step before."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import cast

import numpy as np
import pytest

from mdevalbench.lammps.evidence import Cell, Floats, Frame
from mdevalbench.lammps.forcefield import PotentialForceField
from mdevalbench.observables import Evaluated
from mdevalbench.scorers.hamiltonian import Interactions, compare_interactions

ENERGY, STIFFNESS, RATE, DT = -4.0e3, 2.0e4, 1e-3, 0.002
"""eV, virial per strain in eV, 1/ps, ps"""


@dataclass(frozen=True)
class Elastic:
    """A solid of known stiffness: the virial is `STIFFNESS` times the compression along x."""

    within: float = 1e-3
    kspace_style: str = ""

    def evaluate(self, frames: Sequence[Frame]) -> list[Evaluated]:
        return [Evaluated(ENERGY, frame.forces, virial(frame.cell.vectors[0, 0])) for frame in frames]


def virial(length: float) -> Floats:
    return np.array([-STIFFNESS * (length / 20.0 - 1), 0, 0, 0, 0, 0])


def pulled(rate: float, behind: float = 1.0) -> list[Frame]:
    """Frames of a box that grows at `rate`, whose virials are those of `behind` steps before."""
    frames = []
    for time in np.linspace(0, 20, 5):
        length = 20.0 * (1 + rate * time)
        cell = Cell(np.diag([length, 20.0, 20.0]), np.zeros(3), (True, True, True))
        frames.append(
            Frame(
                loop=0, step=round(time / DT), time=time, dt=DT, cell=cell, ids=np.arange(1, 3),
                types=np.ones(2, dtype=np.int64), masses=np.ones(2), integrated=np.ones(2, dtype=bool),
                positions=np.zeros((2, 3)), velocities=np.zeros((2, 3)), forces=np.array([[1.0, 0, 0], [-1.0, 0, 0]]),
                applied=None, forces_clean=True, potential_energy=ENERGY, tail_energy=0.0,
                virial=virial(length - behind * 20.0 * RATE * DT),
            )
        )  # fmt: skip
    return frames


def compare(frames: list[Frame], forcefield: Elastic) -> Interactions:
    return compare_interactions(frames, cast(PotentialForceField, forcefield))


def test_a_box_that_is_pulled() -> None:
    assert compare(pulled(RATE), Elastic()).wrong is None


def test_other_virials_are_still_found() -> None:
    """The same deviation in a box at rest, and a larger one in the pulled box."""
    assert "virial" in str(compare(pulled(0.0), Elastic()).wrong)
    assert "virial" in str(compare(pulled(RATE, behind=100), Elastic()).wrong)


@pytest.mark.parametrize("behind", [1.0, 100.0])
def test_forces_are_not_excused(behind: float) -> None:
    frames = [replace(frame, forces=1.01 * frame.forces) for frame in pulled(RATE, behind)]
    prescribed = pulled(RATE)

    class Others(Elastic):
        def evaluate(self, frames: Sequence[Frame]) -> list[Evaluated]:
            return [replace(e, forces=f.forces) for e, f in zip(super().evaluate(frames), prescribed, strict=True)]

    assert "forces" in str(compare(frames, Others()).wrong)
