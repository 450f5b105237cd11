"""Diffusion from mean-squared displacements."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from math import pi, sqrt

import numpy as np

from mdevalbench.errors import Unmeasured
from mdevalbench.lammps.evidence import Floats, Frame, Ints, Segment
from mdevalbench.observables.estimator import Context, estimator
from mdevalbench.observables.series import production_frames
from mdevalbench.types import Measurement

GROUPS, STRETCHES = 10, 6
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
    stretch: Ints
    """(F,) number of the stretch of frames within which no step between frames was too far to be followed"""
    extent: float
    """volume, or area in two dimensions"""


@dataclass(frozen=True, slots=True)
class Displacements:
    """Squared displacements between pairs of frames of one stretch."""

    lag: Floats
    """(P,)"""
    origin: Floats
    """(P,) time of the middle of each pair"""
    squares: Floats
    """(P, G) mean over each group of atoms"""


@estimator("diffusion_msd")
def diffusion_msd(segments: tuple[Segment, ...], context: Context) -> Measurement:
    """Self-diffusion coefficient: slope of the mean-squared displacement over 2 d (Einstein), in d dimensions.

    Of the longest stage, the first fifth is left out. Positions are unwrapped by minimum image between the recorder's
    own frames (pairs of frames with a step between them that is too far for that do not count), the drift of the
    centre of mass is removed, and every frame is a time origin. The line, with free intercept, begins where particles
    have left their cages and forgotten their velocities, and ends at 5 times that lag, as long lags know little.
    60 frames or more give an honest uncertainty. The value is that of the box simulated; see `yeh_hummer`.
    """
    segment = max(segments, key=lambda s: s.duration)
    track = trajectory(segment)
    frames, atoms, dimension = track.positions.shape
    moved = _diffusive(displacements(track), track, segment)
    slope, uncertainty = fit_slope(moved)
    if not slope > 0:
        raise Unmeasured("the mean-squared displacement does not grow: nothing diffuses")
    return Measurement(
        value=slope / (2 * dimension),
        uncertainty=uncertainty / (2 * dimension),
        unit=context.unit("diffusion"),
        dof=STRETCHES - 1.0,
        natoms=segment.frames[-1].natoms,
        how=f"slope of the mean-squared displacement of {atoms} atoms in {frames} frames between lags "
        f"{moved.lag.min():.3g} and {moved.lag.max():.3g}",
    )


def trajectory(segment: Segment) -> Trajectory:
    """Unwrapped motion in a stage after its first fifth.

    Where the box changes, displacements are those in fractional coordinates, times the mean of both cells. Raises
    `Unmeasured` if there are fewer than 8 frames or if atoms were lost.
    """
    frames = production_frames(segment)
    if len(frames) < 8:
        raise Unmeasured(f"only {len(frames)} states were recorded after equilibration; 8 are needed: run longer")
    if any(not np.array_equal(f.ids, frames[0].ids) for f in frames):
        raise Unmeasured("atoms were lost or added during the stage")
    mobile = np.flatnonzero(frames[0].integrated)
    dimension = segment.settings.dimension
    steps = np.array([_step(a, b, mobile) for a, b in pairwise(frames)])[:, :, :dimension]
    edges = np.array([np.sqrt((f.cell.vectors**2).sum(axis=1)) for f in frames])[1:, :dimension]
    jumps = (np.sqrt((steps**2).mean(axis=1)) / edges).max(axis=1)
    unsafe = jumps > UNSAFE_JUMP
    if unsafe.mean() > 0.5:
        raise Unmeasured(
            f"particles move {np.median(jumps):.2f} box edges between recorded frames, too far to follow them through "
            "the periodic boundaries: use a larger box or a shorter run"
        )
    cell = frames[0].cell
    return Trajectory(
        time=np.array([f.time for f in frames]),
        positions=np.concatenate([np.zeros((1, *steps.shape[1:])), np.cumsum(steps, axis=0)]),
        extent=cell.volume / (cell.vectors[2, 2] if dimension == 2 else 1.0),
        stretch=np.concatenate([[0], np.cumsum(unsafe)]),
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
    followed = track.stretch[early] == track.stretch[late]
    begin, end = track.time[early[followed]], track.time[late[followed]]
    return Displacements(end - begin, (begin + end) / 2, np.concatenate(squares)[followed])


def fit_slope(moved: Displacements) -> tuple[float, float]:
    """Slope of the mean-squared displacement against lag, weights 1/lag^2, free intercept; and its standard
    uncertainty.

    The residuals of all pairs of frames are correlated. Their contributions to the slope are therefore summed over
    groups of atoms, and over stretches of time, and the larger of the two scatters counts: the first knows of slow
    motion, the second of motion that many atoms have in common.
    """
    weights = moved.lag**-2.0
    weights /= weights.sum()
    centred = moved.lag - weights @ moved.lag
    leverage = weights * centred / (weights @ centred**2)
    mean = moved.squares.mean(axis=1)
    slope = float(leverage @ mean)
    residuals = moved.squares - (weights @ mean + slope * centred)[:, None]
    shares = leverage[:, None] * residuals / residuals.shape[1]
    edges = np.quantile(moved.origin, np.arange(1, STRETCHES) / STRETCHES)
    stretch = np.searchsorted(edges, moved.origin)
    by_time = np.array([shares[stretch == k].sum() for k in range(STRETCHES)])
    return slope, max(_scatter(shares.sum(axis=0)), _scatter(by_time))


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


def _diffusive(moved: Displacements, track: Trajectory, segment: Segment) -> Displacements:
    """The pairs of frames whose lag is long enough for diffusion and short enough for statistics."""
    _, atoms, dimension = track.positions.shape
    span = float(np.ptp(track.time))
    spacing = (track.extent / atoms) ** (1 / dimension)
    order = np.argsort(moved.lag)
    lag, squares = moved.lag[order], moved.squares[order].mean(axis=1)
    escaped = np.flatnonzero(squares >= (ESCAPED * spacing) ** 2)
    if not len(escaped):
        raise Unmeasured(
            f"particles moved only {sqrt(squares.max()) / spacing:.2f} of their mutual distance: they vibrate rather "
            "than diffuse, or the run is too short"
        )
    last = escaped[0]
    onset = max(float(lag[last]), FREE_FLIGHTS * squares[last] / lag[last] / (2 * dimension) * _inertia(segment))
    longest = min(span / 5, max(5 * onset, 5 * float(np.median(np.diff(track.time)))))
    chosen = (moved.lag >= onset) & (moved.lag <= longest)
    if longest < 2 * onset or chosen.sum() < 2 * STRETCHES:
        raise Unmeasured(
            f"too short: particles diffuse after {onset:.3g} time units; 10 times as many are needed after "
            f"equilibration, and {span:.3g} were recorded"
        )
    return Displacements(moved.lag[chosen], moved.origin[chosen], moved.squares[chosen])


def _inertia(segment: Segment) -> float:
    """m / kT of the mobile atoms: times D, the relaxation time of their velocities. 0 where it is not known."""
    settings, frame = segment.settings, segment.frames[-1]
    thermal = settings.boltzmann * float(segment.temperature.mean()) if len(segment.samples) else 0.0
    mass = float(frame.masses[frame.integrated].mean()) * settings.mvv_to_energy
    return mass / thermal if thermal > 0 else 0.0


def _scatter(shares: Floats) -> float:
    """Standard uncertainty of a sum of independent shares (K,)."""
    count = len(shares)
    return sqrt(float((shares**2).sum()) * count / max(count - 1, 1))
