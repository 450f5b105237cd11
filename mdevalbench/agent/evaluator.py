"""Is the physics of a run sound? Looked at without any reference: only the request, and what was recorded.

Each check looks at one thing and says in a sentence what it found: fine, doubtful, wrong, or not to be checked. The
last stage of dynamics counts as the production; minimisations have their own check. Rules of thumb that decide are
stated where they stand.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import numpy as np

from mdevalbench.agent import matter
from mdevalbench.agent.case import Case
from mdevalbench.agent.finding import Finding, State, doubt, fine, unknown, wrong
from mdevalbench.agent.seen import RESULT
from mdevalbench.agent.wish import Wish
from mdevalbench.lammps.evidence import Segment
from mdevalbench.lammps.job import Run
from mdevalbench.observables.ensemble import Ensemble, ensemble
from mdevalbench.observables.series import hydrostatic_pressure, whole
from mdevalbench.observables.statistics import Mean, fit_line, mean, settled
from mdevalbench.observables.units import convert, style_unit

LEAST_SAMPLES = 20
DRIFT = (0.01, 0.05)
"""of the thermal energy per atom: an NVE run that loses or wins more is doubtful, or wrong"""
INDEPENDENT = 10
"""independent samples that a mean should rest on"""
_NAMELESS = frozenset(["value", "result", "answer", "quantity", "output", "name", "x"])
_MUCH_PRESSURE = 1.0
"""GPa; a crystal under more than that is strained by about a hundredth"""
_ABOUT_PRESSURE = re.compile(
    r"""pressure|stress|strain|compress|elastic|modulus|moduli|density|densities|volume|lattice\ (?:constant|parameter)|
    equation\ of\ state|\bnv[et]\b|GPa|bar\b""",
    re.VERBOSE | re.IGNORECASE,
)
"""requests in which a pressure is part of the matter"""


def evaluate(wish: Wish, script: str, run: Run) -> tuple[Finding, ...]:
    """Everything that can be said of a run that came to its end, the most serious first."""
    case = Case(wish, script, run)
    found = [finding for check in _CHECKS for finding in check(case)]
    order = (State.WRONG, State.DOUBT, State.UNKNOWN, State.FINE)
    return tuple(sorted(found, key=lambda finding: order.index(finding.state)))


def _simulated(case: Case) -> Iterator[Finding]:
    loops = [loop for loop in case.run.evidence.loops if loop.steps]
    if not case.atoms or not loops:
        yield wrong("simulation", "nothing was simulated: no run or minimize moved any atom")
    elif not RESULT.search(case.run.output):
        words = 'the script prints no result; end it by print "RESULT name = ${value} unit"'
        yield wrong("result", words)
    else:
        yield _reported(RESULT.findall(case.run.output)[-1])
        yield unknown("uncertainty", "how far the reported number scatters from run to run was not checked")


def _reported(said: str) -> Finding:
    """Whether a line `RESULT name = value unit` says what it is."""
    name, _, value = said.partition("=")
    words = f"it reports `{said}`"
    if name.split()[-1].lower() in _NAMELESS:
        return wrong(
            "result", f"{words}, which does not say what it is: give it the name and unit of what was asked for"
        )
    if len(value.split()) < 2:
        return doubt("result", f"{words} without a unit: write `dimensionless` if there is none")
    return fine("result", words)


def _finite(case: Case) -> Iterator[Finding]:
    final = case.run.evidence.final
    if final is None:
        return
    if not (np.isfinite(final.positions).all() and np.isfinite(final.forces).all()):
        words = (
            "the simulation blew up: positions or forces are not finite; the time step is too long, or atoms overlap"
        )
        yield wrong("stability", words)


def _conservation(case: Case) -> Iterator[Finding]:
    stage = case.production
    if stage is None or ensemble(stage) is not Ensemble.NVE or len(stage.samples) < LEAST_SAMPLES:
        return
    samples = stage.samples
    energy = (samples.potential_energy + samples.kinetic_energy) / samples.natoms
    if not np.isfinite(energy).all():
        return
    drift = abs(fit_line(samples.time, energy).slope) * stage.duration
    thermal = 1.5 * stage.settings.boltzmann * float(stage.temperature.mean())
    share = drift / thermal if thermal > 0 else 0.0
    words = f"total energy drifts by {100 * share:.2g} % of the thermal energy over the run at constant energy"
    if share <= DRIFT[0]:
        yield fine("energy", words)
    else:
        yield Finding("energy", State.WRONG if share > DRIFT[1] else State.DOUBT, f"{words}: take a shorter time step")


def _temperature(case: Case) -> Iterator[Finding]:
    stage = case.production
    wanted = case.wish.temperature
    if stage is None:
        if wanted:
            words = f"{wanted:g} K were asked for, and no atom moves at any temperature: there is no dynamics"
            yield doubt("temperature", words)
        return
    found = _mean(stage, stage.temperature)
    if found is None or stage.settings.units == "lj":
        words = "the temperature cannot be compared with the request: too few samples, or reduced units"
        yield unknown("temperature", words)
        return
    said = f"the temperature of the last stage is {found.value:.4g} ± {found.uncertainty:.2g} K"
    if wanted is None:
        yield unknown("temperature", f"{said}; the request names none")
        return
    if _near(found, wanted):
        yield fine("temperature", f"{said}, as was asked for")
        return
    others = [_mean(one, one.temperature) for one in case.run.evidence.segments if one.is_dynamics]
    elsewhere = any(other is not None and _near(other, wanted) for other in others)
    values = [other.value for other in others if other is not None]
    words = f"{said}; {wanted:g} K were asked for"
    if elsewhere:
        yield doubt("temperature", f"{words}, as an earlier stage has")
    elif min(values) < wanted < max(values):
        yield unknown("temperature", f"{words}, and stages lie on both sides of it")
    else:
        yield wrong("temperature", words)


def _pressure(case: Case) -> Iterator[Finding]:
    stage, wanted = case.production, case.wish.pressure
    if stage is None or stage.settings.units == "lj":
        return
    found = _mean(stage, hydrostatic_pressure(stage))
    if found is None:
        return
    factor = convert(1.0, style_unit(stage.settings.units, "pressure"), "GPa")
    value, error = found.value * factor, found.uncertainty * factor
    said = f"the pressure of the last stage is {value:.3g} ± {error:.2g} GPa"
    if wanted is None:
        squeezed = abs(value) > _MUCH_PRESSURE and abs(value) > 4 * error and not _ABOUT_PRESSURE.search(case.wish.text)
        words = f"{said}, and the request names none"
        if squeezed:
            yield doubt("pressure", f"{words}: let the volume relax first, unless compression is meant")
        else:
            yield unknown("pressure", words)
        return
    off = abs(value - wanted / 1e9) > max(0.05 * abs(wanted) / 1e9, 4 * error, 0.01)
    yield Finding("pressure", State.DOUBT if off else State.FINE, f"{said}; {wanted / 1e9:g} GPa were asked for")


def _equilibrated(case: Case) -> Iterator[Finding]:
    stage = case.production
    if stage is None or len(stage.samples) < 2 * LEAST_SAMPLES:
        return
    series = whole(stage, lambda one: one.samples.potential_energy / one.samples.natoms)
    if len(series) < 2 * LEAST_SAMPLES or not np.isfinite(series).all():
        return
    steady = series[len(series) // 5 :]
    line = fit_line(np.arange(len(steady), dtype=float), steady)
    change = abs(line.slope) * len(steady)
    if abs(line.slope) > 5 * line.slope_uncertainty and change > float(steady.std()):
        words = "the potential energy still changes along the last stage: equilibrate longer before averaging"
        yield doubt("equilibration", words)
    else:
        yield fine("equilibration", "the potential energy of the last stage is stationary")


def _sampling(case: Case) -> Iterator[Finding]:
    stage = case.production
    if stage is None:
        return
    found = _mean(stage, stage.samples.potential_energy / stage.samples.natoms)
    if found is None:
        words = f"the last stage has {stage.steps} steps, too few to average anything"
        yield doubt("sampling", words)
        return
    words = f"the last stage of {stage.steps} steps is worth {found.effective:.0f} independent samples of the energy"
    yield Finding("sampling", State.DOUBT if found.effective < INDEPENDENT else State.FINE, words)


def _mean(stage: Segment, values: np.ndarray[tuple[int], np.dtype[np.float64]]) -> Mean | None:
    """Mean over the settled part of a stage; None with too few samples, or if some are not finite."""
    if len(values) < LEAST_SAMPLES or not np.isfinite(values).all():
        return None
    steady = values[settled(values) :]
    return mean(steady) if len(steady) >= 4 else None


def _near(found: Mean, wanted: float) -> bool:
    """Whether a mean temperature is the wanted one: within 3 %, or four standard errors."""
    return abs(found.value - wanted) <= max(0.03 * wanted, 4 * found.uncertainty)


_CHECKS: tuple[Callable[[Case], Iterator[Finding]], ...] = (
    _simulated,
    _finite,
    matter.species,
    matter.potential,
    _temperature,
    _pressure,
    _conservation,
    _equilibrated,
    _sampling,
    matter.size,
)
