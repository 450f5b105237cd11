"""Courses along a run, and structures, as inline SVG. Only numbers are written into a drawing."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from markupsafe import Markup

from mdevalbench.lammps.evidence import Frame
from mdevalbench.types import Record

WIDTH, HEIGHT = 320, 130
_NAMESPACE = 'xmlns="http://www.w3.org/2000/svg"'
_STYLE = "<style>polyline,.axis{fill:none;stroke:#2a78c8}.axis{stroke:#999}text{font:9px sans-serif;fill:#555}</style>"
MOST_DRAWN = 1200
_EDGE = 16.0
_COLOURS = ("#888888", "#2a78c8", "#c8502a", "#2aa36b", "#b08d1f", "#8450b8", "#c2408f")
_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 8, 8, 20


class View(Record):
    """What is drawn of a structure."""

    x: tuple[float, ...]
    z: tuple[float, ...]
    types: tuple[int, ...]
    spacing: float
    """cube root of the volume per atom, of the box that just holds all"""


def curve_svg(x: Sequence[float], y: Sequence[float]) -> Markup:
    """y against x as a line, with the ends of both axes; empty if fewer than two points are finite."""
    given = np.array([x, y], dtype=float)
    given = given[:, np.isfinite(given).all(axis=0)]
    if given.shape[1] < 2:
        return Markup()
    (left, right), (low, high) = (_range(values) for values in given)
    across = _LEFT + (given[0] - left) / (right - left) * (WIDTH - _LEFT - _RIGHT)
    down = HEIGHT - _BOTTOM - (given[1] - low) / (high - low) * (HEIGHT - _TOP - _BOTTOM)
    points = " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(across, down, strict=True))
    base = HEIGHT - _BOTTOM
    texts = [(_LEFT - 6, _TOP + 8, high, "end"), (_LEFT - 6, base, low, "end")]
    texts += [(_LEFT, HEIGHT - 6, left, "start"), (WIDTH - _RIGHT, HEIGHT - 6, right, "end")]
    parts = [
        f'<svg class="curve" viewBox="0 0 {WIDTH} {HEIGHT}" role="img">',
        f'<path class="axis" d="M{_LEFT} {_TOP}V{base}H{WIDTH - _RIGHT}"/><polyline points="{points}"/>',
        *(f'<text x="{a}" y="{b}" text-anchor="{anchor}">{value:.5g}</text>' for a, b, value, anchor in texts),
        "</svg>",
    ]
    return Markup("".join(parts))  # numbers only


def view(frame: Frame | None) -> View | None:
    """A state seen along y: the nearest `MOST_DRAWN` atoms, the farthest first; None without atoms."""
    whole = np.isfinite(frame.positions).all(axis=1) if frame else np.zeros(0, dtype=bool)
    if frame is None or not whole.any():
        return None
    inside, types = frame.positions[whole], frame.types[whole]
    order = np.argsort(-inside[:, 1])[-MOST_DRAWN:]
    spacing = float(np.ptp(inside, axis=0).clip(1e-9).prod() / len(inside)) ** (1 / 3)
    x, z = (tuple(map(float, inside[order, axis].round(2))) for axis in (0, 2))
    return View(x=x, z=z, types=tuple(map(int, types[order])), spacing=spacing)


def structure_svg(seen: View) -> Markup:
    """Atoms with perspective left out, types by colour."""
    across, up = np.array(seen.x) - min(seen.x), np.array(seen.z) - min(seen.z)
    scale = (WIDTH - 2 * _EDGE) / max(float(across.max()), float(up.max()), 1e-9)
    height = scale * float(up.max()) + 2 * _EDGE
    radius = max(1.5, min(12.0, 0.35 * scale * seen.spacing))
    parts = [f'<svg class="structure" viewBox="0 0 {WIDTH} {height:.0f}" role="img">']
    for a, b, kind in zip(across, up, seen.types, strict=True):
        colour = _COLOURS[kind % len(_COLOURS)]
        x, y = _EDGE + scale * a, height - _EDGE - scale * b
        parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius:.1f}" fill="{colour}" stroke="#fff"/>')
    return Markup("".join([*parts, "</svg>"]))  # numbers and constants only


def standalone(drawing: Markup) -> str:
    """A drawing as a file of its own, with its colours."""
    head, _, rest = str(drawing).partition(">")
    return f"{head} {_NAMESPACE}>{_STYLE}{rest}"


def _range(values: np.ndarray[tuple[int], np.dtype[np.float64]]) -> tuple[float, float]:
    low, high = float(values.min()), float(values.max())
    return (low, high) if high > low else (low - 0.5, high + 0.5)
