"""From the samples and frames of stages to what was recorded after equilibration."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from mdevalbench.errors import Unmeasured
from mdevalbench.lammps.evidence import Floats, Frame, Segment
from mdevalbench.observables.statistics import even, settled

PerSample = Callable[[Segment], Floats]
"""gives one value for each sample of a stage"""


def sample_weights(segment: Segment) -> Floats:
    """(S,) the time that each sample stands for: its loop's duration divided by the loop's number of samples."""
    parts = [np.full(len(loop.samples), loop.duration / max(len(loop.samples), 1)) for loop in segment.loops]
    return np.concatenate(parts) if parts else np.zeros(0)


def whole(segment: Segment, quantity: PerSample) -> Floats:
    """A quantity along a whole stage, even in time."""
    return even(quantity(segment), sample_weights(segment))


def production(segments: Sequence[Segment], quantity: PerSample, least: int = 20) -> Floats:
    """A quantity along the settled parts of stages, joined and even in time.

    Raises `Unmeasured` if there are fewer than `least` samples or if some are not finite.
    """
    values, weights = [np.zeros(0)], [np.zeros(0)]
    for segment in segments:
        raw, weight = quantity(segment), sample_weights(segment)
        steady = even(raw, weight)
        if not len(steady):
            continue
        clock = np.cumsum(weight)
        kept = clock > clock[-1] * settled(steady) / len(steady)
        values.append(raw[kept])
        weights.append(weight[kept])
    joined = even(np.concatenate(values), np.concatenate(weights))
    if len(joined) < least:
        raise Unmeasured(f"only {len(joined)} samples were taken after equilibration; {least} are needed: run longer")
    if not np.isfinite(joined).all():
        raise Unmeasured("the simulation blew up: energies or stresses are not finite numbers")
    return joined


def production_frames(segment: Segment) -> list[Frame]:
    """Frames of a stage after its first fifth, in order of time, one for each time.

    Raises `Unmeasured` if positions are not finite.
    """
    frames = sorted(segment.frames, key=lambda frame: frame.time)
    if any(not np.isfinite(frame.positions).all() for frame in frames):
        raise Unmeasured("the simulation blew up: positions are not finite numbers")
    begin = frames[-1].time - 0.8 * segment.duration if frames else 0.0
    return [f for i, f in enumerate(frames) if f.time >= begin and (i == 0 or f.time > frames[i - 1].time)]


def number_density(segment: Segment) -> Floats:
    """(S,) atoms per volume (per area in two dimensions)."""
    return np.asarray(segment.samples.natoms / extent(segment))


def extent(segment: Segment) -> Floats:
    """(S,) volume of the box, or its area in a two-dimensional simulation."""
    samples = segment.samples
    return samples.volume if segment.settings.dimension == 3 else np.asarray(samples.volume / samples.cell[:, 2, 2])


def hydrostatic_pressure(segment: Segment) -> Floats:
    """(S,) mean of the diagonal of the pressure tensor without tail correction; per area in two dimensions."""
    return np.asarray(segment.pressure[:, : segment.settings.dimension].mean(axis=1))
