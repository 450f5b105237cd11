"""Diffusion: Brownian walks of known D behind periodic boundaries, and LAMMPS's own mean-squared displacement."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from mdevalbench.errors import Unmeasured
from mdevalbench.lammps.evidence import Cell, Segment
from mdevalbench.observables import diffusion_msd, yeh_hummer
from mdevalbench.observables.statistics import student
from mdevalbench.observables.transport import displacements, fit_slope, trajectory

LIQUID = """units lj
atom_modify map array
lattice fcc 0.8442
region box block 0 3 0 3 0 3
create_box 1 box
create_atoms 1 box
mass 1 1.0
pair_style lj/cut 2.5
pair_coeff 1 1 1.0 1.0
velocity all create 2.4 4711
fix 1 all nvt temp 1.2 1.2 0.5
"""
EDGE = 5.0


@pytest.fixture
def walk(make_loop: Any, make_frame: Any, make_settings: Any, cubic: Any) -> Callable[..., Segment]:
    """Makes a stage of Brownian particles, wrapped into a box of edge 5, in frames at random times within 100."""

    def make(
        diffusion: float, seed: int = 1, atoms: int = 125, frames: int = 60, dimension: int = 3, drift: float = 0.0
    ) -> Segment:
        rng = np.random.default_rng(seed)
        time = np.sort(rng.uniform(0, 100, frames))
        time[-1] = 100.0
        gaps = np.diff(time, prepend=time[0])[:, None, None]
        steps = rng.normal(size=(frames, atoms, 3)) * np.sqrt(2 * diffusion * gaps) + drift * gaps
        if dimension == 2:
            steps[:, :, 2] = 0
        x = rng.uniform(0, EDGE, (atoms, 3)) + np.cumsum(steps, axis=0)
        kept = tuple(make_frame(p % EDGE, cubic(EDGE), time=t) for p, t in zip(x, time, strict=True))
        return Segment((make_loop(frames=kept, settings=make_settings(dimension=dimension)),), 0)

    return make


@pytest.mark.parametrize("dimension", [3, 2])
def test_a_brownian_walk(walk: Any, make_context: Any, dimension: int) -> None:
    """The mean over seeds is right, and its scatter is what the uncertainties say."""
    stages = [walk(0.01, seed, dimension=dimension) for seed in range(40)]
    found = [diffusion_msd((stage,), make_context(*stage.loops)) for stage in stages]
    values = np.array([m.value for m in found])
    expected = 0.01 * (1 - 1 / 125)  # the centre of mass of independent particles diffuses too, and is taken out
    assert abs(values.mean() - expected) < 3.5 * values.std(ddof=1) / np.sqrt(40)
    uncertainties = np.array([m.uncertainty for m in found])
    assert 0.9 < np.sqrt(np.mean(uncertainties**2)) / values.std(ddof=1) < 1.6
    assert found[0].dof == 5
    assert (np.abs(values - expected) < student(5) * uncertainties).sum() >= 39
    assert found[0].unit == "sigma^2/tau"


def test_a_common_drift_is_no_diffusion(walk: Any, make_context: Any) -> None:
    still, drifting = (walk(0.01, drift=drift) for drift in (0.0, 0.05))
    values = [diffusion_msd((stage,), make_context(*stage.loops)).value for stage in (still, drifting)]
    assert values[1] == pytest.approx(values[0])


def test_the_longest_stage_counts(walk: Any, make_context: Any) -> None:
    long = walk(0.01)
    short = Segment((replace(walk(0.5, 2).loops[0], duration=1.0),), 1)
    assert diffusion_msd((long, short), make_context()) == diffusion_msd((long,), make_context())


def test_jumps_across_the_box_cannot_be_followed(walk: Any, make_context: Any) -> None:
    stage = walk(1.0)
    with pytest.raises(Unmeasured, match="too far to follow them"):
        diffusion_msd((stage,), make_context(*stage.loops))


def test_a_gap_that_cannot_be_followed_is_stepped_over(walk: Any, make_context: Any) -> None:
    loop = walk(0.01).loops[0]
    half = [replace(f, positions=np.random.default_rng(9).permutation(f.positions)) for f in loop.frames if f.time > 60]
    early = [f for f in loop.frames if f.time <= 60]
    mixed = Segment((replace(loop, frames=(*early, *half)),), 0)
    assert trajectory(mixed).stretch.tolist().count(1) == len(half)
    whole, broken = (diffusion_msd((s,), make_context()) for s in (Segment((loop,), 0), mixed))
    assert abs(broken.value - whole.value) < 3 * whole.uncertainty


def test_vibrations_do_not_diffuse(make_loop: Any, make_frame: Any, cubic: Any, make_context: Any) -> None:
    rng = np.random.default_rng(1)
    sites = rng.uniform(0, EDGE, (125, 3))
    frames = tuple(
        make_frame((sites + 0.1 * rng.normal(size=(125, 3))) % EDGE, cubic(EDGE), time=t) for t in range(101)
    )
    loop = make_loop(frames=frames)
    with pytest.raises(Unmeasured, match="vibrate rather than diffuse"):
        diffusion_msd((Segment((loop,), 0),), make_context(loop))


def test_a_short_walk_is_not_measured(walk: Any, make_context: Any) -> None:
    slow = walk(0.001)
    with pytest.raises(Unmeasured, match="too short: particles diffuse after"):
        diffusion_msd((slow,), make_context(*slow.loops))
    with pytest.raises(Unmeasured, match="8 are needed"):
        diffusion_msd((walk(0.01, frames=6),), make_context())


def test_lost_atoms(walk: Any, make_context: Any) -> None:
    loop = walk(0.01).loops[0]
    fewer = replace(loop.frames[-1], ids=loop.frames[-1].ids + 1)
    with pytest.raises(Unmeasured, match="lost or added"):
        diffusion_msd((Segment((replace(loop, frames=(*loop.frames[:-1], fewer)),), 0),), make_context())


def test_a_breathing_box_moves_nobody(make_loop: Any, make_frame: Any, make_settings: Any) -> None:
    """Atoms at rest in fractional coordinates of a box that a barostat changes, across a tilted boundary."""
    rng, fractional = np.random.default_rng(1), np.random.default_rng(2).uniform(size=(50, 3))
    frames = []
    for time in np.linspace(20, 100, 30):
        vectors = np.array([[5.0, 0, 0], [1.0, 5, 0], [0.5, 0.5, 5]]) * rng.uniform(0.95, 1.05)
        cell = Cell(vectors, rng.normal(size=3), (True, True, True))
        images = rng.integers(-1, 2, size=(50, 3))
        frames.append(make_frame((fractional + images) @ vectors + cell.origin, cell, time=time))
    track = trajectory(Segment((make_loop(frames=tuple(frames)),), 0))
    assert np.abs(track.positions).max() < 1e-9


def test_the_slope_of_a_noiseless_line(walk: Any) -> None:
    moved = displacements(trajectory(walk(0.01)))
    exact = replace(moved, squares=np.repeat(0.3 + 0.06 * moved.lag[:, None], 10, axis=1))
    slope, uncertainty = fit_slope(exact)
    assert slope == pytest.approx(0.06)
    assert uncertainty == pytest.approx(0.0, abs=1e-12)


def test_yeh_and_hummer() -> None:
    """D of their TIP3P water: 0.5 A^2/ps for 256 molecules becomes larger by 2.837 kT / (6 pi eta L)."""
    assert yeh_hummer(1.0, 1.0, 1.0, 1.0) - 1.0 == pytest.approx(0.150522, rel=1e-5)
    assert yeh_hummer(0.03, 0.7, 3.0, 8.0) > yeh_hummer(0.03, 0.7, 3.0, 16.0) > 0.03


def test_a_liquid_in_lammps(simulate: Callable[..., Any]) -> None:
    """Unwrapped displacements are those of `compute msd`, which uses image flags; D is that of the liquid."""
    liquid = simulate(LIQUID, seed=5)
    liquid.run(1600)
    liquid.commands("compute msd all msd com yes")
    liquid.run(6000, samples=150, frames=90)
    segments = liquid.evidence.segments
    track = trajectory(segments[0])
    assert track.time[0] == liquid.loops[0].frames[-1].time  # where `compute msd` has its origin
    own = ((track.positions[-1] - track.positions[0]) ** 2).sum(axis=1).mean()
    assert own == pytest.approx(liquid.lmp.extract_compute("msd", 0, 1)[3], rel=1e-9)
    found = diffusion_msd(segments, liquid.context())
    assert 0.03 < found.value < 0.09  # Lennard-Jones at rho = 0.8442, T = 1.2, without correction for 108 atoms
    assert found.uncertainty < 0.2 * found.value
    assert found.natoms == 108
    flagged = tuple(replace(f, positions=f.positions + 7 * np.diag(f.cell.vectors)) for f in segments[0].frames)
    moved = Segment((replace(segments[0].loops[1], frames=flagged, duration=segments[0].duration),), 0)
    assert diffusion_msd((moved,), liquid.context()).value == pytest.approx(found.value)
