"""What a request asks for, as far as its words tell: elements, temperature, pressure; None for what it does not say."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ase.data import atomic_names, chemical_symbols

_NUMBER = r"(-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?)"
_PASCALS = {"gpa": 1e9, "mpa": 1e6, "kpa": 1e3, "pa": 1.0, "kbar": 1e8, "bar": 1e5, "atm": 101325.0}
_NAMES = {name.lower(): symbol for name, symbol in zip(atomic_names[1:], chemical_symbols[1:], strict=True) if name}
_NAMES |= {"aluminum": "Al", "caesium": "Cs", "cesium": "Cs", "sulphur": "S", "graphite": "C", "graphene": "C"}
_COMPOUNDS = {"water": ("H", "O"), "ice": ("H", "O"), "table salt": ("Na", "Cl"), "rock salt": ("Na", "Cl")}
_WORDS = frozenset("As At Be He In No Am Os Pa".split())
"""symbols that are more often words, or units"""
_MOLECULES = frozenset("O2 N2 H2 F2 Cl2 Br2 P4 S8 C60 C70 BN WC UN CO HF".split())
"""formulas that look like something else"""
_FIELD = re.compile(
    r"""molecular\s+dynamics|\bmd\b|lammps|simulat|atom|crystal|lattice|liquid|melt|solid|diffusi|viscos|elastic|moduli|
    modulus|thermal|heat\s+capacity|conductivit|expansion|density|pressure|temperature|energy|surface|vacanc|interstitial|
    grain|dislocation|phase|anneal|quench|deform|tensile|strain|stress|radial\s+distribution|\brdf\b|\bmsd\b|phonon|
    polymer|nanowire|nanoparticle|cluster|alloy|lennard|argon|water|\bnv[et]\b|\bnpt\b|potential|equation\s+of\s+state|
    free\s+energ|nucleat|crack|fracture|indent|shear|friction|adsor|solubil|ion(?:ic)?\b|salt|metal|glass|gas\b|wett|droplet
    """,
    re.VERBOSE | re.IGNORECASE,
)
"""words of the field: a request without any is none of ours"""
_OTHER_SCRIPT = re.compile(r"[^\W\d_\u0000-\u03ff]{2}")
"""two letters that are neither Latin nor Greek, such as Chinese ones"""
NOT_OURS = (
    "this does not read like a question on atoms, materials or molecular dynamics. Say which system and which quantity "
    'is wanted, for example "thermal expansion of copper at 300 K"'
)


@dataclass(frozen=True, slots=True)
class Wish:
    """A request in the words of its author, and what was understood of it."""

    text: str
    elements: frozenset[str] = frozenset()
    """chemical symbols"""
    temperature: float | None = None
    """K"""
    pressure: float | None = None
    """Pa"""

    @property
    def of_the_field(self) -> bool:
        """Whether it says anything of atoms, matter or simulation; what is not in English gets the benefit."""
        return bool(self.elements) or bool(_FIELD.search(self.text)) or bool(_OTHER_SCRIPT.search(self.text))


def understand(text: str) -> Wish:
    """Read a request by its words. Never raises; a quantity that it names twice with different values is None."""
    return Wish(
        text=text,
        elements=_elements(text),
        temperature=_only(
            {_kelvin(number, unit) for number, unit in re.findall(rf"{_NUMBER}\s*(K|kelvin|°C)(?![A-Za-z0-9])", text)}
        ),
        pressure=_only({float(number) * _PASCALS[unit.lower()] for number, unit in _pressures(text)}),
    )


def _elements(text: str) -> frozenset[str]:
    """Elements by name, and by symbol where it stands alone or in a formula such as NaCl or Ni3Al."""
    text = re.sub(r"[\w-]+\.[A-Za-z][\w.]*", " ", text)  # names of files hold more elements than are meant
    words = text.lower()
    found = {symbol for name, symbol in _NAMES.items() if re.search(rf"\b{name}\b", words)}
    for name, symbols in _COMPOUNDS.items():
        if re.search(rf"\b{name}\b", words):
            found.update(symbols)
    for formula in re.findall(r"\b(?:[A-Z][a-z]?\d*){1,6}\b", text):
        parts = re.findall(r"[A-Z][a-z]?", formula)
        if all(part in chemical_symbols for part in parts) and _is_formula(formula, parts):
            found.update(parts)
    if not found and re.search(r"\bdiamond\b", words):  # beside an element it is the name of a lattice
        found.add("C")
    return frozenset(found)


def _is_formula(word: str, parts: list[str]) -> bool:
    """Whether a word that could be one is one: NaCl and Cu are, NPT, FCC, C44 and At are not."""
    if len(parts) == 1:
        return (word in parts and len(word) == 2 and word not in _WORDS) or word in _MOLECULES
    return any(char.islower() or char.isdigit() for char in word) or word in _MOLECULES


def _kelvin(number: str, unit: str) -> float:
    return float(number) + (273.15 if unit == "°C" else 0.0)


def _pressures(text: str) -> list[tuple[str, str]]:
    """Numbers that stand before a unit of pressure and are said to be one."""
    units = "|".join(_PASCALS)
    found = rf"(?i:pressure|\bat|under|compressed to)\s*(?:of|is|=|:)?\s*{_NUMBER}\s*((?i:{units}))\b"
    return re.findall(found, text)


def _only(values: set[float]) -> float | None:
    return values.pop() if len(values) == 1 else None
