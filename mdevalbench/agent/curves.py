"""Courses along a run as inline SVG. Only numbers are written into a drawing; colours come from the page."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from markupsafe import Markup

WIDTH, HEIGHT = 320, 130
_NAMESPACE = 'xmlns="http://www.w3.org/2000/svg"'
_STYLE = "<style>polyline,.axis{fill:none;stroke:#2a78c8}.axis{stroke:#999}text{font:9px sans-serif;fill:#555}</style>"
_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 8, 8, 20


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


def standalone(drawing: Markup) -> str:
    """A drawing as a file of its own, with its colours."""
    head, _, rest = str(drawing).partition(">")
    return f"{head} {_NAMESPACE}>{_STYLE}{rest}"


def _range(values: np.ndarray[tuple[int], np.dtype[np.float64]]) -> tuple[float, float]:
    low, high = float(values.min()), float(values.max())
    return (low, high) if high > low else (low - 0.5, high + 0.5)
