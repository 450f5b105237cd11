"""What is kept of a run for people to look at: its result, the end of its output, its courses and its last state."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np

from mdevalbench.agent.pictures import view
from mdevalbench.lammps.evidence import Segment
from mdevalbench.lammps.job import Run
from mdevalbench.observables.series import hydrostatic_pressure

_KEPT_OUTPUT = 6000
"""characters"""
_POINTS = 200
RESULT = re.compile(r"^[ \t]*(RESULT\s+\w+\s*=\s*\S.*?)\s*$", re.MULTILINE | re.IGNORECASE)
"""a line in which a script reports"""


def seen(run: Run) -> dict[str, Any]:
    """What is kept of a run, as fields of a `Round`."""
    results = RESULT.findall(run.output)
    return {
        "result": results[-1] if results else "",
        "output": run.output[-_KEPT_OUTPUT:],
        "series": series(run),
        "structure": view(run.evidence.final),
        "units": run.evidence.loops[-1].settings.units if run.evidence.loops else "",
    }


def series(run: Run) -> dict[str, tuple[float, ...]]:
    """Courses of what is usually looked at, thinned out."""
    stages = [one for one in run.evidence.segments if one.is_dynamics and len(one.samples) and one.samples.natoms.all()]
    if not stages:
        return {}
    columns: dict[str, Callable[[Segment], object]] = {
        "time": lambda one: one.samples.time,
        "temperature": lambda one: one.temperature,
        "pressure": hydrostatic_pressure,
        "energy": lambda one: one.samples.potential_energy / one.samples.natoms,
        "volume": lambda one: one.samples.volume / one.samples.natoms,
    }
    joined = {name: np.concatenate([np.asarray(of(one)) for one in stages]) for name, of in columns.items()}
    every = max(1, len(joined["time"]) // _POINTS)
    return {name: tuple(map(float, values[::every])) for name, values in joined.items()}
