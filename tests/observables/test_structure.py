"""The first peak of g(r): LAMMPS's own, a known lattice, and what is no peak."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from mdevalbench.errors import Unmeasured
from mdevalbench.lammps.evidence import Cell, Segment
from mdevalbench.observables import rdf_first_peak


def test_a_liquid_in_lammps(simulate: Callable[..., Any]) -> None:
    """The position and height are those of LAMMPS's own `compute rdf`, averaged over the settled part of the run."""
    liquid = simulate(
        """units lj
lattice fcc 0.8
region box block 0 4 0 4 0 4
create_box 1 box
create_atoms 1 box
mass 1 1.0
pair_style lj/cut 2.5
pair_coeff 1 1 1.0 1.0
velocity all create 3.0 4711
fix 1 all nvt temp 1.5 1.5 0.5
run 600
reset_timestep 0
compute rdf all rdf 125
fix rdf all ave/time 20 80 1600 c_rdf[*] mode vector""",
        seed=7,
    )
    liquid.run(1600, samples=60, frames=50)
    theirs = np.array([[liquid.lmp.extract_fix("rdf", 0, 2, bin_, k) for k in (0, 1)] for bin_ in range(125)])
    top = theirs[theirs[:, 1] > 0.85 * theirs[:, 1].max()]
    a, b, c = np.polyfit(top[:, 0], top[:, 1], 2)
    given = liquid.evidence.segments, liquid.context()
    position, height = rdf_first_peak(*given), rdf_first_peak(*given, quantity="height")
    assert abs(position.value + b / (2 * a)) < max(4 * position.uncertainty, 0.01)
    assert abs(height.value - (c - b * b / (4 * a))) < max(4 * height.uncertainty, 0.05) < 0.2
    assert position.uncertainty < 0.01
    assert (position.unit, height.unit) == ("sigma", "dimensionless")


def test_a_triclinic_box(make_loop: Any, make_frame: Any, make_context: Any) -> None:
    """A simple cubic lattice of spacing 1 with noise, in a cell that is sheared by 45 degrees."""
    rng = np.random.default_rng(1)
    vectors = np.array([[6.0, 0, 0], [6.0, 6.0, 0], [0, 0, 6.0]])
    cell = Cell(vectors, np.array([3.0, -1.0, 2.0]), (True, True, True))
    sites = np.stack(np.meshgrid(*[np.arange(6)] * 3), axis=-1).reshape(-1, 3) / 6 @ vectors + cell.origin
    frames = [
        make_frame(sites + 0.05 * rng.normal(size=(216, 3)), cell, time=time) for time in np.linspace(30, 100, 20)
    ]
    loop = make_loop(frames=tuple(frames))
    found = rdf_first_peak((Segment((loop,), 0),), make_context(loop))
    assert abs(found.value - 1.0) < 4 * found.uncertainty + 0.005 < 0.03


def test_too_little(make_loop: Any, make_frame: Any, cubic: Any, make_context: Any) -> None:
    frames = tuple(make_frame(np.ones((1, 3)), cubic(9.0), time=time) for time in np.linspace(30, 100, 20))
    one = make_loop(frames=frames)
    with pytest.raises(Unmeasured, match="two atoms"):
        rdf_first_peak((Segment((one,), 0),), make_context(one))
    few = make_loop(frames=frames[:5])
    with pytest.raises(Unmeasured, match="8 are needed"):
        rdf_first_peak((Segment((few,), 0),), make_context(few))


def test_particles_that_stay_apart_have_no_peak(make_loop: Any, make_frame: Any, cubic: Any, make_context: Any) -> None:
    pair = np.array([[1.0, 1, 1], [5.4, 5.4, 5.4]])
    loop = make_loop(frames=tuple(make_frame(pair, cubic(9.0), time=time) for time in np.linspace(30, 100, 20)))
    with pytest.raises(Unmeasured, match="no first peak"):
        rdf_first_peak((Segment((loop,), 0),), make_context(loop))
