"""The pictures of a family's page: where measured values fell, and how the reference converges."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mdevalbench.tasks.studies import StoredStudy
from mdevalbench.tasks.verification.judgements import Judgement
from mdevalbench.types import Reference

RIGHT, WRONG, BAND, INK = "#0b7a75", "#c8553d", "#d8ecea", "#333333"
FARTHEST = 1e3
"""deviations beyond so many tolerances are drawn there"""
_STYLE: dict[Any, Any] = {
    "svg.hashsalt": "mdevalbench",  # the same picture is the same file
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.size": 9,
    "axes.edgecolor": "#999999",
    "axes.labelcolor": INK,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
}


def verdicts(judgements: Sequence[Judgement]) -> str:
    """SVG: deviation from the reference in tolerances, one row for each kind of right script and each mistake.

    Filled marks passed, bars are what wrong scripts claimed. What was not measured stands at the right end, on grey.
    """
    rows = _rows(judgements)
    with matplotlib.rc_context(_STYLE):
        figure = Figure(figsize=(8, 0.9 + 0.24 * len(rows)), layout="constrained")
        axes = figure.add_subplot()
        axes.axvspan(-1, 1, color=BAND, zorder=0)
        unmeasured = FARTHEST * 6
        axes.axvspan(FARTHEST * 2.2, unmeasured * 2.5, color="#eeeeee", zorder=0)
        chance = np.random.default_rng(0)
        for row, found in enumerate(rows.values()):
            for judgement in found:
                measured, claim = judgement.measured, judgement.claim
                at = None if measured is None else _deviation(judgement, measured.value)
                claimed = None if claim is None or judgement.right else _deviation(judgement, claim)
                if claimed is not None:
                    axes.plot(claimed, row, marker="|", markersize=11, color=WRONG, alpha=0.85)
                colour = RIGHT if judgement.right else WRONG
                axes.plot(
                    unmeasured if at is None else at,
                    row + chance.uniform(-0.22, 0.22),
                    marker="o" if judgement.right else "X",
                    markersize=5,
                    color=colour,
                    markerfacecolor=colour if judgement.passed else "white",
                    markeredgewidth=0.9,
                    alpha=0.85,
                )
        axes.set_xscale("symlog", linthresh=1)
        ticks = [-1000, -100, -10, -1, 0, 1, 10, 100, 1000]
        axes.set_xticks([*ticks, unmeasured], [*(f"{tick:g}" for tick in ticks), "not\nmeasured"])
        axes.minorticks_off()
        axes.set_xlim(-FARTHEST * 2.2, unmeasured * 2.5)
        axes.set_yticks(range(len(rows)), list(rows))
        axes.set_ylim(len(rows) - 0.4, -0.6)
        axes.set_xlabel("(measured - reference) / tolerance")
        axes.spines[["top", "right"]].set_visible(False)
        return _svg(figure)


def study(found: StoredStudy, reference: Reference | None) -> str:
    """SVG: the observable against what is varied, with standard uncertainties, over the accepted interval."""
    with matplotlib.rc_context(_STYLE):
        figure = Figure(figsize=(5.2, 3.0), layout="constrained")
        axes = figure.add_subplot()
        if reference is not None:
            low, high = reference.value - reference.tolerance, reference.value + reference.tolerance
            axes.axhspan(low, high, color=BAND, zorder=0)
            axes.axhline(reference.value, color=RIGHT, linewidth=0.8)
        runs = [(run.value, run.measured, run.uncertainty) for run in found.runs if run.measured is not None]
        values, measured, uncertainties = np.array(runs, dtype=float).reshape(-1, 3).T
        axes.errorbar(
            values,
            measured,
            uncertainties,
            fmt="o",
            markersize=4,
            color=INK,
            elinewidth=0.9,
            capsize=2,
        )
        if found.usual is not None:
            axes.axvline(found.usual, color=RIGHT, linewidth=0.8, linestyle=":")
        _scale(axes, [float(run.value) for run in found.runs])
        axes.set_xlabel(found.about)
        axes.set_ylabel(f"{found.observable.replace('_', ' ')} / {found.unit}")
        axes.ticklabel_format(axis="y", useOffset=False)
        axes.spines[["top", "right"]].set_visible(False)
        return _svg(figure)


def _rows(judgements: Sequence[Judgement]) -> dict[str, list[Judgement]]:
    """Label -> judgements, right scripts first."""
    order = ("reference", "reseed", "solution", "benign", "wrong", "breaking")
    labels = {"reference": "reference", "reseed": "reference, new seeds"}
    rows: dict[str, list[Judgement]] = {}
    for judgement in sorted(judgements, key=lambda j: (order.index(j.kind), j.name)):
        label = labels.get(judgement.kind, judgement.name.replace("_", " "))
        prefix = {"solution": "other method: ", "benign": "harmless: ", "breaking": "changed: "}
        rows.setdefault(prefix.get(judgement.kind, "") + label, []).append(judgement)
    return rows


def _deviation(judgement: Judgement, value: float) -> float | None:
    """Of a value from the reference, in tolerances; None if it is no number."""
    if not np.isfinite(value):
        return None
    allowed = max(judgement.reference.tolerance, 1e-300)
    return float(np.clip((value - judgement.reference.value) / allowed, -FARTHEST, FARTHEST))


def _scale(axes: Axes, values: Sequence[float]) -> None:
    """Logarithmic where values span much, and marks at the values themselves."""
    ticks = sorted(set(values))
    if ticks[0] > 0 and ticks[-1] / ticks[0] > 8:
        axes.set_xscale("log")
    axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.minorticks_off()


def _svg(figure: Figure) -> str:
    text = io.StringIO()
    figure.savefig(text, format="svg", metadata={"Date": None, "Creator": None})
    return text.getvalue()
