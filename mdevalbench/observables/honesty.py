"""Does the motion follow from velocities and forces?"""

from __future__ import annotations

from math import inf

import numpy as np

from mdevalbench.lammps.evidence import Floats, Frame, Settings
from mdevalbench.observables.ensemble import plain_style

THERMOSTAT = 0.2
"""largest relative change of all velocities at once that a thermostat or barostat may make within a step"""
ROUNDING = 1e-12
"""displacements smaller than this part of the box are rounding"""


def successor_error(frame: Frame, settings: Settings) -> float:
    """RMS deviation of the step that followed a frame from velocity Verlet, over the RMS displacement of that step.

    x(t + dt) - x(t) = dt (v + dt/2 F/m) for integrated atoms, zero for the others; F with what fixes added, such as a
    Langevin thermostat or SHAKE. One factor for all velocities, within 20 % of 1, is allowed for: Nose-Hoover chains
    and barostats rescale them within the step. If the cell changed, atoms may have followed it (barostats) or not
    (shrinking boundaries); the better of the two counts. Seen in honest runs: 1e-13 in NVE and with thermostats, 4e-5
    with barostats, 2e-3 with r-RESPA, 0.1 with `fix gjf`, which moves atoms by random displacements; atoms that were
    put elsewhere, or integrated twice, give 1 and more. Infinite if atoms were lost; 0 if there is no successor.
    The forces that hold rigid bodies (`fix rigid`) are not known: there the mean of the velocities before and after the
    step takes the place of v + dt/2 F/m, which leaves an error of the second order (water, 2 fs: 0.009).
    """
    after = frame.successor
    if after is None:
        return 0.0
    if not np.array_equal(frame.ids, after.ids):
        return inf
    rigid = any(plain_style(fix.style).startswith("rigid") for fix in settings.fixes)
    velocities = (frame.velocities + after.velocities) / 2 if rigid else frame.velocities
    force = frame.forces if frame.applied is None else frame.forces + frame.applied
    moves = frame.integrated[:, None]
    free = frame.dt * np.where(moves, velocities, 0.0)
    kicked = 0.5 * frame.dt**2 * settings.force_to_velocity * np.where(moves, force / frame.masses[:, None], 0.0)
    kicked *= not rigid
    scale = max(_rms(free + kicked), ROUNDING * float(frame.cell.volume ** (1 / 3)))
    errors: list[float] = []
    for moved in (_displacement(frame, after), _displacement_in_cell(frame, after)):
        square = float((free**2).sum())
        factor = float(((moved - kicked) * free).sum()) / square if square > 0 else 1.0
        errors.append(_rms(moved - kicked - free * np.clip(factor, 1 - THERMOSTAT, 1 + THERMOSTAT)) / scale)
    return min(errors)


def max_force(forces: Floats) -> float:
    """Largest norm of the forces (N, 3); 0 without atoms."""
    return float(np.sqrt((forces**2).sum(axis=1).max(initial=0.0)))


def _displacement(frame: Frame, after: Frame) -> Floats:
    return after.cell.minimum_image(after.positions - frame.positions)


def _displacement_in_cell(frame: Frame, after: Frame) -> Floats:
    """Displacement relative to the cell, as a length in the first one."""
    fractional = [(f.positions - f.cell.origin) @ np.linalg.inv(f.cell.vectors) for f in (frame, after)]
    return frame.cell.minimum_image((fractional[1] - fractional[0]) @ frame.cell.vectors)


def _rms(vectors: Floats) -> float:
    return float(np.sqrt(np.mean(vectors**2))) if vectors.size else 0.0
