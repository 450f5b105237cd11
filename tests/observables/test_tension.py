"""Young's modulus: a crystal pulled in LAMMPS against its static modulus, made-up curves, and what is no tension."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from mdevalbench.errors import Unmeasured
from mdevalbench.lammps.evidence import Evidence, Floats, Segment
from mdevalbench.lammps.executor import open_executor
from mdevalbench.lammps.job import Job, Recording
from mdevalbench.observables import Context, youngs_modulus_driven, youngs_modulus_stepwise
from mdevalbench.types import Limits

CRYSTAL = """units lj
lattice fcc 1.08
region box block 0 4 0 4 0 4
create_box 1 box
create_atoms 1 box
mass 1 1.0
pair_style lj/cut 2.57
pair_coeff 1 1 1.0 1.0
neighbor 0.4 bin"""
MODULUS, SOFTENING, LENGTH, RATE = 70.0, 50.0, 20.0, 1e-3


def static_modulus(simulate: Callable[..., Any]) -> float:
    """Slope of stress against strain up to 2 % of the same crystal at rest, sides relaxed."""
    crystal = simulate(CRYSTAL)
    crystal.commands("fix 9 all box/relax iso 0.0 vmax 1e-3")
    crystal.commands("minimize 0 1e-8 1000 10000\nunfix 9")
    zero = crystal.lmp.get_thermo("lx")
    strains, stresses = np.linspace(0, 0.02, 5), []
    for strain in strains:
        crystal.commands(f"change_box all x final 0 {zero * (1 + strain):.17g} remap units box")
        crystal.commands("fix 9 all box/relax y 0.0 z 0.0 vmax 1e-3")
        crystal.commands("minimize 0 1e-8 1000 10000\nunfix 9")
        stresses.append(-crystal.lmp.get_thermo("pxx"))
    return float(np.polyfit(strains, stresses, 1)[0])


def pulled(pull: str) -> Evidence:
    """The cold crystal, let free and then pulled along x by 2.1 %, as the harness records it."""
    script = f"""{CRYSTAL}
velocity all create 0.01 4711
fix 1 all npt temp 0.005 0.005 0.2 iso 0 0 1.0
run 2000
unfix 1
{pull}
fix 2 all deform 1 x erate 0.001
run 4200"""
    with open_executor(1) as executor:
        run = executor.run(Job(script, Limits(cpu_seconds=60), Recording(samples=300, frames=2)))
    assert run.error is None
    return run.evidence


def test_a_crystal_in_lammps(simulate: Callable[..., Any]) -> None:
    """Pulled cold and slowly, the crystal has its static modulus."""
    expected = static_modulus(simulate)
    evidence = pulled("fix 1 all npt temp 0.005 0.005 0.2 y 0 0 1.0 z 0 0 1.0")
    given = evidence.segments, Context(evidence, "lj")
    found = youngs_modulus_driven(*given)
    assert abs(found.value / expected - 1) < max(0.03, 4 * found.uncertainty / expected) < 0.06
    assert found.unit == "epsilon/sigma^3"
    with pytest.raises(Unmeasured, match=r"strain rate is 0\.001"):
        youngs_modulus_driven(*given, max_rate=0.0005)
    with pytest.raises(Unmeasured, match="4 stages or more"):
        youngs_modulus_stepwise(*given)


def test_a_fixed_cross_section_is_no_tension() -> None:
    evidence = pulled("fix 1 all nvt temp 0.005 0.005 0.2")
    with pytest.raises(Unmeasured, match="no uniaxial tension: the stress across"):
        youngs_modulus_driven(evidence.segments, Context(evidence, "lj"))


def curve(strain: Floats, rng: np.random.Generator) -> Floats:
    return MODULUS * strain - SOFTENING * strain**2 + 0.02 * rng.normal(size=len(strain))


def stage(
    make_loop: Any, make_samples: Any, time: Floats, length: Floats, stress: Floats, across: float = 0.0
) -> Segment:
    """A stage of a box of `length` along y with that stress along y, and `across` times as much along x and z."""
    cell = np.zeros((len(time), 3, 3))
    cell[:, [0, 2], [0, 2]], cell[:, 1, 1] = LENGTH, length
    virial = np.zeros((len(time), 6))
    virial[:, :3] = -stress[:, None] * np.array([across, 1.0, across]) * (length * LENGTH**2)[:, None]
    rows = make_samples(time, natoms=500, cell=cell, virial=virial)
    return Segment((make_loop(samples=rows, duration=float(np.ptp(time))),), 0)


def test_a_driven_curve_counts_strain_from_zero_stress(make_loop: Any, make_samples: Any, make_context: Any) -> None:
    """Known line with a little noise; the run begins at another strain, and goes on beyond the range."""
    rng = np.random.default_rng(3)
    time = np.sort(rng.uniform(0, 34, 800))
    strain = -0.004 + RATE * time
    given = stage(make_loop, make_samples, time, LENGTH * (1 + strain), curve(strain, rng))
    found = youngs_modulus_driven((given,), make_context(*given.loops))
    # the slope of a line through a parabola on [a, b] is its derivative in the middle
    expected = MODULUS - SOFTENING * 0.02
    assert abs(found.value - expected) < 4 * found.uncertainty < 0.06 * expected
    assert "along" not in found.how and "0.001 per time unit" in found.how


def test_equilibrated_states(make_loop: Any, make_samples: Any, make_context: Any) -> None:
    rng = np.random.default_rng(4)
    time = np.linspace(0.0, 199.0, 200)
    states = [
        stage(make_loop, make_samples, time, np.full_like(time, LENGTH * (1 + e)), curve(np.full_like(time, e), rng))
        for e in (0.0, 0.005, 0.01, 0.015, 0.02)
    ]
    context = make_context(*(s.loops[0] for s in states))
    found = youngs_modulus_stepwise(tuple(states), context)
    expected = MODULUS - SOFTENING * 0.02
    assert abs(found.value - expected) < 4 * found.uncertainty < 0.06 * expected
    with pytest.raises(Unmeasured, match="do not cover"):
        youngs_modulus_stepwise(tuple(states[:4]), context)
    with pytest.raises(Unmeasured, match="no stage pulls"):
        youngs_modulus_driven(tuple(states), context)


def test_what_is_not_measured(make_loop: Any, make_samples: Any, make_context: Any) -> None:
    rng = np.random.default_rng(5)
    time = np.sort(rng.uniform(0, 20, 400))
    strain = RATE * time
    length, stress = LENGTH * (1 + strain), curve(strain, rng)
    for change, message in (
        ({"stress": -stress}, "does not grow"),
        ({"across": 0.5}, "no uniaxial tension"),
        ({"stress": np.where(time > 10, np.nan, stress)}, "blew up"),
        ({"length": LENGTH * (1 + strain / 4), "stress": stress / 4}, "do not cover"),
    ):
        given = stage(make_loop, make_samples, **({"time": time, "length": length, "stress": stress} | change))
        with pytest.raises(Unmeasured, match=message):
            youngs_modulus_driven((given,), make_context(*given.loops))
    fluctuating = LENGTH * (1 + 0.003 * rng.normal(size=400))
    given = stage(make_loop, make_samples, time, fluctuating, stress)
    with pytest.raises(Unmeasured, match="no stage pulls"):
        youngs_modulus_driven((given,), make_context(*given.loops))
    empty = Segment((make_loop(),), 0)
    for estimate in (youngs_modulus_driven, youngs_modulus_stepwise):
        with pytest.raises(Unmeasured):
            estimate((empty,), make_context(*empty.loops))
