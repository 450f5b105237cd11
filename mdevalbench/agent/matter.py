"""Whether a run is about the right matter: the species that were asked for, enough atoms, a potential that may do."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from ase.data import atomic_masses, atomic_numbers, chemical_symbols

from mdevalbench.agent.case import Case
from mdevalbench.agent.finding import Finding, State, doubt, fine, unknown, wrong
from mdevalbench.agent.manybody import for_metal, with_potential
from mdevalbench.lammps import potentials
from mdevalbench.lammps.script import parse
from mdevalbench.observables.units import convert, style_unit

FEW_ATOMS = 100
_MASS = 0.02
"""relative; a mass that is further from every element's is none"""
_ATTRACTIVE = ("lj/", "buck", "morse", "born", "mie")


def size(case: Case) -> Iterator[Finding]:
    """Whether there are atoms enough for an average."""
    if not case.atoms or case.production is None:
        return
    words = f"{case.atoms} atoms"
    if case.atoms < FEW_ATOMS:
        words += " are few for a thermal average: fluctuations are large, and the box acts on itself"
        yield doubt("size", words)
    else:
        yield fine("size", f"{words}; whether the result depends on it was not checked")


def species(case: Case) -> Iterator[Finding]:
    """Whether the masses are those of the elements that the request names."""
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


def potential(case: Case) -> Iterator[Finding]:
    """Whether the potential may do for the elements, and where it comes from."""
    style = case.run.evidence.loops[-1].settings.pair_style if case.run.evidence.loops else ""
    metals = {one for one in case.wish.elements if _is_metal(one)}
    if metals and style.startswith(_ATTRACTIVE) and metals == case.wish.elements:
        yield _poor(case, style, min(metals))
        return
    for file in potential_files(case.script):
        yield fine("potential", f"{file.name} ({file.citation or file.comment or 'no citation in the file'})")
    yield unknown("potential", "whether the potential is good for this quantity was not checked")


def _poor(case: Case, style: str, metal: str) -> Finding:
    """A pair potential for a metal, and which potentials there are."""
    words = f"pair_style {style} is a poor model of a metal such as {metal}: take a many-body one"
    better = for_metal(metal)
    if not better:
        return doubt("potential", f"{words}; LAMMPS comes with none for it, and interatomic potential repositories do")
    named = ", ".join(f"{file.name} (pair_style {file.style})" for file in better[:3])
    mended = with_potential(case.script, better[0], metal) if len(case.wish.elements) == 1 else ""
    return Finding("potential", State.DOUBT, f"{words}; LAMMPS comes with {named}", mended)


def potential_files(script: str) -> tuple[potentials.PotentialFile, ...]:
    """The files of LAMMPS's own that a script names in a `pair_coeff`, each once."""
    words = [word.text for one in parse(script).commands if one.words and one.name == "pair_coeff" for word in one.args]
    return tuple({file.name: file for word in words if (file := potentials.find(word))}.values())


def _element_of(mass: float) -> str | None:
    """The element of this mass in g/mol; None if it is none's."""
    near = int(np.argmin(np.abs(atomic_masses - mass)))
    return chemical_symbols[near] if abs(atomic_masses[near] - mass) <= _MASS * mass else None


def _is_metal(symbol: str) -> bool:
    number = atomic_numbers[symbol]
    others = "H He B C N O F Ne Si P S Cl Ar Ge As Se Br Kr Sb Te I Xe At Rn".split()
    return number <= 103 and symbol not in others
