"""Which stages of a run count: selection by kind, ensemble, state and duration."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import exp, prod
from typing import Literal

import numpy as np

from mdevalbench.errors import Unmeasured
from mdevalbench.lammps.evidence import Evidence, Floats, Loop, Segment
from mdevalbench.observables.ensemble import Ensemble, ensemble, only_watches
from mdevalbench.observables.series import PerSample, hydrostatic_pressure, number_density, whole
from mdevalbench.observables.statistics import settled
from mdevalbench.observables.units import convert, style_unit


@dataclass(frozen=True, slots=True)
class Near:
    """A value and the largest accepted deviation from it."""

    value: float
    within: float


@dataclass(frozen=True, slots=True)
class Selection:
    """What a stage must be like, in the units of the script."""

    kind: Literal["dynamics", "minimisation", "static", "any"] = "dynamics"
    """`static` stages are minimisations and runs of no steps"""
    ensemble: tuple[str, ...] = ()
    """accepted ensembles; empty for any"""
    temperature: Near | None = None
    """mean kinetic temperature"""
    pressure: Near | None = None
    """mean pressure without tail correction"""
    density: Near | None = None
    """mean number density"""
    min_time: float = 0.0
    role: Literal["last", "longest", "all"] = "last"

    def in_units(self, old: str, new: str) -> Selection:
        """The same selection in another LAMMPS unit style. Raises `UsageError` where there is no conversion (`lj`)."""

        def near(value: Near | None, a: str, b: str) -> Near | None:
            return value and Near(convert(value.value, a, b), convert(value.within, a, b))

        return replace(
            self,
            temperature=near(self.temperature, style_unit(old, "temperature"), style_unit(new, "temperature")),
            pressure=near(self.pressure, style_unit(old, "pressure"), style_unit(new, "pressure")),
            density=near(self.density, style_unit(old, "number density"), style_unit(new, "number density")),
            min_time=convert(self.min_time, style_unit(old, "time"), style_unit(new, "time")),
        )


@dataclass(frozen=True, slots=True)
class Condition:
    """How well a stage meets one condition."""

    name: str
    met: float
    """1 if met, falling towards 0 with the distance from it"""
    wanted: str
    found: str


_KINDS = {
    "dynamics": "dynamics",
    "minimisation": "a minimisation",
    "static": "a minimisation or a run of no steps",
    "any": "dynamics or a minimisation",
}


def stages(evidence: Evidence) -> tuple[Segment, ...]:
    """Stages of a run: its segments, joined where only fixes that watch (`fix ave/time`) came or went in between."""
    joined: list[Segment] = []
    for segment in evidence.segments:
        before = joined[-1] if joined else None
        if before and before.leg == segment.leg and _acting(before) == _acting(segment):
            joined[-1] = Segment(before.loops + segment.loops, segment.leg)
        else:
            joined.append(segment)
    return tuple(joined)


def select(evidence: Evidence, selection: Selection) -> tuple[Segment, ...]:
    """The stages that count, in order of time. Raises `Unmeasured` with what came nearest."""
    eligible = [s for s in stages(evidence) if all(c.met == 1.0 for c in conditions(s, selection))]
    if not eligible:
        raise Unmeasured(_what_came_nearest(evidence, selection))
    eligible = [s for s in eligible if all(frame.natoms for frame in s.frames)]
    if not eligible:
        raise Unmeasured("there are no atoms")
    if selection.role == "all":
        return tuple(eligible)
    return (eligible[-1] if selection.role == "last" else max(eligible, key=lambda s: s.duration),)


def nearest(evidence: Evidence, selection: Selection) -> tuple[Segment, tuple[Condition, ...]] | None:
    """The stage that meets the conditions best, by their product; of equals the longest, then the last.

    None if nothing ran.
    """
    found = [(stage, conditions(stage, selection)) for stage in reversed(stages(evidence))]
    return max(found, key=lambda f: (prod(c.met for c in f[1]), f[0].duration), default=None)


def conditions(segment: Segment, selection: Selection) -> tuple[Condition, ...]:
    """How well a stage meets each condition that the selection makes."""
    checks = [_kind(segment, selection.kind)]
    if selection.ensemble:
        checks.append(_ensemble(segment, selection.ensemble))
    units = segment.settings.units
    for name, near, quantity, unit in (
        ("temperature", selection.temperature, _temperature, style_unit(units, "temperature")),
        ("pressure", selection.pressure, hydrostatic_pressure, style_unit(units, "pressure")),
        ("density", selection.density, number_density, style_unit(units, "number density")),
    ):
        if near is not None:
            checks.append(_state(name, near, segment, quantity, unit))
    if selection.min_time > 0:
        met = min(1.0, segment.duration / selection.min_time * (1 + 1e-9))
        unit = style_unit(segment.settings.units, "time")
        checks.append(
            Condition("time", met, f"{selection.min_time:g} {unit} or more", f"{segment.duration:.4g} {unit}")
        )
    return tuple(checks)


def _kind(segment: Segment, wanted: str) -> Condition:
    found = "dynamics" if segment.is_dynamics else "minimisation"
    met = wanted in (found, "any") or (wanted == "static" and not (segment.is_dynamics and segment.steps))
    return Condition("kind", float(met), _KINDS[wanted], _KINDS[found])


def _ensemble(segment: Segment, wanted: Sequence[str]) -> Condition:
    """Half met if either the thermostat or the barostat is as wanted, a quarter for any other dynamics."""
    found = ensemble(segment)
    met = 0.25
    if found in wanted:
        met = 1.0
    elif found in (Ensemble.FROZEN, Ensemble.MINIMISATION):
        met = 0.0
    elif found != Ensemble.OTHER and any(found[1] == w[1] or found[2] == w[2] for w in wanted):
        met = 0.5
    return Condition("ensemble", met, " or ".join(w.upper() for w in wanted), _spoken(found))


def _state(name: str, near: Near, segment: Segment, quantity: PerSample, unit: str) -> Condition:
    values = whole(segment, quantity) if segment.is_dynamics else np.zeros(0)
    values = values[settled(values) :]
    wanted = f"{near.value:.6g} +- {near.within:.3g} {unit}"
    if not len(values) or not np.isfinite(values).all():
        return Condition(name, 0.0, wanted, "unknown")
    found = float(values.mean())
    excess = abs(found - near.value) - near.within
    return Condition(name, 1.0 if excess <= 0 else exp(-excess / near.within), wanted, f"{found:.4g} {unit}")


def _temperature(segment: Segment) -> Floats:
    return segment.temperature


def _acting(segment: Segment) -> tuple[object, ...]:
    settings = replace(segment.settings, fixes=tuple(f for f in segment.settings.fixes if not only_watches(f.style)))
    return segment.loops[0].kind, settings


def _spoken(found: Ensemble) -> str:
    match found:
        case Ensemble.FROZEN:
            return "a loop in which no fix integrates"
        case Ensemble.OTHER:
            return "driven, damped or otherwise unusual dynamics"
        case Ensemble.MINIMISATION:
            return "a minimisation"
    return found.upper()


def _what_came_nearest(evidence: Evidence, selection: Selection) -> str:
    found = nearest(evidence, selection)
    if found is None:
        return "nothing ran: there is no dynamics and no minimisation"
    segment, met = found
    kind, *others = met
    if kind.met < 1.0:  # what it would be as the other kind says nothing
        told = f"is {kind.found}, not {kind.wanted}"
    else:
        told = "had " + ", ".join(f"{c.name} {c.found} (accepted: {c.wanted})" for c in others if c.met < 1.0)
    return f"no stage of the simulation is as asked for; the nearest one ({_where(segment.loops)}) {told}"


def _where(loops: Sequence[Loop]) -> str:
    first, last = (
        f"'{loop.command}'" + (f" on line {loop.line}" if loop.line else "") for loop in (loops[0], loops[-1])
    )
    return first if len(loops) == 1 else f"{len(loops)} runs, from {first} to {last}"
