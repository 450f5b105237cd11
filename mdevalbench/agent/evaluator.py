"""Is the physics of a run sound? Looked at without any reference: only the request, and what was recorded.

Each check looks at one thing and says in a sentence what it found: fine, doubtful, wrong, or not to be checked. The
last stage of dynamics counts as the production; minimisations have their own check. Rules of thumb that decide are
stated where they stand.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from ase.data import atomic_masses, atomic_numbers, chemical_symbols

from mdevalbench.agent.finding import Finding, State, doubt, fine, unknown, wrong
from mdevalbench.agent.seen import RESULT
from mdevalbench.agent.wish import Wish
from mdevalbench.lammps import potentials
from mdevalbench.lammps.evidence import Segment
from mdevalbench.lammps.job import Run
from mdevalbench.lammps.script import parse
from mdevalbench.observables.ensemble import Ensemble, ensemble
from mdevalbench.observables.series import hydrostatic_pressure, whole
from mdevalbench.observables.statistics import Mean, fit_line, mean, settled
from mdevalbench.observables.units import convert, style_unit

LEAST_SAMPLES = 20
DRIFT = (0.01, 0.05)
"""of the thermal energy per atom: an NVE run that loses or wins more is doubtful, or wrong"""
INDEPENDENT = 10
"""independent samples that a mean should rest on"""
FEW_ATOMS = 100
_MASS = 0.02
"""relative; a mass that is further from every element's is none"""
_ATTRACTIVE = ("lj/", "buck", "morse", "born", "mie")


@dataclass(frozen=True)
class _Case:
    wish: Wish
    script: str
    run: Run

    @property
    def production(self) -> Segment | None:
        """The last stage in which atoms moved by themselves."""
        stages = [one for one in self.run.evidence.segments if one.is_dynamics and one.steps]
        moving = [one for one in stages if ensemble(one) is not Ensemble.FROZEN]
        return moving[-1] if moving else None

    @property
    def atoms(self) -> int:
        final = self.run.evidence.final
        return final.natoms if final else 0


def evaluate(wish: Wish, script: str, run: Run) -> tuple[Finding, ...]:
    """Everything that can be said of a run that came to its end, the most serious first."""
    case = _Case(wish, script, run)
    found = [finding for check in _CHECKS for finding in check(case)]
    order = (State.WRONG, State.DOUBT, State.UNKNOWN, State.FINE)
    return tuple(sorted(found, key=lambda finding: order.index(finding.state)))


def _simulated(case: _Case) -> Iterator[Finding]:
    loops = [loop for loop in case.run.evidence.loops if loop.steps]
    if not case.atoms or not loops:
        yield wrong("simulation", "nothing was simulated: no run or minimize moved any atom")
    elif not RESULT.search(case.run.output):
        words = 'the script prints no result; end it by print "RESULT name = ${value} unit"'
        yield wrong("result", words)
    else:
        said = RESULT.findall(case.run.output)[-1]
        if len(said.partition("=")[2].split()) < 2:
            yield doubt("result", f"it reports `{said}` without a unit; write `dimensionless` if it has none")
        else:
            yield fine("result", f"it reports `{said}`")
        yield unknown("uncertainty", "how far the reported number scatters from run to run was not checked")


def _finite(case: _Case) -> Iterator[Finding]:
    final = case.run.evidence.final
    if final is None:
        return
    if not (np.isfinite(final.positions).all() and np.isfinite(final.forces).all()):
        words = (
            "the simulation blew up: positions or forces are not finite; the time step is too long, or atoms overlap"
        )
        yield wrong("stability", words)


def _conservation(case: _Case) -> Iterator[Finding]:
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


def _temperature(case: _Case) -> Iterator[Finding]:
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


def _pressure(case: _Case) -> Iterator[Finding]:
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
        yield unknown("pressure", f"{said}; the request names none")
        return
    off = abs(value - wanted / 1e9) > max(0.05 * abs(wanted) / 1e9, 4 * error, 0.01)
    yield Finding("pressure", State.DOUBT if off else State.FINE, f"{said}; {wanted / 1e9:g} GPa were asked for")


def _equilibrated(case: _Case) -> Iterator[Finding]:
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


def _sampling(case: _Case) -> Iterator[Finding]:
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


def _size(case: _Case) -> Iterator[Finding]:
    if not case.atoms or case.production is None:
        return
    words = f"{case.atoms} atoms"
    if case.atoms < FEW_ATOMS:
        words += " are few for a thermal average: fluctuations are large, and the box acts on itself"
        yield doubt("size", words)
    else:
        yield fine("size", f"{words}; whether the result depends on it was not checked")


def _species(case: _Case) -> Iterator[Finding]:
    final, wanted = case.run.evidence.final, case.wish.elements
    if final is None or not wanted:
        return
    units = case.run.evidence.loops[-1].settings.units
    if units == "lj":
        words = "the simulation is in reduced units, so that species cannot be told by their masses"
        yield unknown("species", words)
        return
    grams = convert(1.0, style_unit(units, "mass"), "g/mol")
    frames = [final, *(loop.frames[-1] for loop in case.run.evidence.loops if loop.frames)]
    found = {_element_of(float(mass) * grams) for frame in frames for mass in np.unique(frame.masses)}
    named = ", ".join(sorted(one or "an unknown one" for one in found))
    if missing := wanted - found:
        words = f"{', '.join(sorted(missing))} was asked for, and by their masses the atoms are {named}"
        yield wrong("species", words) if found - wanted else doubt("species", words)
    else:
        yield fine("species", f"by their masses the atoms are {named}")


def _potential(case: _Case) -> Iterator[Finding]:
    style = case.run.evidence.loops[-1].settings.pair_style if case.run.evidence.loops else ""
    metals = {one for one in case.wish.elements if _is_metal(one)}
    if metals and style.startswith(_ATTRACTIVE) and metals == case.wish.elements:
        words = f"pair_style {style} is a poor model of a metal such as {sorted(metals)[0]}"
        yield doubt("potential", f"{words}: take a many-body one, as eam")
        return
    for file in potential_files(case.script):
        yield fine("potential", f"{file.name} ({file.citation or file.comment or 'no citation in the file'})")
    yield unknown("potential", "whether the potential is good for this quantity was not checked")


def potential_files(script: str) -> tuple[potentials.PotentialFile, ...]:
    """The files of LAMMPS's own that a script names in a `pair_coeff`, each once."""
    words = [word.text for one in parse(script).commands if one.words and one.name == "pair_coeff" for word in one.args]
    return tuple({file.name: file for word in words if (file := potentials.find(word))}.values())


def _mean(stage: Segment, values: np.ndarray[tuple[int], np.dtype[np.float64]]) -> Mean | None:
    """Mean over the settled part of a stage; None with too few samples, or if some are not finite."""
    if len(values) < LEAST_SAMPLES or not np.isfinite(values).all():
        return None
    steady = values[settled(values) :]
    return mean(steady) if len(steady) >= 4 else None


def _near(found: Mean, wanted: float) -> bool:
    """Whether a mean temperature is the wanted one: within 3 %, or four standard errors."""
    return abs(found.value - wanted) <= max(0.03 * wanted, 4 * found.uncertainty)


def _element_of(mass: float) -> str | None:
    """The element of this mass in g/mol; None if it is none's."""
    near = int(np.argmin(np.abs(atomic_masses - mass)))
    return chemical_symbols[near] if abs(atomic_masses[near] - mass) <= _MASS * mass else None


def _is_metal(symbol: str) -> bool:
    number = atomic_numbers[symbol]
    others = "H He B C N O F Ne Si P S Cl Ar Ge As Se Br Kr Sb Te I Xe At Rn".split()
    return number <= 103 and symbol not in others


_CHECKS: tuple[Callable[[_Case], Iterator[Finding]], ...] = (
    _simulated,
    _finite,
    _species,
    _potential,
    _temperature,
    _pressure,
    _conservation,
    _equilibrated,
    _sampling,
    _size,
)
