"""From the evidence of one run to a measured value and the conditions under which it was measured."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import prod
from typing import Any

from mdevalbench.errors import Unmeasured
from mdevalbench.lammps.evidence import Evidence, Frame, Segment
from mdevalbench.lammps.forcefield import PotentialForceField
from mdevalbench.lammps.job import Run, World
from mdevalbench.lammps.pool import Pool
from mdevalbench.observables import Condition, Context, Near, Selection, get_estimator, nearest, select
from mdevalbench.observables.units import convert
from mdevalbench.scorers.conditions import validity_conditions
from mdevalbench.scorers.hamiltonian import choose_frames, wrong_hamiltonian
from mdevalbench.tasks import schema
from mdevalbench.tasks.schema import FamilySpec, Measure
from mdevalbench.types import Measurement


@dataclass
class Assessment:
    """What a run is worth physically; `reasons` in plain words, most important first."""

    measured: Measurement | None = None
    conditions: float = 0.0
    """geometric mean of all conditions, 0 if the interactions are wrong"""
    started: bool = False
    executed: float = 0.0
    """share of what the task asks to be simulated that was simulated"""
    reasons: list[str] = field(default_factory=list)

    @property
    def valid(self) -> bool:
        """Measured, with every condition met and the prescribed interactions."""
        return self.measured is not None and self.conditions >= 1.0 and not self.reasons


def assess(pool: Pool, spec: FamilySpec, run: Run, world: World | None = None) -> Assessment:
    """Measure a run by the first of the family's alternatives that finds something.

    With a counterfactual `world` the estimators' options are those of that world.
    """
    found = Assessment()
    evidence = run.evidence
    if not evidence.loops:
        found.reasons.append("nothing was simulated: no run or minimize command was reached")
        return found
    units = evidence.loops[-1].settings.units
    if units not in spec.validity.units:
        found.reasons.append(f"the task is set in {' or '.join(spec.validity.units)} units; the script uses {units}")
        return found
    p = spec.potential
    forcefield = PotentialForceField(pool, p.units, p.pair_style, p.pair_coeff, p.elements, units, world or World())
    _progress(found, evidence, spec, forcefield)
    try:
        segments = _measure(found, evidence, spec, forcefield, units, spec.world.options if world else {})
        if segments is None:
            return found
        if world is None:
            _check(found, evidence, segments, spec, forcefield)
    except Unmeasured as reason:
        found.measured, found.conditions = None, 0.0
        found.reasons.append(str(reason))
    return found


def _selection(measure: Measure, spec: FamilySpec, units: str) -> Selection:
    """The family's selection, in the script's units."""
    wanted = measure.select
    selection = Selection(
        kind=wanted.kind,
        ensemble=wanted.ensemble,
        temperature=_near(wanted.temperature),
        pressure=_near(wanted.pressure),
        density=_near(wanted.density),
        min_time=wanted.min_time,
        role=wanted.role,
    )
    return selection if units == spec.potential.units else selection.in_units(spec.potential.units, units)


def _near(wanted: schema.Near | None) -> Near | None:
    return Near(wanted.value, wanted.within) if wanted is not None else None


def _measure(
    found: Assessment,
    evidence: Evidence,
    spec: FamilySpec,
    forcefield: PotentialForceField,
    units: str,
    changed: Mapping[str, Any],
) -> tuple[Segment, ...] | None:
    """Fill in the measured value; the stages it came from, or None with the reasons of every alternative."""
    why = []
    for measure in spec.measure:
        context = Context(evidence, units, forcefield)
        known = {name: changed[name] for name in changed if name in measure.options}
        try:
            segments = select(evidence, _selection(measure, spec, units))
            value = get_estimator(measure.estimator)(segments, context, **{**measure.options, **known})
        except Unmeasured as reason:
            if str(reason) not in why:
                why.append(str(reason))
            continue
        if value.unit != spec.unit:
            factor = convert(1.0, value.unit, spec.unit)
            value = value.model_copy(
                update={"value": value.value * factor, "uncertainty": value.uncertainty * factor, "unit": spec.unit}
            )
        found.measured = value
        return segments
    found.reasons.append("; and ".join(why))
    return None


def _progress(found: Assessment, evidence: Evidence, spec: FamilySpec, forcefield: PotentialForceField) -> None:
    """Whether a loop that belongs to the task began, how much of it was done, and how near the best stage came."""
    found.started = _belongs(evidence, spec, forcefield)
    if not found.started:
        return
    for measure in spec.measure:
        selection = _selection(measure, spec, forcefield.frame_units)
        best = nearest(evidence, selection)
        if best is None:
            continue
        segment, conditions = best
        share = (
            min(1.0, segment.duration / selection.min_time)
            if selection.min_time
            else float(segment.loops[-1].completed)
        )
        if segment.steps:
            found.executed = max(found.executed, share)
            unmet = [c for c in conditions if c.met < 1.0]
            if unmet:  # a stage that fits, yet holds nothing to measure, earns nothing here
                found.conditions = max(found.conditions, geometric_mean(conditions))


def _belongs(evidence: Evidence, spec: FamilySpec, forcefield: PotentialForceField) -> bool:
    """Whether a loop of a kind that the family asks for began to do steps on atoms of the task's species."""
    kinds = {measure.select.kind for measure in spec.measure}
    for loop in evidence.loops:
        kind = {"dynamics"} if loop.is_dynamics else {"minimisation", "static"}
        states = loop.frames[:1] or ((evidence.final,) if evidence.final is not None else ())
        if loop.requested > 0 and kinds & {"any", *kind} and any(_is_known(state, forcefield) for state in states):
            return True
    return False


def _is_known(frame: Frame, forcefield: PotentialForceField) -> bool:
    try:
        return len(forcefield.types_of(frame)) > 0
    except Unmeasured:
        return False


def _check(
    found: Assessment,
    evidence: Evidence,
    segments: tuple[Segment, ...],
    spec: FamilySpec,
    forcefield: PotentialForceField,
) -> None:
    """Conditions and interactions of the stages that were measured."""
    conditions = validity_conditions(evidence, segments, spec.validity, forcefield)
    found.conditions = geometric_mean(conditions)
    found.started, found.executed = True, 1.0
    found.reasons += [f"{c.name}: wanted {c.wanted}, found {c.found}" for c in conditions if c.met < 1.0]
    frames = [frame for segment in segments for frame in segment.frames]
    if not frames and evidence.final is not None:
        frames = [evidence.final]
    wrong = wrong_hamiltonian(choose_frames(frames), forcefield)
    if wrong is not None:
        found.conditions = 0.0
        found.reasons.insert(0, wrong)


def geometric_mean(conditions: tuple[Condition, ...]) -> float:
    """Of how well conditions are met; 1 if there are none."""
    return prod(c.met for c in conditions) ** (1 / len(conditions)) if conditions else 1.0
