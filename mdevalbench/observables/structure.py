"""Structure of liquids: the first peak of the radial distribution function."""

from __future__ import annotations

from math import sqrt
from typing import Literal

import numpy as np

from mdevalbench.errors import Unmeasured
from mdevalbench.lammps.evidence import Floats, Frame, Segment
from mdevalbench.observables.estimator import Context, estimator
from mdevalbench.observables.series import production_frames
from mdevalbench.types import Measurement

REACH = 2.0
"""radius up to which g(r) is computed, in distances between particles n^(-1/3): past the first peak"""
TOP = 0.85
"""part of the peak's height above which it is fitted by a parabola"""
STRETCHES = 8
"""stretches of time whose scatter gives the uncertainty"""


@estimator("rdf_first_peak")
def rdf_first_peak(
    segments: tuple[Segment, ...],
    context: Context,
    quantity: Literal["position", "height"] = "position",
    bin_width: float = 0.02,
) -> Measurement:
    """Position (length) or height (dimensionless) of the first peak of g(r) over all atoms.

    Of each stage, the first fifth is left out. The top of the peak is fitted by a parabola; the uncertainty is that
    of a jackknife over stretches of time. `bin_width` is in the script's length unit.
    """
    frames = [frame for segment in segments for frame in production_frames(segment)]
    if len(frames) < STRETCHES:
        raise Unmeasured(
            f"only {len(frames)} states were recorded after equilibration; {STRETCHES} are needed: run longer"
        )
    radius, each = _rdf(frames, bin_width)
    stretches = np.array_split(each, STRETCHES)
    column = 0 if quantity == "position" else 1
    value = _peak(radius, each.mean(axis=0))[column]
    left_out = np.array(
        [
            _peak(radius, np.concatenate([*stretches[:k], *stretches[k + 1 :]]).mean(axis=0))[column]
            for k in range(STRETCHES)
        ]
    )
    spread = (STRETCHES - 1) / STRETCHES * float(((left_out - left_out.mean()) ** 2).sum())
    return Measurement(
        value=value,
        uncertainty=sqrt(spread),
        unit=context.unit("length") if quantity == "position" else "dimensionless",
        dof=STRETCHES - 1.0,
        natoms=frames[-1].natoms,
        how=f"{quantity} of the first peak of g(r) in {len(frames)} frames of {frames[-1].natoms} atoms",
    )


def _rdf(frames: list[Frame], bin_width: float) -> tuple[Floats, Floats]:
    """Radii (B,) and g(r) of each frame (F, B)."""
    import freud  # slow to load, and few families need it

    if any(frame.natoms < 2 for frame in frames):
        raise Unmeasured("g(r) needs two atoms or more")
    spacing = max((frame.cell.volume / frame.natoms) ** (1 / 3) for frame in frames)
    widths = min(float((frame.cell.volume / _faces(frame)).min()) for frame in frames)
    r_max = min(REACH * spacing, 0.499 * widths)
    bins = max(int(r_max / bin_width), 8)
    each = []
    for frame in frames:
        rdf = freud.density.RDF(bins=bins, r_max=r_max, normalization_mode="finite_size")
        box = freud.box.Box.from_matrix(frame.cell.vectors.T)
        centre = frame.cell.origin + frame.cell.vectors.sum(axis=0) / 2
        rdf.compute((box, box.wrap(frame.positions - centre)))
        each.append(np.asarray(rdf.rdf, dtype=np.float64))
    return np.asarray(rdf.bin_centers, dtype=np.float64), np.array(each)


def _faces(frame: Frame) -> Floats:
    """(3,) areas of the faces of the cell."""
    a, b, c = frame.cell.vectors
    return np.asarray(np.linalg.norm([np.cross(b, c), np.cross(c, a), np.cross(a, b)], axis=1))


def _peak(radius: Floats, g: Floats) -> tuple[float, float]:
    """Position and height of the first peak above 1, from a parabola through its top."""
    rises = int(np.argmax(g > g.max() / 2))
    falls = np.flatnonzero(g[rises:] < g.max() / 2)
    top = rises + int(np.argmax(g[rises : rises + falls[0]] if len(falls) else g[rises:]))
    if not (g[top] > 1 and 0 < top < len(g) - 1):
        raise Unmeasured(
            "g(r) has no first peak within two distances between particles: this is no dense fluid or solid"
        )
    low = high = top
    while low > 0 and g[low - 1] > TOP * g[top]:
        low -= 1
    while high < len(g) - 1 and g[high + 1] > TOP * g[top]:
        high += 1
    low, high = min(low, top - 1), max(high, top + 1)
    a, b, c = np.polyfit(radius[low : high + 1] - radius[top], g[low : high + 1], 2)
    if not a < 0:
        raise Unmeasured("the first peak of g(r) is too noisy to be located: run longer or use more atoms")
    return float(radius[top] - b / (2 * a)), float(c - b * b / (4 * a))
