"""Thermal expansion and heat capacity against states made with known answers, and against crystals in LAMMPS."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from mdevalbench.errors import Unmeasured
from mdevalbench.lammps.evidence import FixInfo, Segment
from mdevalbench.observables import (
    heat_capacity_difference,
    heat_capacity_fluctuation,
    thermal_expansion,
    thermal_expansion_scan,
)

N = 100
SAMPLES = 2000
CRYSTAL = """units lj
atom_modify map array
lattice fcc 1.0
region box block 0 3 0 3 0 3
create_box 1 box
create_atoms 1 box
mass 1 1.0
pair_style lj/cut 2.5
pair_coeff 1 1 1.0 1.0
velocity all create 0.1 4711
"""

LIQUID = CRYSTAL.replace("fcc 1.0", "fcc 0.8").replace("create 0.1", "create 5.0")


@pytest.fixture
def stage(make_loop: Any, make_samples: Any, make_settings: Any) -> Callable[..., Segment]:
    """A stage of N atoms from its temperature (S,), and per atom its volume, potential energy and pressure."""

    def made(style: str, temperature: Any, volume: Any = 1.0, potential: Any = 0.0, pressure: Any = 0.0) -> Segment:
        temperature, volume, potential, pressure = (
            np.broadcast_to(np.asarray(x, dtype=float), SAMPLES) for x in (temperature, volume, potential, pressure)
        )
        kinetic = np.zeros((SAMPLES, 6))
        kinetic[:, :3] = (temperature * (N - 1))[:, None]
        virial = np.zeros((SAMPLES, 6))
        virial[:, :3] = (pressure * volume * N)[:, None] - kinetic[:, :3]
        rows = make_samples(
            np.arange(1.0 * SAMPLES), natoms=N, kinetic=kinetic, virial=virial, mass=np.full(SAMPLES, 1.0 * N),
            potential_energy=potential * N, cell=np.cbrt(volume * N)[:, None, None] * np.eye(3),
        )  # fmt: skip
        settings = make_settings(fixes=(FixInfo("1", style, N, True),))
        return Segment((make_loop(samples=rows, settings=settings),), 0)

    return made


@pytest.fixture
def given(make_context: Any) -> Any:
    return make_context()


def noise(seed: int, size: float) -> Any:
    return size * np.random.default_rng(seed).normal(size=SAMPLES)


def test_expansion_of_a_free_box(stage: Any, given: Any) -> None:
    """V = exp(3 alpha T) with noise; a third temperature in between does not matter, one that is missing does."""
    stages = tuple(
        stage("npt", t + noise(k, 0.01), np.exp(0.06 * t + noise(k + 9, 0.01))) for k, t in enumerate((1, 1.5, 2))
    )
    found = thermal_expansion(stages, given, temperatures=(1, 2), within=0.1)
    assert abs(found.value - 0.02) < 4 * found.uncertainty
    assert found.uncertainty == pytest.approx(0.01 / 3 * np.sqrt(2 / (0.8 * SAMPLES)), rel=0.2)
    assert (found.natoms, found.dof is not None and found.dof > 100) == (N, True)
    with pytest.raises(Unmeasured, match=r"no stage is within 0.1 of the temperature 2.*at 0.9997, 1.5"):
        thermal_expansion(stages[:2], given, temperatures=(1, 2), within=0.1)


def test_the_measured_temperatures_count(stage: Any, given: Any) -> None:
    stages = tuple(stage("npt", t, np.exp(0.06 * t)) for t in (1.05, 1.95))
    assert thermal_expansion(stages, given, temperatures=(1, 2), within=0.1).value == pytest.approx(0.02)


@pytest.mark.parametrize(("count", "exact"), [(2, False), (3, False), (5, True)])
def test_expansion_from_constant_volumes(count: int, exact: bool, stage: Any, given: Any) -> None:
    """P = 20 (1 - x + 3 x^2 - 4 x^3 - 1) with x = ln(V / V(T)), which only four volumes or more can follow."""
    stages = []
    for temperature in (1.0, 2.0):
        for x in np.linspace(-0.01, 0.02, count):
            pressure = 20 * (-x + 3 * x**2 - 4 * x**3)
            stages.append(stage("nvt", temperature, np.exp(0.06 * temperature + x), pressure=pressure + noise(3, 1e-3)))
    found = thermal_expansion_scan(tuple(stages), given, temperatures=(1, 2), within=0.1)
    assert found.value == pytest.approx(0.02, abs=4 * found.uncertainty + (1e-12 if exact else 1e-5))
    assert 1e-8 < found.uncertainty < 1e-6


def test_no_expansion_at_one_volume_or_far_from_zero_pressure(stage: Any, given: Any) -> None:
    one = tuple(stage("nvt", t, 1.0, pressure=1 + noise(1, 0.1)) for t in (1, 2))
    with pytest.raises(Unmeasured, match="only one volume"):
        thermal_expansion_scan(one, given, temperatures=(1, 2), within=0.1)
    far = tuple(stage("nvt", t, 1 + x, pressure=9 - 20 * x) for t in (1, 2) for x in (0.0, 0.02, 0.04))
    with pytest.raises(Unmeasured, match="do not enclose"):
        thermal_expansion_scan(far, given, temperatures=(1, 2), within=0.1)


def test_expansion_of_a_lennard_jones_crystal(simulate: Callable[..., Any]) -> None:
    """A barostat and a scan of volumes agree."""
    free = simulate(CRYSTAL + "fix 1 all npt temp 0.1 0.1 0.5 iso 0 0 2")
    for temperature in (0.1, 0.3):
        free.commands(f"unfix 1\nfix 1 all npt temp {temperature} {temperature} 0.5 iso 0 0 2")
        free.run(3000, samples=300)
    barostat = thermal_expansion(free.evidence.segments, free.context(), temperatures=(0.1, 0.3), within=0.03)
    fixed = simulate(CRYSTAL)
    for temperature, densities in ((0.1, (1.06, 1.04, 1.02)), (0.3, (1.03, 1.0, 0.98))):
        fixed.commands(f"fix 1 all nvt temp {temperature} {temperature} 0.5")
        for density in densities:
            edge = (108 / density) ** (1 / 3)
            fixed.commands(f"change_box all x final 0 {edge} y final 0 {edge} z final 0 {edge} remap units box")
            fixed.run(1200, samples=200)
        fixed.commands("unfix 1")
    stages = tuple(Segment((loop,), leg) for leg, loop in enumerate(fixed.loops))
    scan = thermal_expansion_scan(stages, fixed.context(), temperatures=(0.1, 0.3), within=0.03)
    assert barostat.uncertainty < 0.06 * barostat.value > 0
    assert abs(scan.value - barostat.value) < 4 * np.hypot(scan.uncertainty, barostat.uncertainty)


def test_heat_capacity_from_two_and_more_temperatures(stage: Any, given: Any) -> None:
    """U = 1.2 T + 0.3 T^2 around T = 2 with kinetic energy: C = 1.5 (N-1)/N + 1.2 + 1.2, by any stages around it."""
    expected = 1.5 * (N - 1) / N + 2.4
    for levels in ((1.8, 2.2), (1.7, 2.0, 2.3), (0.5, 1.8, 2.2)):
        stages = tuple(
            stage("nvt", t + noise(k, 0.05), potential=1.2 * t + 0.3 * t**2 + noise(k + 5, 0.05))
            for k, t in enumerate(levels)
        )
        found = heat_capacity_difference(stages, given, temperature=2.0, reach=0.5, within=0.1)
        assert abs(found.value - expected) < 4 * found.uncertainty < 0.1
        assert (found.unit, found.natoms) == ("kB", N)


def test_constant_energy_is_as_good_as_a_thermostat(stage: Any, given: Any) -> None:
    """At constant energy the temperature fluctuates and the energy does not: the slope is the same."""
    stages = []
    for k, level in enumerate((1.8, 2.2)):
        temperature = level + noise(k, 0.05)
        stages.append(stage("nve", temperature, potential=3.0 * level - 1.5 * (N - 1) / N * temperature))
    found = heat_capacity_difference(tuple(stages), given, temperature=2.0, reach=0.5, within=0.1)
    assert abs(found.value - 3.0) < 4 * found.uncertainty
    assert found.uncertainty == pytest.approx(3.0 * 0.05 * np.sqrt(2 / (0.8 * SAMPLES)) / 0.4, rel=0.2)


def test_slow_fluctuations_of_the_heat_content_cancel(stage: Any, given: Any) -> None:
    """E = 3 T once the potential energy has settled, while T wanders: both have to be averaged over the same time."""
    stages, time = [], np.arange(SAMPLES) / SAMPLES
    for k, level in enumerate((1.8, 2.2)):
        temperature = level + 0.2 * (-1) ** k * np.sin(5 * np.pi * time) + noise(k, 0.05)
        energy = 3.0 * temperature + 3 * (time < 0.4) + noise(k + 9, 0.02)
        stages.append(stage("nvt", temperature, potential=energy - 1.5 * (N - 1) / N * temperature))
    found = heat_capacity_difference(tuple(stages), given, temperature=2.0, reach=0.5, within=0.2)
    assert abs(found.value - 3.0) < 4 * found.uncertainty < 0.05


def test_no_derivative_from_one_side_or_one_temperature(stage: Any, given: Any) -> None:
    options = {"temperature": 2.0, "reach": 0.5, "within": 0.1}
    with pytest.raises(Unmeasured, match=r"two temperatures or more.*found were at 2, 2.05"):
        heat_capacity_difference((stage("nvt", 2.0), stage("nvt", 2.05)), given, **options)
    with pytest.raises(Unmeasured, match=r"belongs to a temperature of 2.2,.*both sides"):
        heat_capacity_difference((stage("nvt", 2.0), stage("nvt", 2.4)), given, **options)
    with pytest.raises(Unmeasured, match="found were at none"):
        heat_capacity_difference((stage("nvt", 5.0),), given, **options)


def test_fluctuations_with_a_thermostat(stage: Any, given: Any) -> None:
    """A harmonic crystal: kinetic and potential energies are gamma distributed, C = 3 (N-1)/N."""
    random, freedom = np.random.default_rng(8), 3 * (N - 1)
    temperature = 2.0 * random.chisquare(freedom, SAMPLES) / freedom
    potential = 2.0 / 2 * random.chisquare(freedom, SAMPLES) / N
    found = heat_capacity_fluctuation((stage("nvt", temperature, potential=potential),), given)
    assert abs(found.value - 3 * (N - 1) / N) < 4 * found.uncertainty
    assert found.uncertainty == pytest.approx(found.value * np.sqrt(2 / (0.8 * SAMPLES)), rel=0.2)


def test_fluctuations_at_constant_energy(simulate: Callable[..., Any]) -> None:
    """A Lennard-Jones liquid: C_v = 2.376 by the equation of state of Kolafa and Nezbeda (1994)."""
    liquid = simulate(LIQUID + "fix 1 all langevin 1 1 0.1 99 zero yes\nfix 2 all nve\nrun 3000\nunfix 1")
    liquid.run(6000, samples=1500)
    found = heat_capacity_fluctuation(liquid.evidence.segments, liquid.context())
    assert abs(found.value - 2.376) < 4 * found.uncertainty < 1.0


def test_what_does_not_fluctuate_freely_is_refused(stage: Any, given: Any) -> None:
    with pytest.raises(Unmeasured, match="constant energy or with a thermostat"):
        heat_capacity_fluctuation((stage("nph", 1 + noise(1, 0.1)),), given)
    with pytest.raises(Unmeasured, match="more than at any constant total energy"):
        heat_capacity_fluctuation((stage("nve", 1 + noise(1, 0.1)),), given)
    with pytest.raises(Unmeasured, match="temperature is zero"):
        heat_capacity_fluctuation((stage("nvt", 0.0),), given)


def test_empty_and_exploded_stages_are_not_measured(make_loop: Any, stage: Any, given: Any) -> None:
    empty = (Segment((make_loop(),), 0),)
    broken = tuple(stage("npt", t, potential=np.where(np.arange(SAMPLES) < 1500, 0.0, np.nan)) for t in (1.0, 2.0))
    for stages in (empty, broken):
        with pytest.raises(Unmeasured):
            heat_capacity_difference(stages, given, temperature=1.5, reach=0.6, within=0.1)
        with pytest.raises(Unmeasured):
            heat_capacity_fluctuation(stages, given)
    for estimator in (thermal_expansion, thermal_expansion_scan):
        with pytest.raises(Unmeasured):
            estimator(empty, given, temperatures=(1, 2), within=0.1)
