"""The lower rungs of the ladder: what a run is worth that did not measure what the task asks for.

A loop belongs to the task if the task's physics happened in it, however little of it: atoms of the task's species, not
fewer than a tenth of the least number, under interactions that resemble the prescribed ones; in dynamics, atoms that
were integrated and went somewhere by their own velocities; in a minimisation, atoms or a box that moved. Everything
else is a way of having simulated nothing: `run 0`, a minimiser in its minimum, loops without an integrator, a time step
of 1e-300, one free atom among frozen ones, atoms put elsewhere by hand, another potential.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mdevalbench.errors import Unmeasured
from mdevalbench.lammps.evidence import Evidence, Frame, Segment
from mdevalbench.lammps.forcefield import PotentialForceField
from mdevalbench.observables import Ensemble, Selection, ensemble, stages, successor_error
from mdevalbench.scorers.hamiltonian import Interactions, compare_interactions
from mdevalbench.tasks.schema import Validity

LEAST_TRAVEL = 1e-3
"""of the distance between atoms: less than a single ordinary time step at the lowest temperatures of interest"""
LARGEST_STEP = 0.3
"""of the distance between atoms, travelled in one time step; 0.02 is usual, 0.1 is ten times too long"""
LEAST_RELAXATION = 1e-4
"""displacement over the distance between atoms, or linear strain, of a minimisation that had something to do"""
LEAST_SHARE = 0.1
"""of the least number of atoms"""
LEAST_MOVING = 0.5
"""share of integrated atoms where all should be"""
LARGEST_JUMP = 0.5
"""successor error of atoms that were not moved by their velocities and forces; `gjf` is at 0.1, edits are at 1"""
UNUSUAL_DYNAMICS = 0.25
"""what time in driven, damped or limited dynamics counts"""
MOST_STAGES = 6
"""how many stages are compared with the prescribed interactions, the longest of them"""


def what_happened(
    evidence: Evidence, kinds: set[str], validity: Validity, forcefield: PotentialForceField
) -> tuple[list[tuple[Segment, Interactions]], str]:
    """Stages that belong to the task, with what their interactions are like; and why others do not.

    `kinds` are those that the family selects; `static` stages count here if they are minimisations.
    """
    found: list[tuple[Segment, Interactions]] = []
    why = f"no {_sought(kinds)} did a step"
    wanted = [s for s in stages(evidence) if s.steps > 0 and kinds & _kinds(s)]
    for stage in sorted(wanted, key=lambda s: (s.duration, s.steps), reverse=True)[:MOST_STAGES]:
        nothing = nothing_happened(stage, validity, forcefield) or _stood_still(stage)
        if nothing:
            why = nothing
            continue
        interactions = _interactions(stage, forcefield)
        if interactions.likeness > 0:
            found.append((stage, interactions))
        else:
            why = interactions.wrong or why
    return found, why


def simulated_share(stage: Segment, selection: Selection, largest_timestep: float | None) -> float:
    """Share of the time that the task asks for, for a minimisation whether it came to its end.

    Driven, damped or limited dynamics counts a quarter, as it does as a condition, and steps longer than allowed count
    as if they were allowed ones: both cover much time and little physics.
    """
    if not selection.min_time:
        return float(stage.loops[-1].completed)
    share = min(1.0, stage.duration / selection.min_time)
    if selection.ensemble and ensemble(stage) is Ensemble.OTHER:
        share *= UNUSUAL_DYNAMICS
    longest = max(loop.dt_max for loop in stage.loops)
    if largest_timestep is not None and longest > largest_timestep:
        share *= largest_timestep / longest
    return share


def nothing_happened(stage: Segment, validity: Validity, forcefield: PotentialForceField) -> str | None:
    """Why the task's system cannot be seen in a stage, in plain words; None if it can."""
    frames = [frame for frame in stage.frames if frame.natoms and np.isfinite(frame.positions).all()]
    if not frames:
        return "there are no atoms" if stage.frames and not stage.frames[0].natoms else None
    try:
        natoms = len(forcefield.types_of(frames[0]))
    except Unmeasured as reason:
        return str(reason)
    if natoms < max(1.0, LEAST_SHARE * validity.atoms[0]):
        return f"{natoms} atoms are no system of the task, which asks for {validity.atoms[0]} or more"
    if not stage.is_dynamics or not stage.steps:
        return None
    if validity.all_atoms_integrated and (share := _moving(frames)) < LEAST_MOVING:
        return f"only {100 * share:.3g} % of the atoms were moved by an integrator"
    speeds = [_speed(frame) for frame in frames]
    if max(speeds) * stage.duration < LEAST_TRAVEL * _spacing(frames[0]):
        return "the atoms did not move: no integrator, no velocities, or no time"
    slowest = min((speed for speed in speeds if speed > 0), default=0.0)
    if slowest * stage.duration > LARGEST_STEP * stage.steps * _spacing(frames[0]):
        return "the time step is so long that atoms jump over their neighbours in one"
    if max(successor_error(frame, stage.settings) for frame in frames) > LARGEST_JUMP:
        return "the atoms were put elsewhere by something other than their velocities and forces"
    return None


def _sought(kinds: set[str]) -> str:
    dynamics, rest = bool(kinds & {"any", "dynamics"}), bool(kinds - {"dynamics"})
    return " or ".join(name for name, so in (("dynamics", dynamics), ("minimisation", rest)) if so)


def _kinds(stage: Segment) -> set[str]:
    return {"any", "dynamics"} if stage.is_dynamics else {"any", "minimisation", "static"}


def _moving(frames: Sequence[Frame]) -> float:
    return min(float(frame.integrated.mean()) for frame in frames)


def _spacing(frame: Frame) -> float:
    return float((frame.cell.volume / frame.natoms) ** (1 / 3))


def _speed(frame: Frame) -> float:
    """RMS speed of the integrated atoms, 0 if there are none."""
    moving = frame.velocities[frame.integrated]
    return float(np.sqrt((moving**2).sum(axis=1).mean())) if len(moving) else 0.0


def _stood_still(stage: Segment) -> str | None:
    """Why a minimisation is none; None for those that moved something, and for dynamics."""
    if stage.is_dynamics:
        return None
    if not stage.loops[-1].completed:
        return "LAMMPS stopped in the middle of the minimisation"
    first, last = stage.frames[0], stage.frames[-1]
    if first.natoms != last.natoms:
        return None
    strain = np.abs(last.cell.vectors - first.cell.vectors).max() / np.abs(first.cell.vectors).max()
    moved = last.cell.minimum_image(last.positions - first.positions)
    displaced = float(np.sqrt((moved**2).sum(axis=1)).max(initial=0.0)) / _spacing(first)
    if max(float(strain), displaced) >= LEAST_RELAXATION:
        return None
    return "the minimiser had nothing to do: it moved neither atoms nor box"


def _interactions(stage: Segment, forcefield: PotentialForceField) -> Interactions:
    clean = [f for f in stage.frames if f.forces_clean and f.natoms and np.isfinite(f.positions).all()]
    try:
        return compare_interactions(
            [clean[0], clean[len(clean) // 2], clean[-1]] if len(clean) > 2 else clean, forcefield
        )
    except Unmeasured as reason:
        return Interactions(0.0, str(reason))
