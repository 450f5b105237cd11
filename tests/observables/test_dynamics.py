"""Energy conservation: synthetic series, and the order of velocity Verlet in LAMMPS."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from mdevalbench.errors import Unmeasured
from mdevalbench.lammps.evidence import Segment
from mdevalbench.observables import energy_drift, energy_fluctuation


@pytest.fixture
def stage(make_loop: Any, make_samples: Any) -> Callable[..., Segment]:
    """Makes a stage of 8 atoms with a total energy per atom e(t) at random times, half of it kinetic."""

    def make(energy: Callable[[np.ndarray], np.ndarray], count: int = 400) -> Segment:
        time = np.sort(np.random.default_rng(1).uniform(0, 100, count))
        kinetic = np.zeros((count, 6))
        kinetic[:, 0] = 8 * energy(time)  # the trace is twice the kinetic energy
        return Segment((make_loop(samples=make_samples(time, kinetic=kinetic, potential_energy=4 * energy(time))),), 0)

    return make


def test_an_oscillating_energy_has_its_root_mean_square(stage: Any, make_context: Any) -> None:
    found = energy_fluctuation((stage(lambda t: -3 + 0.02 * np.cos(7 * t)),), make_context())
    assert abs(found.value - 0.02 / np.sqrt(2)) < 4 * found.uncertainty < 0.004
    assert (found.unit, found.natoms) == ("epsilon", 8)


def test_a_drift_is_found_and_can_be_left_out(stage: Any, make_context: Any) -> None:
    drifting = stage(lambda t: -3 - 0.001 * t + 0.01 * np.cos(7 * t))
    drift = energy_drift((drifting,), make_context())
    assert abs(drift.value - 0.001) < 4 * drift.uncertainty < 3e-4
    assert drift.unit == "epsilon/tau"
    assert energy_fluctuation((drifting,), make_context()).value == pytest.approx(
        np.hypot(0.1 / np.sqrt(12), 0.00707), rel=0.1
    )
    assert energy_fluctuation((drifting,), make_context(), detrend=True).value == pytest.approx(0.00707, rel=0.1)


def test_the_worst_stage_counts(stage: Any, make_context: Any) -> None:
    stages = tuple(stage(lambda t, a=a: a * np.cos(7 * t)) for a in (0.01, 0.03, 0.02))
    assert energy_fluctuation(stages, make_context()).value == pytest.approx(0.03 / np.sqrt(2), rel=0.1)


def test_a_constant_energy_and_too_few_samples(stage: Any, make_context: Any) -> None:
    assert energy_fluctuation((stage(lambda t: 0 * t - 3),), make_context()).value == pytest.approx(0.0, abs=1e-12)
    with pytest.raises(Unmeasured, match="only 5 samples"):
        energy_fluctuation((stage(lambda t: t, count=5),), make_context())
    with pytest.raises(Unmeasured, match="blew up"):
        energy_drift((stage(lambda t: t * np.nan),), make_context())


def test_velocity_verlet_is_of_second_order(simulate: Callable[..., Any]) -> None:
    """Four times the fluctuation at twice the timestep, in a cold crystal with its cutoff between two shells."""
    setup = """units lj
lattice fcc 1.0
region box block 0 3 0 3 0 3
create_box 1 box
create_atoms 1 box
mass 1 1.0
pair_style lj/cut 2.38
pair_coeff 1 1 1.0 1.0
velocity all create 0.02 4711
fix 1 all nve
"""
    found = []
    for dt in (0.004, 0.008):
        crystal = simulate(setup + f"timestep {dt}")
        crystal.run(int(8 / dt), samples=200)
        found.append(energy_fluctuation(crystal.evidence.segments, crystal.context()).value)
    assert found[1] / found[0] == pytest.approx(4.0, rel=0.2)
