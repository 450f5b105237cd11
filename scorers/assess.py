"""From the evidence of one run to a measured value and the conditions under which it was measured."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import prod
from typing import Any

from mdevalbench.errors import Unmeasured
from mdevalbench.lammps.evidence import Evidence, Segment
from mdevalbench.lammps.executor import Executor
from mdevalbench.lammps.forcefield import PotentialForceField
from mdevalbench.lammps.job import Run, World
from mdevalbench.observables import Condition, Context, Near, Selection, conditions, get_estimator, select
from mdevalbench.observables.units import convert, style_unit
from mdevalbench.scorers.conditions import validity_conditions
from mdevalbench.scorers.hamiltonian import choose_frames, compare_interactions
from mdevalbench.scorers.potential import other_potential
from mdevalbench.scorers.progress import nothing_happened, simulated_share, what_happened
from mdevalbench.scorers.reward import CONDITIONS, EXECUTED
from mdevalbench.tasks import schema
from mdevalbench.tasks.schema import FamilySpec, Measure, Potential
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


def assess(pool: Executor, spec: FamilySpec, run: Run, world: World | None = None) -> Assessment:
    """Measure a run by the first of the family's alternatives that finds something.

    With a counterfactual `world` the estimators' options and the prescribed interactions are those of that world.
    """
    found = Assessment()
    evidence = run.evidence
    if not evidence.loops:
        found.reasons.append("nothing was simulated: no run or minimisation came as far as a step")
        return found
    units = evidence.loops[-1].settings.units
    if units not in spec.validity.units:
        found.reasons.append(f"the task is set in {' or '.join(spec.validity.units)} units; the script uses {units}")
        return found
    forcefield = prescribed(spec.potential, pool, units, world or World())
    try:
        segments = _measure(found, evidence, spec, forcefield, units, spec.world.options if world else {})
        if segments is not None:
            _check(found, evidence, segments, spec, forcefield)
    except Unmeasured as reason:
        found.measured, found.conditions = None, 0.0
        found.reasons.append(str(reason))
    if found.measured is None and world is None:
        _progress(found, evidence, spec, forcefield)
    return found


def prescribed(potential: Potential, pool: Executor, frame_units: str, world: World) -> PotentialForceField:
    """The interactions that a family prescribes, for frames in `frame_units`."""
    return PotentialForceField(
        pool,
        potential.units,
        potential.pair_style,
        potential.pair_coeff,
        potential.elements,
        frame_units,
        world,
        potential.charges,
        potential.kspace_style,
        potential.bonds,
        potential.within,
    )


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
    why: dict[str, str] = {}
    for measure in spec.measure:
        context = Context(evidence, units, forcefield)
        known = {name: changed[name] for name in changed if name in measure.options}
        try:
            segments = select(evidence, _selection(measure, spec, units))
            value = get_estimator(measure.estimator)(segments, context, **{**measure.options, **known})
        except Unmeasured as reason:
            if str(reason) not in why.values():
                why[measure.estimator.replace("_", " ")] = str(reason)
            continue
        if value.unit != spec.unit:
            factor = convert(1.0, value.unit, spec.unit)
            value = value.model_copy(
                update={"value": value.value * factor, "uncertainty": value.uncertainty * factor, "unit": spec.unit}
            )
        found.measured = value
        return segments
    found.reasons.append(_in_no_way(why))
    return None


def _in_no_way(why: Mapping[str, str]) -> str:
    """Why the way of measuring that is tried first found nothing, nor any of the others."""
    (_, first), *others = why.items()
    return "; ".join([first, *(f"nor by {way}: {reason}" for way, reason in others)])


def _progress(found: Assessment, evidence: Evidence, spec: FamilySpec, forcefield: PotentialForceField) -> None:
    """Without a measured value: whether a loop that belongs to the task began, and what the stage worth most did.

    That is the stage by which the ladder is climbed highest, so that a script which goes on and fails loses nothing.
    """
    kinds: set[str] = {measure.select.kind for measure in spec.measure}
    stages, why = what_happened(evidence, kinds, spec.validity, forcefield)
    found.started = bool(stages)
    if not stages and not any(why in reason for reason in found.reasons):
        found.reasons.append(f"no run or minimisation simulated the task's system: {why}")
    wrong = [interactions.wrong for _, interactions in stages]
    if wrong and all(wrong):  # what else went wrong follows from it, or comes after it
        found.reasons.insert(0, _with_command(str(wrong[0]), evidence, spec))
    most = 0.0
    for measure in spec.measure:
        selection = _selection(measure, spec, forcefield.frame_units)
        for stage, interactions in stages:
            share = simulated_share(stage, selection, _largest_timestep(spec, forcefield)) * interactions.likeness
            met = conditions(stage, selection)
            fits = all(c.met == 1.0 for c in met)  # and yet holds nothing to measure: earns nothing here
            nearly = 0.0 if fits or interactions.wrong else geometric_mean(met)
            worth = share * (EXECUTED + CONDITIONS * nearly)
            if worth > most:
                most, found.executed, found.conditions = worth, share, nearly


def _largest_timestep(spec: FamilySpec, forcefield: PotentialForceField) -> float | None:
    """In the script's units."""
    largest, own, units = spec.validity.max_timestep, forcefield.units, forcefield.frame_units
    if largest is None or own == units:
        return largest
    return convert(largest, style_unit(own, "time"), style_unit(units, "time"))


def _check(
    found: Assessment,
    evidence: Evidence,
    segments: tuple[Segment, ...],
    spec: FamilySpec,
    forcefield: PotentialForceField,
) -> None:
    """Conditions and interactions of the stages that were measured, and whether they are a simulation at all."""
    checks = validity_conditions(evidence, segments, spec.validity, forcefield)
    found.conditions = geometric_mean(checks)
    found.reasons += [f"{c.name}: found {c.found}, accepted {c.wanted}" for c in checks if c.met < 1.0]
    frames = [frame for segment in segments for frame in segment.frames]
    if not frames and evidence.final is not None:
        frames = [evidence.final]
    interactions = compare_interactions(choose_frames(frames), forcefield)
    if interactions.wrong is not None:
        found.conditions = 0.0
        found.reasons.insert(0, _with_command(interactions.wrong, evidence, spec))
    nothing = next((why for s in segments if (why := nothing_happened(s, spec.validity, forcefield))), None)
    if nothing is not None and nothing not in found.reasons:
        found.reasons.insert(0, nothing)
    found.started = nothing is None and interactions.likeness > 0
    found.executed = interactions.likeness


def _with_command(wrong: str, evidence: Evidence, spec: FamilySpec) -> str:
    """What is wrong with the interactions, behind the command that made them others where one can be named."""
    other = other_potential(evidence.trace, spec.potential, evidence.loops[-1].settings.units)
    return f"{other}: {wrong}" if other else wrong


def geometric_mean(conditions: tuple[Condition, ...]) -> float:
    """Of how well conditions are met; 1 if there are none."""
    return prod(c.met for c in conditions) ** (1 / len(conditions)) if conditions else 1.0
