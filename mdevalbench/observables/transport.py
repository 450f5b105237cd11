"""Diffusion from mean-squared displacements."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from math import pi, sqrt

import numpy as np

from mdevalbench.errors import Unmeasured
from mdevalbench.lammps.evidence import Floats, Frame, Ints, Segment
from mdevalbench.observables.estimator import Context, estimator
from mdevalbench.types import Measurement

GROUPS = 10
"""groups of atoms, and stretches of time, whose scatter gives the uncertainty"""
UNSAFE_JUMP = 1 / 8
"""largest RMS displacement along an axis between frames, over the box edge; half a box is then 4 sigma"""
ESCAPED = 0.5
"""RMS displacement, over the distance between particles, at which a particle has left its cage"""
FREE_FLIGHTS = 10
"""velocity relaxation times D m / kT after which no trace of free flight is left"""


@dataclass(frozen=True, slots=True)
class Trajectory:
    """Unwrapped motion of the integrated atoms, the drift of their centre of mass taken out."""

    time: Floats
    """(F,)"""
    positions: Floats
    """(F, N, d)"""
    extent: float
    """volume, or area in two dimensions"""
    worst_jump: float
    """largest RMS displacement along one axis between successive frames, over the box edge"""


@dataclass(frozen=True, slots=True)
class Displacements:
    """Squared displacements between all pairs of frames."""

    lag: Floats
    """(P,)"""
    origin: Floats
    """(P,) time of the middle of each pair"""
    squares: Floats
    """(P, G) mean over each group of atoms"""
    span: float
    """time between the first and the last frame"""


@estimator("diffusion_msd")
def diffusion_msd(segments: tuple[Segment, ...], context: Context, max_lag: float = 0.5) -> Measurement:
    """Self-diffusion coefficient D: slope of the mean-squared displacement against time over 2 d (Einstein), d
    dimensions.

    Of the longest stage, the first fifth is left out. Positions are unwrapped by minimum image between the recorder's
    own frames, the drift of the centre of mass is removed, and every frame is a time origin. The line, with free
    intercept, goes through the lags at which particles have left their cages and forgotten their velocities, up to
    `max_lag` of the stage. Its weights are 1/lag^2, as long lags know little. Uncertainty: see `_uncertainty`. D is
    that of the box simulated; see `yeh_hummer` for its size dependence.
    """
    segment = max(segments, key=lambda s: s.duration)
    track = trajectory(segment)
    if track.worst_jump > UNSAFE_JUMP:
        raise Unmeasured(
            f"particles move {track.worst_jump:.2f} box edges between recorded frames, too far to follow them "
            "through the periodic boundaries: use a larger box or a shorter run"
        )
    moved = displacements(track)
    dimension = track.positions.shape[2]
    window = _window(moved, track, segment, max_lag)
    lag, squares = moved.lag[window], moved.squares[window]
    value = float(slopes(lag, squares.mean(axis=1)[:, None])[0]) / (2 * dimension)
    if not value > 0:
        raise Unmeasured("the mean-squared displacement does not grow: nothing diffuses")
    uncertainty = _uncertainty(lag, moved.origin[window], squares) / (2 * dimension)
    return Measurement(
        value=value,
        uncertainty=uncertainty,
        unit=context.unit("diffusion"),
        dof=GROUPS - 1.0,
        natoms=int(segment.frames[-1].natoms),
        how=f"slope of the mean-squared displacement between lags {lag.min():.3g} and {lag.max():.3g}, "
        f"{len(track.time)} frames, {track.positions.shape[1]} atoms",
    )


def trajectory(segment: Segment, skip: float = 0.2) -> Trajectory:
    """Unwrapped motion in a stage after its first part `skip`.

    Where the box changes, displacements are those in fractional coordinates, times the mean of both cells. Raises
    `Unmeasured` if there are fewer than 8 frames or if atoms were lost.
    """
    frames = sorted((f for f in segment.frames), key=lambda f: f.time)
    if frames:
        begin = frames[-1].time - (1 - skip) * segment.duration
        frames = [f for i, f in enumerate(frames) if f.time >= begin and (i == 0 or f.time > frames[i - 1].time)]
    if len(frames) < 8:
        raise Unmeasured(f"only {len(frames)} states were recorded after equilibration; 8 are needed: run longer")
    if any(not np.array_equal(f.ids, frames[0].ids) for f in frames):
        raise Unmeasured("atoms were lost or added during the stage")
    mobile = np.flatnonzero(frames[0].integrated)
    dimension = segment.settings.dimension
    steps = np.array([_step(a, b, mobile) for a, b in pairwise(frames)])[:, :, :dimension]
    edges = np.array([np.sqrt((f.cell.vectors**2).sum(axis=1)) for f in frames])[1:, :dimension]
    cell = frames[0].cell
    return Trajectory(
        time=np.array([f.time for f in frames]),
        positions=np.concatenate([np.zeros((1, *steps.shape[1:])), np.cumsum(steps, axis=0)]),
        extent=cell.volume / (cell.vectors[2, 2] if dimension == 2 else 1.0),
        worst_jump=float((np.sqrt((steps**2).mean(axis=1)) / edges).max()),
    )


def displacements(track: Trajectory) -> Displacements:
    """Squared displacements between all pairs of frames, averaged over groups of atoms with neighbouring ids."""
    frames, atoms, _ = track.positions.shape
    groups = np.array_split(np.arange(atoms), min(GROUPS, atoms))
    starts = np.array([group[0] for group in groups])
    sizes = np.array([len(group) for group in groups])
    squares = []
    for first in range(frames - 1):
        moved = ((track.positions[first + 1 :] - track.positions[first]) ** 2).sum(axis=2)
        squares.append(np.add.reduceat(moved, starts, axis=1) / sizes)
    early, late = np.triu_indices(frames, 1)
    time = track.time
    return Displacements(
        time[late] - time[early], (time[late] + time[early]) / 2, np.concatenate(squares), float(np.ptp(time))
    )


def slopes(lag: Floats, squares: Floats) -> Floats:
    """(G,) slopes of the lines through squares (P, G) over lag (P,), with weights 1/lag^2 and free intercepts."""
    weights = lag**-2.0
    weights /= weights.sum()
    centred = lag - weights @ lag
    return np.asarray((weights * centred) @ squares / (weights @ centred**2))


def yeh_hummer(diffusion: float, thermal_energy: float, viscosity: float, edge: float) -> float:
    """Diffusion coefficient of an infinite system from that of a periodic cube: D + 2.837297 kT / (6 pi eta L).

    I.-C. Yeh and G. Hummer, J. Phys. Chem. B 108, 15873 (2004). All quantities in one consistent system of units:
    energy kT, viscosity = pressure * time, edge L of the cube.
    """
    return diffusion + 2.837297 * thermal_energy / (6 * pi * viscosity * edge)


def _step(before: Frame, after: Frame, mobile: Ints) -> Floats:
    """(n, 3) displacement of the mobile atoms, by minimum image and relative to their centre of mass."""
    fractional = [(f.positions[mobile] - f.cell.origin) @ np.linalg.inv(f.cell.vectors) for f in (before, after)]
    difference = fractional[1] - fractional[0]
    difference -= np.round(difference) * np.asarray(before.cell.periodic)
    moved = difference @ ((before.cell.vectors + after.cell.vectors) / 2)
    return np.asarray(moved - np.average(moved, axis=0, weights=before.masses[mobile]))


def _window(moved: Displacements, track: Trajectory, segment: Segment, max_lag: float) -> Ints:
    """Pairs of frames whose lag is long enough for diffusion and short enough for statistics."""
    _, atoms, dimension = track.positions.shape
    spacing = (track.extent / atoms) ** (1 / dimension)
    order = np.argsort(moved.lag)
    lag, squares = moved.lag[order], moved.squares[order].mean(axis=1)
    escaped = np.flatnonzero(squares >= (ESCAPED * spacing) ** 2)
    longest = max_lag * moved.span
    if not len(escaped) or lag[escaped[0]] > longest / 2:
        share = sqrt(squares[lag <= longest].max(initial=0.0)) / spacing
        raise Unmeasured(
            f"particles moved only {share:.2f} of their mutual distance: they vibrate rather than diffuse, or the run is "
            "too short"
        )
    last = lag <= longest
    guess = float(squares[last][-1] / lag[last][-1]) / (2 * dimension)
    settings, frame = segment.settings, segment.frames[-1]
    thermal = settings.boltzmann * float(segment.temperature.mean()) if len(segment.samples) else 0.0
    mass = float(frame.masses[frame.integrated].mean()) * settings.mvv_to_energy
    shortest = max(float(lag[escaped[0]]), FREE_FLIGHTS * guess * mass / thermal if thermal > 0 else 0.0)
    chosen = np.flatnonzero((moved.lag >= shortest) & (moved.lag <= longest))
    if shortest > longest / 2 or len(chosen) < GROUPS:
        raise Unmeasured(
            f"the run is too short: diffusion sets in after {shortest:.3g} time units, it lasted {moved.span:.3g}"
        )
    return chosen


def _uncertainty(lag: Floats, origin: Floats, squares: Floats) -> float:
    groups = slopes(lag, squares)
    atoms = float(groups.std(ddof=1)) / sqrt(len(groups))
    total = squares.mean(axis=1)[:, None]
    stretch = np.searchsorted(np.quantile(origin, np.linspace(0, 1, GROUPS + 1)[1:-1]), origin)
    left_out = np.array([slopes(lag[stretch != k], total[stretch != k])[0] for k in range(GROUPS)])
    time = sqrt((GROUPS - 1) / GROUPS * float(((left_out - left_out.mean()) ** 2).sum()))
    return max(atoms, time)
