"""Averages against the ideal gas, LAMMPS's own pressure and its tail correction."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from mdevalbench.errors import Unmeasured, UsageError
from mdevalbench.lammps.evidence import Segment
from mdevalbench.observables import get_estimator, mean_density, mean_pressure, mean_temperature, tail_pressure

FLUID = """units lj
atom_modify map array
lattice fcc 0.6
region box block 0 4 0 4 0 4
create_box 1 box
create_atoms 1 box
mass 1 1.0
pair_style lj/cut 2.5
pair_coeff 1 1 1.0 1.0
velocity all create 2.0 4711
"""


def test_an_ideal_gas_has_the_pressure_rho_k_t(make_loop: Any, make_samples: Any, make_context: Any) -> None:
    rng = np.random.default_rng(1)
    n, edge, temperature = 500, 10.0, 1.7
    velocities = rng.normal(size=(300, n, 3)) * np.sqrt(temperature)
    kinetic = np.zeros((300, 6))
    kinetic[:, :3] = (velocities**2).sum(axis=1)
    rows = make_samples(
        np.arange(300.0), natoms=n, edge=edge, kinetic=kinetic, momentum=velocities.sum(axis=1), mass=np.full(300, n)
    )
    loop = make_loop(samples=rows)
    stage, given = (Segment((loop,), 0),), make_context(loop)
    pressure = mean_pressure(stage, given)
    assert abs(pressure.value - n / edge**3 * temperature) < 4 * pressure.uncertainty
    expected = np.sqrt(2 / (3 * n)) * n / edge**3 * temperature / np.sqrt(240)  # of 2 KE / (3 V), chi-squared
    assert pressure.uncertainty == pytest.approx(expected, rel=0.3)
    assert (pressure.unit, pressure.natoms) == ("epsilon/sigma^3", n)
    assert abs(mean_temperature(stage, given).value - temperature) < 0.01
    assert mean_density(stage, given).value == pytest.approx(0.5)
    assert mean_density(stage, given).uncertainty == pytest.approx(0.0, abs=1e-12)


def test_pressure_in_two_dimensions_is_per_area(
    make_loop: Any, make_samples: Any, make_settings: Any, make_context: Any
) -> None:
    kinetic = np.full((100, 6), 3.0)
    cell = np.broadcast_to(np.diag([4.0, 5.0, 0.2]), (100, 3, 3))
    loop = make_loop(
        samples=make_samples(np.arange(100.0), kinetic=kinetic, cell=cell), settings=make_settings(dimension=2)
    )
    stage = (Segment((loop,), 0),)
    assert mean_pressure(stage, make_context(loop)).value == pytest.approx(3.0 / 20.0)
    assert mean_density(stage, make_context(loop)).value == pytest.approx(8 / 20.0)
    with pytest.raises(Unmeasured, match="three dimensions"):
        mean_pressure(stage, make_context(loop), tail={"epsilon": 1.0, "sigma": 1.0, "cutoff": 2.5})


@pytest.mark.parametrize("cutoff", [2.5, 3.5])
def test_the_tail_correction_is_that_of_lammps(cutoff: float, simulate: Callable[..., Any]) -> None:
    lmp = simulate(FLUID + f"pair_style lj/cut {cutoff}\npair_coeff 1 1 1.3 0.9").lmp
    pressures = []
    for tail in ("no", "yes"):
        lmp.command(f"pair_modify tail {tail}")
        lmp.command("run 0 post no")
        pressures.append(lmp.get_thermo("press"))
    own = tail_pressure(np.array([0.6]), epsilon=1.3, sigma=0.9, cutoff=cutoff)
    assert own[0] == pytest.approx(pressures[1] - pressures[0], rel=1e-9)


def test_a_fluid_in_lammps(simulate: Callable[..., Any]) -> None:
    """The mean pressure of the settled part agrees with what LAMMPS itself averages over it."""
    fluid = simulate(FLUID + "fix 1 all nvt temp 1.5 1.5 0.5\nrun 800\nreset_timestep 0", seed=3)
    fluid.commands("fix average all ave/time 5 600 3000 c_thermo_press c_thermo_temp")
    fluid.run(3000, samples=200)
    pressure = mean_pressure(fluid.evidence.segments, fluid.context())
    temperature = mean_temperature(fluid.evidence.segments, fluid.context())
    averages = [fluid.lmp.extract_fix("average", 0, 1, k) for k in (0, 1)]
    assert abs(pressure.value - averages[0]) < 4 * pressure.uncertainty < 0.3
    assert abs(temperature.value - averages[1]) < 4 * temperature.uncertainty < 0.1
    tail = {"epsilon": 1.0, "sigma": 1.0, "cutoff": 2.5}
    corrected = mean_pressure(fluid.evidence.segments, fluid.context(), tail=tail)
    assert corrected.value - pressure.value == pytest.approx(tail_pressure(np.array([0.6]), **tail)[0])
    assert corrected.uncertainty == pytest.approx(pressure.uncertainty)


def test_a_short_run_is_not_measured(simulate: Callable[..., Any]) -> None:
    fluid = simulate(FLUID + "fix 1 all nve")
    fluid.run(40, samples=15)
    with pytest.raises(Unmeasured, match=r"only 12 samples.*run longer"):
        mean_pressure(fluid.evidence.segments, fluid.context())


def test_the_beginning_of_a_stage_is_left_out(make_loop: Any, make_samples: Any, make_context: Any) -> None:
    energy = np.random.default_rng(2).normal(size=400) - 40.0 + 200 * np.exp(-np.arange(400) / 15)
    loop = make_loop(samples=make_samples(np.arange(400.0), potential_energy=energy))
    found = get_estimator("mean_potential_energy")((Segment((loop,), 0),), make_context(loop))
    assert abs(found.value + 5.0) < 4 * found.uncertainty < 0.2
    molecules = get_estimator("mean_potential_energy")((Segment((loop,), 0),), make_context(loop), atoms_per_molecule=4)
    assert molecules.value == pytest.approx(4 * found.value)
    assert molecules.uncertainty == pytest.approx(4 * found.uncertainty)


def test_stages_are_weighted_by_their_time(make_loop: Any, make_samples: Any, make_context: Any) -> None:
    def part(level: float, duration: float, count: int) -> Any:
        noise = np.random.default_rng(count).normal(size=count) * 1e-3
        return make_loop(
            duration=duration, samples=make_samples(np.arange(1.0 * count), potential_energy=8 * (level + noise))
        )

    loops = [part(1.0, 10.0, 100), part(2.0, 30.0, 100)]
    stages = tuple(Segment((loop,), k) for k, loop in enumerate(loops))
    assert get_estimator("mean_potential_energy")(stages, make_context(*loops)).value == pytest.approx(1.75, rel=1e-2)


def test_a_run_that_blew_up_is_not_measured(make_loop: Any, make_samples: Any, make_context: Any) -> None:
    virial = np.zeros((100, 6))
    virial[90:] = np.nan
    loop = make_loop(samples=make_samples(np.arange(100.0), virial=virial))
    with pytest.raises(Unmeasured, match="blew up"):
        mean_pressure((Segment((loop,), 0),), make_context(loop))
    with pytest.raises(UsageError, match="positive"):
        tail_pressure(np.ones(1), epsilon=1.0, sigma=1.0, cutoff=0.0)
