"""Whether a measured stage was simulated under the conditions that the task sets: what, how much, by which means.

Each condition is a number in [0, 1], 1 if met, with a gentle slope where "nearly" makes sense; their geometric mean is
a rung of the reward ladder, and all must be 1 for a pass.
"""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase
from math import exp

import numpy as np

from mdevalbench.lammps.evidence import Evidence, Frame, Segment
from mdevalbench.lammps.forcefield import PotentialForceField
from mdevalbench.observables import Condition, only_watches, plain_style, successor_error
from mdevalbench.observables.units import convert, style_unit
from mdevalbench.tasks.schema import Validity

LARGEST_SUCCESSOR_ERROR = 0.05
"""of the RMS displacement in one step: thermostats stay far below, displaced atoms far above"""


def validity_conditions(
    evidence: Evidence, segments: Sequence[Segment], validity: Validity, forcefield: PotentialForceField
) -> tuple[Condition, ...]:
    """Every condition of a family on the stages that were measured.

    Raises:
        Unmeasured: there are atoms of no species of the task.
    """
    frames = [frame for segment in segments for frame in segment.frames]
    if not frames and evidence.final is not None:
        frames = [evidence.final]
    checks = [
        _recorded(evidence),
        _units(segments, validity),
        _size(frames, validity),
        _composition(frames, validity, forcefield),
    ]
    checks += [_fixes(segments, validity), _continuity(segments)]
    if validity.periodic:
        checks.append(_periodic(frames))
    if validity.max_timestep is not None:
        checks.append(_timestep(segments, validity.max_timestep, forcefield))
    if validity.all_atoms_integrated:
        checks.append(_integrated(segments))
    return tuple(checks)


def _recorded(evidence: Evidence) -> Condition:
    lost = evidence.dropped_loops + evidence.dropped_commands
    found = f"{lost} loops or commands beyond what can be recorded" if lost else "all"
    return Condition("recorded loops and commands", float(lost == 0), "all", found)


def _units(segments: Sequence[Segment], validity: Validity) -> Condition:
    found = {segment.settings.units for segment in segments}
    return Condition(
        "units", float(found <= set(validity.units)), " or ".join(validity.units), ", ".join(sorted(found))
    )


def _size(frames: Sequence[Frame], validity: Validity) -> Condition:
    least, most = validity.atoms
    counts = [frame.natoms for frame in frames] or [0]
    met = min(1.0, min(counts) / least, most / max(max(counts), 1))
    return Condition("atoms", met, f"{least} to {most}", str(counts[-1]))


def _composition(frames: Sequence[Frame], validity: Validity, forcefield: PotentialForceField) -> Condition:
    if not frames:
        return Condition("composition", 0.0, _shares(validity.composition), _shares({}))
    largest = _found(max(frames, key=lambda frame: frame.natoms), forcefield)
    if any(share and not largest[name] for name, share in validity.composition.items()):
        # a compound without one of its elements is another substance, however much its composition may vary
        return Condition("composition", 0.0, _shares(validity.composition), _shares(largest))
    worst, found = 0.0, dict[str, float]()
    for frame in {id(frame): frame for frame in (*frames[:1], *frames[-1:])}.values():
        found = _found(frame, forcefield)
        names = set(found) | set(validity.composition)
        worst = max(worst, *(abs(found.get(n, 0.0) - validity.composition.get(n, 0.0)) for n in names))
    within = validity.composition_within
    met = 1.0 if worst <= within else exp(-(worst - within) / max(within, 0.05))
    return Condition("composition", met, _shares(validity.composition), _shares(found))


def _found(frame: Frame, forcefield: PotentialForceField) -> dict[str, float]:
    """Element -> its share of the atoms of a frame."""
    types = forcefield.types_of(frame)
    return {name: float((types == t).mean()) if len(types) else 0.0 for t, name in enumerate(forcefield.elements, 1)}


def _shares(composition: dict[str, float]) -> str:
    return ", ".join(f"{name} {100 * share:.3g} %" for name, share in composition.items() if share) or "nothing"


def _fixes(segments: Sequence[Segment], validity: Validity) -> Condition:
    """No fix acts that the family does not allow.

    Plain `nve` only moves atoms and is always allowed; integrators do nothing in a minimisation; names in capitals are
    those of LAMMPS's own, internal fixes.
    """
    acting = {
        plain_style(fix.style)
        for segment in segments
        for fix in segment.settings.fixes
        if not (only_watches(fix.style) or fix.style.isupper() or (fix.integrates and not segment.is_dynamics))
    }
    odd = sorted(s for s in acting if s != "nve" and not any(fnmatchcase(s, pattern) for pattern in validity.fixes))
    wanted, found = ", ".join(("nve", *validity.fixes)), f"also {', '.join(odd)}" if odd else "as wanted"
    return Condition("acting fixes", float(not odd), wanted, found)


def _continuity(segments: Sequence[Segment]) -> Condition:
    """Successive states follow from each other by the equations of motion."""
    errors = [
        successor_error(f, s.settings) for s in segments if s.is_dynamics for f in s.frames if f.successor is not None
    ]
    worst = max(errors, default=0.0)
    found = f"displacements that deviate by {100 * worst:.3g} % from them"
    return Condition(
        "motion", float(worst <= LARGEST_SUCCESSOR_ERROR), "positions that follow from velocities and forces", found
    )


def _periodic(frames: Sequence[Frame]) -> Condition:
    periodic = all(all(frame.cell.periodic) for frame in frames)
    return Condition(
        "periodic box", float(periodic), "in all directions", "in all directions" if periodic else "not in all"
    )


def _timestep(segments: Sequence[Segment], largest: float, forcefield: PotentialForceField) -> Condition:
    units = segments[0].settings.units
    if units != forcefield.units:
        largest = convert(largest, style_unit(forcefield.units, "time"), style_unit(units, "time"))
    found = max((loop.dt_max for segment in segments for loop in segment.loops), default=0.0)
    met = 1.0 if found <= largest * (1 + 1e-9) else largest / found
    unit = style_unit(units, "time")
    return Condition("timestep", met, f"at most {largest:g} {unit}", f"{found:g} {unit}")


def _integrated(segments: Sequence[Segment]) -> Condition:
    shares = [
        float(np.mean(s.samples.integrated / np.maximum(s.samples.natoms, 1)))
        for s in segments
        if s.is_dynamics and len(s.samples) and s.duration > 0
    ]
    share = min(shares, default=1.0)
    return Condition("moving atoms", 1.0 if share > 1 - 1e-9 else share, "all", f"{100 * share:.3g} %")
