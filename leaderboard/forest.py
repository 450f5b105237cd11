"""A forest plot as inline SVG: a dot for each mean and a line for its interval, from 0 to 100 %."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup, escape

from mdevalbench.scorers.metrics import Interval

_WIDTH, _ROW, _LEFT, _RIGHT, _TOP = 680, 26, 230, 40, 24


def forest_svg(rows: Sequence[tuple[str, Interval | None]]) -> Markup:
    """Rows from top to bottom: name and interval; those without one are left out. Empty if nothing is left."""
    shown = [(name, interval) for name, interval in rows if interval is not None]
    if not shown:
        return Markup()
    height = _TOP + _ROW * len(shown) + 8
    parts = [f'<svg class="forest" viewBox="0 0 {_WIDTH} {height}" role="img">']
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        x = _place(share)
        parts.append(f'<line class="axis" x1="{x:.1f}" x2="{x:.1f}" y1="{_TOP - 6}" y2="{height - 6}"/>')
        parts.append(f'<text class="tick" x="{x:.1f}" y="12">{100 * share:.0f} %</text>')
    for number, (name, interval) in enumerate(shown):
        y = _TOP + _ROW * number + _ROW / 2
        label = name if len(name) <= 30 else f"{name[:29]}…"
        parts.append(f'<text class="name" x="{_LEFT - 14}" y="{y + 4:.1f}">{escape(label)}</text>')
        told = f"{name}: {100 * interval.mean:.1f} % [{100 * interval.low:.1f}, {100 * interval.high:.1f}]"
        low, high = _place(interval.low), _place(interval.high)
        parts.append(f'<line class="error" x1="{low:.1f}" x2="{high:.1f}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(f'<circle class="mean" cx="{_place(interval.mean):.1f}" cy="{y:.1f}" r="5">')
        parts.append(f"<title>{escape(told)}</title></circle>")
    return Markup("".join([*parts, "</svg>"]))  # every text in it was escaped


def _place(share: float) -> float:
    return _LEFT + share * (_WIDTH - _LEFT - _RIGHT)
