"""Units: the LAMMPS unit styles, and the unit expressions in which people write results.

A unit expression is a product of names with powers, such as `eV/angstrom`, `Å²/ps`, `kcal/mol/A`, `1e-5 cm^2 s^-1` or
`sigma*sqrt(epsilon/m)`. `mol` is the number N_A, so that kcal/mol is an energy per particle; `atom` is 1.

Constants: CODATA through `scipy.constants`. LAMMPS carries older ones, which differ by parts in a million.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from math import inf
from typing import Literal

from scipy import constants as si

from mdevalbench.errors import UsageError

Quantity = Literal[
    "mass", "length", "time", "energy", "temperature", "pressure", "velocity", "force", "diffusion", "number density"
]
Dimensions = tuple[float, ...]
"""exponents of length, time, mass, temperature, and of the Lennard-Jones epsilon, sigma and mass"""

_BASE: dict[str, dict[str, str]] = {
    "lj": {
        "mass": "m", "length": "sigma", "time": "tau", "energy": "epsilon", "temperature": "epsilon/kB",
        "pressure": "epsilon/sigma^3", "velocity": "sigma/tau", "force": "epsilon/sigma",
    },
    "real": {
        "mass": "g/mol", "length": "angstrom", "time": "fs", "energy": "kcal/mol", "temperature": "K",
        "pressure": "atm", "velocity": "angstrom/fs", "force": "kcal/mol/angstrom",
    },
    "metal": {
        "mass": "g/mol", "length": "angstrom", "time": "ps", "energy": "eV", "temperature": "K",
        "pressure": "bar", "velocity": "angstrom/ps", "force": "eV/angstrom",
    },
    "si": {
        "mass": "kg", "length": "m", "time": "s", "energy": "J", "temperature": "K",
        "pressure": "Pa", "velocity": "m/s", "force": "N",
    },
    "cgs": {
        "mass": "g", "length": "cm", "time": "s", "energy": "erg", "temperature": "K",
        "pressure": "dyn/cm^2", "velocity": "cm/s", "force": "dyn",
    },
    "electron": {
        "mass": "amu", "length": "bohr", "time": "fs", "energy": "hartree", "temperature": "K",
        "pressure": "Pa", "velocity": "bohr/fs", "force": "hartree/bohr",
    },
    "micro": {
        "mass": "pg", "length": "um", "time": "us", "energy": "pg*um^2/us^2", "temperature": "K",
        "pressure": "pg/um/us^2", "velocity": "um/us", "force": "pg*um/us^2",
    },
    "nano": {
        "mass": "ag", "length": "nm", "time": "ns", "energy": "ag*nm^2/ns^2", "temperature": "K",
        "pressure": "ag/nm/ns^2", "velocity": "nm/ns", "force": "ag*nm/ns^2",
    },
}  # fmt: skip

_PREFIXES = {
    "": 1.0, "a": 1e-18, "f": 1e-15, "p": 1e-12, "n": 1e-9, "u": 1e-6, "μ": 1e-6, "m": 1e-3,
    "c": 1e-2, "d": 1e-1, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12,
}  # fmt: skip
_LONG_PREFIXES = {
    "": 1.0, "atto": 1e-18, "femto": 1e-15, "pico": 1e-12, "nano": 1e-9, "micro": 1e-6, "milli": 1e-3,
    "centi": 1e-2, "kilo": 1e3, "mega": 1e6, "giga": 1e9, "tera": 1e12,
}  # fmt: skip
_LENGTH, _TIME, _MASS, _TEMPERATURE = ((1, 0, 0, 0), (0, 1, 0, 0), (0, 0, 1, 0), (0, 0, 0, 1))
_ENERGY, _FORCE, _PRESSURE, _NUMBER = ((2, -2, 1, 0), (1, -2, 1, 0), (-1, -2, 1, 0), (0, 0, 0, 0))

_PREFIXED: dict[tuple[str, ...], tuple[float, tuple[int, ...]]] = {
    ("m", "meter", "metre"): (1.0, _LENGTH),
    ("s", "sec", "second"): (1.0, _TIME),
    ("g", "gram"): (1e-3, _MASS),
    ("Pa", "pascal"): (1.0, _PRESSURE),
    ("bar",): (1e5, _PRESSURE),
    ("J", "joule"): (1.0, _ENERGY),
    ("eV", "electronvolt"): (si.e, _ENERGY),
    ("cal", "calorie"): (si.calorie, _ENERGY),
    ("Ha", "Eh", "hartree"): (si.value("Hartree energy"), _ENERGY),
    ("N", "newton"): (1.0, _FORCE),
    ("K", "kelvin"): (1.0, _TEMPERATURE),
    ("P", "poise"): (0.1, (-1, -1, 1, 0)),
    ("W", "watt"): (1.0, (2, -3, 1, 0)),
    ("Hz", "hertz"): (1.0, (0, -1, 0, 0)),
}
_PLAIN: dict[tuple[str, ...], tuple[float, tuple[int, ...]]] = {
    ("A", "Å", "ang", "angstrom", "ångström", "ångstrom"): (si.angstrom, _LENGTH),
    ("bohr",): (si.value("Bohr radius"), _LENGTH),
    ("Ry", "rydberg"): (si.value("Hartree energy") / 2, _ENERGY),
    ("erg",): (si.erg, _ENERGY),
    ("amu", "u", "Da", "dalton"): (si.atomic_mass, _MASS),
    ("dyn", "dyne"): (si.dyne, _FORCE),
    ("atm", "atmosphere"): (si.atm, _PRESSURE),
    ("torr",): (si.torr, _PRESSURE),
    ("mol", "mole"): (si.N_A, _NUMBER),
    ("atom", "particle", "molecule"): (1.0, _NUMBER),
    ("kB", "k_B"): (si.k, (2, -2, 1, -1)),
}
_LENNARD_JONES: dict[tuple[str, ...], tuple[float, float, float]] = {
    ("epsilon", "eps", "ε", "ϵ"): (1.0, 0.0, 0.0),
    ("sigma", "sig", "σ"): (0.0, 1.0, 0.0),
    ("tau", "τ"): (-0.5, 1.0, 0.5),
    ("m", "mass"): (0.0, 0.0, 1.0),
    ("kB", "k_B", "k", "atom", "particle"): (0.0, 0.0, 0.0),
}
_SHARED = frozenset(("m", "mass", "kB", "k_B", "k", "atom", "particle"))
"""Lennard-Jones names that also mean something else, and alone do not tell which units are meant"""
_REDUCED = frozenset(["", "1", "-", "none", "dimensionless", "unitless"])
_REDUCED |= {f"{words}{units}" for words in ("lj", "reduced", "lj reduced") for units in ("", " units")}
_SPELLINGS = (("−", "-"), ("·", "*"), ("⋅", "*"), ("×", "*"), ("**", "^"), (" per ", "/"), ("√", "sqrt"))


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit as a factor to SI (or to the Lennard-Jones unit) and the dimensions of what it measures."""

    factor: float
    dimensions: Dimensions
    wildcard: bool = False
    """`reduced` and its like: fits every quantity of Lennard-Jones units"""

    def __mul__(self, other: Unit) -> Unit:
        pairs = zip(self.dimensions, other.dimensions, strict=True)
        return Unit(self.factor * other.factor, tuple(a + b for a, b in pairs))

    def __pow__(self, power: float) -> Unit:
        return Unit(self.factor**power, tuple(d * power for d in self.dimensions))

    def fits(self, other: Unit) -> bool:
        """Whether both measure the same quantity."""
        if self.wildcard or other.wildcard:
            return not any(self.dimensions[:4] + other.dimensions[:4])
        return all(abs(a - b) < 1e-9 for a, b in zip(self.dimensions, other.dimensions, strict=True))


def style_unit(style: str, quantity: Quantity) -> str:
    """Unit expression of a quantity in a LAMMPS unit style, e.g. ("metal", "pressure") -> "bar".

    Raises `UsageError` for an unknown style.
    """
    if style not in _BASE:
        raise UsageError(f"unknown LAMMPS unit style '{style}'; use one of {', '.join(_BASE)}")
    base = _BASE[style]
    if quantity == "diffusion":
        return f"{base['length']}^2/{base['time']}"
    if quantity == "number density":
        return f"{base['length']}^-3"
    return base[quantity]


def convert(value: float, from_unit: str, to_unit: str) -> float:
    """The same quantity in another unit. Raises `UsageError` for unknown or incompatible units."""
    old, new = parse_unit(from_unit), parse_unit(to_unit)
    if not old.fits(new):
        raise UsageError(f"'{from_unit}' cannot be converted to '{to_unit}': they measure different quantities")
    return value * (old.factor / new.factor)


def spoken_pressure(virial: float, volume: float, style: str) -> str:
    """The pressure of a virial (its trace, energy units of a LAMMPS unit style) in GPa, or in Lennard-Jones units."""
    energy, length = style_unit(style, "energy"), style_unit(style, "length")
    unit = "GPa" if style != "lj" else style_unit(style, "pressure")
    return f"{convert(virial / (3 * volume), f'{energy}/({length})^3', unit):.4g} {unit}"


@lru_cache(maxsize=1024)
def parse_unit(text: str) -> Unit:
    """Read a unit expression. Raises `UsageError` if it is not understood."""
    plain = _normalise(text)
    if plain.lower() in _REDUCED:
        return Unit(1.0, (0.0,) * 7, wildcard=True)
    try:
        unit = _Parser(plain).parse()
        if not 0 < unit.factor < inf:
            raise ValueError("its size is not a positive number")
        return unit
    except (ValueError, OverflowError, ZeroDivisionError) as error:
        raise UsageError(
            f"unit '{text[:80]}' is not understood ({error}); write it like 'eV', 'angstrom^2/ps' or 'reduced'"
        ) from error


def _normalise(text: str) -> str:
    plain = unicodedata.normalize("NFKC", text).strip().strip("[]").strip()
    for old, new in _SPELLINGS:
        plain = plain.replace(old, new)
    plain = re.sub(r"(?<![\w.])([^\W\d]+)([+-]?\d)", r"\1^\2", plain)  # A2, s-1
    return " ".join(plain.split())


_TOKEN = re.compile(
    r"\s*(?:(?P<number>\d+(?:\.\d*)?(?:e[+-]?\d+)?)|(?P<name>[^\W\d]+)|(?P<mark>[-+*/^()]))", re.IGNORECASE
)


class _Parser:
    """Recursive descent. Where epsilon, sigma or tau occur, `m` is a mass; elsewhere it is the metre."""

    def __init__(self, text: str) -> None:
        if len(text) > 80:
            raise ValueError("longer than 80 characters")
        self.tokens: list[str] = []
        at = 0
        while at < len(text):
            match = _TOKEN.match(text, at)
            if match is None:
                raise ValueError(f"stops making sense at '{text[at:]}'")
            self.tokens.append(match[0].strip())
            at = match.end()
        reduced = any(token in _lennard_jones() and token not in _SHARED for token in self.tokens)
        self.names = _lennard_jones() if reduced else _real()

    def parse(self) -> Unit:
        unit = self.product()
        if self.tokens:
            raise ValueError(f"unexpected '{self.tokens[0]}'")
        return unit

    def product(self) -> Unit:
        unit = Unit(1.0, (0.0,) * 7) if self.tokens[:1] == ["/"] else self.factor()  # "/K" is 1/K
        while self.tokens and self.tokens[0] != ")":
            if self.take("/"):
                unit = unit * self.factor() ** -1
            else:
                self.take("*")
                unit = unit * self.factor()
        return unit

    def factor(self) -> Unit:
        unit = self.primary()
        return unit ** self.exponent() if self.take("^") else unit

    def primary(self) -> Unit:
        token = self.next()
        if token == "(":
            unit = self.product()
            self.expect(")")
            return unit
        if token == "sqrt":
            self.expect("(")
            unit = self.product()
            self.expect(")")
            return unit**0.5
        if token[0].isdigit():
            return Unit(float(token), (0.0,) * 7)
        return _look_up(token, self.names)

    def exponent(self) -> float:
        if not self.take("("):
            return self.signed()
        power = self.signed()
        if self.take("/"):
            power /= self.signed()
        self.expect(")")
        return power

    def signed(self) -> float:
        sign = -1.0 if self.take("-") else 1.0
        self.take("+")
        power = sign * float(self.next())
        if abs(power) > 30:
            raise ValueError("exponent too large")
        return power

    def next(self) -> str:
        if not self.tokens:
            raise ValueError("it ends too early")
        return self.tokens.pop(0)

    def take(self, token: str) -> bool:
        if self.tokens and self.tokens[0] == token:
            self.tokens.pop(0)
            return True
        return False

    def expect(self, token: str) -> None:
        if not self.take(token):
            raise ValueError(f"'{token}' is missing")


def _look_up(name: str, names: Mapping[str, Unit]) -> Unit:
    """Exact spelling first, then plural, then without regard to case where only one unit can be meant."""
    for spelling in (name, name.removesuffix("s")):
        if spelling in names:
            return names[spelling]
        folded = {unit for key, unit in names.items() if key.lower() == spelling.lower()}
        if len(folded) == 1:
            return folded.pop()
        if folded:
            raise ValueError(f"'{name}' may mean several units: mind upper and lower case")
    raise ValueError(f"no unit is called '{name}'")


@cache
def _real() -> dict[str, Unit]:
    table: dict[str, Unit] = {}
    for spellings, (factor, dimensions) in _PREFIXED.items():
        for spelling in spellings:
            for prefix, scale in (_PREFIXES if len(spelling) <= 3 else _LONG_PREFIXES).items():
                table[prefix + spelling] = Unit(scale * factor, (*map(float, dimensions), 0.0, 0.0, 0.0))
    for spellings, (factor, dimensions) in _PLAIN.items():
        for spelling in spellings:
            table[spelling] = Unit(factor, (*map(float, dimensions), 0.0, 0.0, 0.0))
    return table


@cache
def _lennard_jones() -> dict[str, Unit]:
    return {
        spelling: Unit(1.0, (0.0, 0.0, 0.0, 0.0, *powers))
        for spellings, powers in _LENNARD_JONES.items()
        for spelling in spellings
    }
