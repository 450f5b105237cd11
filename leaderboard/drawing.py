"""Inline SVG for reports. Colours come from the CSS classes of the page; only numbers are written into the drawing."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from markupsafe import Markup

from mdevalbench.leaderboard.summary import Answer
from mdevalbench.types import Verdict

WIDTH, HEIGHT = 320, 46
DECADES = 3.0
"""how many powers of ten beyond the tolerance the scale shows"""
_EDGE = 14.0
_MIDDLE = 22.0


def deviation(value: float, verdict: Verdict) -> float:
    """Distance of a value from the reference in tolerances, signed."""
    tolerance = verdict.reference.tolerance or math.ulp(verdict.reference.value)
    return (value - verdict.reference.value) / tolerance


def position(z: float) -> float:
    """Horizontal position of a deviation `z`: linear inside the tolerance, logarithmic outside, cut at the edge."""
    size = abs(z) if abs(z) <= 1 else min(1 + math.log10(abs(z)), 1 + DECADES)
    half = (WIDTH - 2 * _EDGE) / 2
    return _EDGE + half + math.copysign(half * size / (1 + DECADES), z)


def deviations_svg(answers: Sequence[Answer]) -> Markup:
    """The measured values of one task on the scale of its tolerance; empty if nothing was measured.

    A band shows what is accepted, a dot what was measured (with its standard uncertainty), a small diamond what was
    claimed.
    """
    verdicts = [a.verdict for a in answers if a.verdict is not None and a.verdict.measured is not None]
    if not verdicts:
        return Markup()
    bound = answers[0].compare == "upper-bound"
    left, right = (_EDGE if bound else position(-1)), position(1)
    parts = [
        f'<svg class="deviation" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="deviation from the reference">',
        f'<rect class="accepted" x="{left:.1f}" y="8" width="{right - left:.1f}" height="28" rx="3"/>',
        f'<line class="axis" x1="{_EDGE}" x2="{WIDTH - _EDGE}" y1="{_MIDDLE}" y2="{_MIDDLE}"/>',
        "" if bound else f'<line class="reference" x1="{position(0):.1f}" x2="{position(0):.1f}" y1="6" y2="38"/>',
    ]
    for z, label in _ticks(bound):
        parts.append(f'<text class="tick" x="{position(z):.1f}" y="45">{label}</text>')
    for verdict in verdicts:
        parts.extend(_marks(verdict))
    return Markup("".join([*parts, "</svg>"]))  # numbers and constants only


def _ticks(bound: bool) -> Iterator[tuple[float, str]]:
    for z in (1, 10, 100):
        yield z, "bound" if bound and z == 1 else f"+{z}"
        if not bound:
            yield -z, f"−{z}"


def _marks(verdict: Verdict) -> Iterator[str]:
    measured, claim = verdict.measured, verdict.claim
    if measured is None or not math.isfinite(measured.value):
        return
    low, x, high = (position(deviation(measured.value + s * measured.uncertainty, verdict)) for s in (-1, 0, 1))
    state = "right" if verdict.setup else "wrong"
    yield f'<line class="error {state}" x1="{low:.1f}" x2="{high:.1f}" y1="{_MIDDLE}" y2="{_MIDDLE}"/>'
    if claim is not None and claim.unit == measured.unit and math.isfinite(claim.value):
        c = position(deviation(claim.value, verdict))
        yield f'<path class="claim" d="M{c:.1f} 8l4 4l-4 4l-4 -4z"/>'
    yield f'<circle class="measured {state}" cx="{x:.1f}" cy="{_MIDDLE}" r="4.5"/>'
