"""Reading a prompt by its words: what a LAMMPS question asks for, as far as regular expressions can tell."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

from ase.data import atomic_masses, atomic_names, atomic_numbers, chemical_symbols, reference_states

_NUMBER = r"([-+]?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?)"
_PAIR_STYLES = {
    ".eam.alloy": "eam/alloy",
    ".eam.fs": "eam/fs",
    ".eam": "eam",
    ".sw": "sw",
    ".tersoff": "tersoff",
    ".vashishta": "vashishta",
    ".edip": "edip",
    ".adp": "adp",
}
_LATTICES = {
    "fcc": r"\bfcc\b|face.cent",
    "bcc": r"\bbcc\b|body.cent",
    "diamond": r"\bdiamond\b",
    "hcp": r"\bhcp\b|hexagonal close",
    "sc": r"\bsimple cubic\b",
}
_ATOMS_PER_CELL = {"fcc": 4, "bcc": 2, "diamond": 8, "hcp": 4, "sc": 1}
_GRAMS_PER_DALTON = 1.66053906660e-24
_PICOSECONDS = {"fs": 1e-3, "ps": 1.0, "ns": 1e3}


@dataclass(frozen=True, slots=True)
class Request:
    """What was understood of a prompt; None where it says nothing."""

    recipe: str
    """`minimise`, `diffusion`, `conservation` or `average`"""
    observable: str
    unit: str
    units: str
    """LAMMPS unit style"""
    pair_style: str
    pair_coeff: str
    tail: bool
    """long-range correction wanted"""
    mass: float
    lattice: str
    spacing: float
    """what follows the style in the `lattice` command: a lattice constant, in lj units a number density"""
    cells: int
    temperature: float
    timestep: float
    equilibration: int
    production: int
    """steps"""

    @property
    def atoms_per_cell(self) -> int:
        """Atoms in the conventional cell of `lattice`."""
        return _ATOMS_PER_CELL[self.lattice]

    @property
    def reduced(self) -> bool:
        """Lennard-Jones units."""
        return self.units == "lj"


def read_request(prompt: str) -> Request:
    """Understand a prompt. Never fails: what is not said gets a common value."""
    text = " ".join(prompt.split())
    observable, unit = _result_line(text)
    potential = _potential_file(text)
    element = _element(text, potential)
    reduced = potential is None and (element is None or bool(re.search(r"reduced|\blj\b|LJ units", text)))
    lattice = _lattice(text, element)
    if potential:
        pair_style, pair_coeff = _file_potential(potential, element)
    else:
        pair_style, pair_coeff = _lennard_jones(text)
    timestep = _timestep(text, reduced)
    equilibration, production = _durations(text, timestep, reduced)
    return Request(
        recipe=_recipe(text, observable),
        observable=observable,
        unit=unit,
        units="lj" if reduced else "metal",
        pair_style=pair_style,
        pair_coeff=pair_coeff,
        tail=bool(re.search(r"(?<!no )(?<!without )(?:long.range|tail) correction", text, re.IGNORECASE)),
        mass=1.0 if reduced or element is None else round(float(atomic_masses[atomic_numbers[element]]), 4),
        lattice=lattice,
        spacing=_spacing(text, element, lattice, reduced),
        cells=_cells(text, _ATOMS_PER_CELL[lattice]),
        temperature=_temperature(text, reduced),
        timestep=timestep,
        equilibration=equilibration,
        production=production,
    )


def _first(pattern: str, text: str) -> float | None:
    found = re.search(pattern, text, re.IGNORECASE)
    return float(found[1]) if found else None


def _result_line(text: str) -> tuple[str, str]:
    """Name and unit of the line `RESULT name = <number> unit` that the prompt shows."""
    found = re.search(r"RESULT\s+(\w+)\s*=\s*(?:<[^>]*>|\$\{\w+\}|\S+)\s*([^\s`\"'.,;]*(?:\^-?\d+)?)", text)
    return (found[1], found[2]) if found else ("value", "")


def _element(text: str, potential: str | None) -> str | None:
    """The first element that is named in words, else the one that a potential file begins with."""
    names = {name.lower(): symbol for name, symbol in zip(atomic_names[1:], chemical_symbols[1:], strict=True)}
    for word in re.findall(r"[a-z]+", text.lower()):
        if word in names:
            return names[word]
    symbol = re.match(r"[A-Z][a-z]?", potential or "")
    return symbol[0] if symbol and symbol[0] in atomic_numbers else None


def _potential_file(text: str) -> str | None:
    suffixes = "|".join(re.escape(suffix) for suffix in sorted(_PAIR_STYLES, key=len, reverse=True))
    found = re.search(rf"[A-Za-z][\w.\-]*?(?:{suffixes})(?![\w])", text)
    return found[0] if found else None


def _file_potential(file: str, element: str | None) -> tuple[str, str]:
    style = next(style for suffix, style in _PAIR_STYLES.items() if file.endswith(suffix))
    return style, file if style == "eam" else f"{file} {element or ''}".rstrip()


def _lennard_jones(text: str) -> tuple[str, str]:
    epsilon = _first(rf"(?:epsilon|ε)\s*(?:=|is|of|:)\s*{_NUMBER}", text) or 1.0
    sigma = _first(rf"(?:sigma|σ)\s*(?:=|is|of|:)\s*{_NUMBER}", text) or 1.0
    cutoff = _first(rf"(?:cut.?off|r_?c\b|truncate)[^0-9.]{{0,40}}{_NUMBER}", text) or 2.5 * sigma
    return f"lj/cut {cutoff:g}", f"{epsilon:g} {sigma:g}"


def _lattice(text: str, element: str | None) -> str:
    for name, pattern in _LATTICES.items():
        if re.search(pattern, text, re.IGNORECASE):
            return name
    state = reference_states[atomic_numbers[element]] if element else None
    symmetry = str(state["symmetry"]) if state else "fcc"
    return symmetry if symmetry in _ATOMS_PER_CELL else "fcc"


def _spacing(text: str, element: str | None, lattice: str, reduced: bool) -> float:
    if reduced:
        return _first(rf"(?:densit(?:y|ies)|rho\S*|ρ\S*)(?:(?!temperature)[^0-9]){{0,40}}?{_NUMBER}", text) or 0.8
    if element and (density := _first(rf"{_NUMBER}\s*g\s*/?\s*(?:cm|cc)", text)):
        grams = _ATOMS_PER_CELL[lattice] * float(atomic_masses[atomic_numbers[element]]) * _GRAMS_PER_DALTON
        return float((grams / density) ** (1 / 3) * 1e8)
    said = _first(rf"(?:lattice (?:constant|parameter|spacing)|a_?0)[^0-9]{{0,40}}{_NUMBER}\s*(?:Å|A\b|angstrom)", text)
    state: Mapping[str, object] = (reference_states[atomic_numbers[element]] if element else None) or {}
    known = state.get("a") if state.get("symmetry") == lattice else None
    return said or (float(known) if isinstance(known, int | float) else 4.0)


def _cells(text: str, atoms_per_cell: int) -> int:
    if explicit := _first(rf"{_NUMBER}\s*[x×]\s*\d+\s*[x×]\s*\d+", text):
        return int(explicit)
    atoms = _first(r"(\d{2,6})\s*(?:(?:to|-|–)\s*\d+\s*)?(?:atoms|particles)", text) or 500.0
    return max(3, math.ceil(math.cbrt(atoms / atoms_per_cell)))


def _temperature(text: str, reduced: bool) -> float:
    said = _first(rf"(?:temperature|\bT\b\*?|T\^\*)[^0-9]{{0,25}}?{_NUMBER}", text)
    kelvin = None if reduced else _first(rf"{_NUMBER}\s*K\b", text)
    return kelvin or said or (1.0 if reduced else 300.0)


def _timestep(text: str, reduced: bool) -> float:
    if found := re.search(rf"time.?step[^0-9]{{0,30}}{_NUMBER}\s*(fs|ps)?", text, re.IGNORECASE):
        return float(found[1]) * (_PICOSECONDS[found[2]] if found[2] and not reduced else 1.0)
    return 0.005 if reduced else 0.001


def _durations(text: str, timestep: float, reduced: bool) -> tuple[int, int]:
    """Steps of equilibration and production: the longest duration that the prompt gives, and a quarter of it before."""
    if reduced:
        times = [
            float(t) for t in re.findall(rf"{_NUMBER}\s*(?:tau\b|τ|(?:reduced |lj )?time units?)", text, re.IGNORECASE)
        ]
    else:
        times = [float(t) * _PICOSECONDS[u] for t, u in re.findall(rf"{_NUMBER}\s*(fs|ps|ns)\b", text)]
    steps = [round(t / timestep) for t in times] + [
        int(float(s)) for s in re.findall(r"(\d{3,8})\s*(?:time )?steps", text)
    ]
    production = min(max([*steps, 1000]), 200_000) if steps else 20_000
    return max(2000, production // 4), production


def _recipe(text: str, observable: str) -> str:
    asked = f"{observable} {text}"
    if re.search(r"diffusi|mean.squared displacement|\bMSD\b", asked, re.IGNORECASE):
        return "diffusion"
    if re.search(r"drift|energy conservation|conserv", asked, re.IGNORECASE):
        return "conservation"
    if re.search(
        r"\b0 K\b|zero temperature|minimi[sz]|lattice.constant|lattice.parameter|cohesive|relax", asked, re.IGNORECASE
    ):
        return "minimise"
    return "average"
