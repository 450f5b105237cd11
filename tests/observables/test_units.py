"""Unit conversions against LAMMPS's own constants, ASE, and spellings that people use."""

from collections.abc import Callable
from typing import Any

import ase.units
import pytest

from mdevalbench.errors import UsageError
from mdevalbench.observables import convert, parse_unit, style_unit
from mdevalbench.observables.units import spoken_pressure

STYLES = ("real", "metal", "si", "cgs", "electron", "micro", "nano")


@pytest.mark.parametrize("style", [*STYLES, "lj"])
def test_styles_agree_with_the_constants_of_lammps(style: str, simulate: Callable[..., Any]) -> None:
    """LAMMPS carries CODATA 2006 or older: they differ by up to 1e-5."""
    lmp = simulate(f"units {style}\nregion b block 0 1 0 1 0 1\ncreate_box 1 b\nmass 1 1").lmp
    unit = {q: style_unit(style, q) for q in ("mass", "velocity", "energy", "force", "length", "time", "pressure")}
    kinetic = f"({unit['mass']})*({unit['velocity']})^2"
    kick = f"({unit['force']})*({unit['time']})/({unit['mass']})"
    density = f"({unit['energy']})/({unit['length']})^3"
    assert convert(1.0, kinetic, unit["energy"]) == pytest.approx(lmp.extract_global("mvv2e"), rel=2e-5)
    assert convert(1.0, kick, unit["velocity"]) == pytest.approx(lmp.extract_global("ftm2v"), rel=2e-5)
    assert convert(1.0, density, unit["pressure"]) == pytest.approx(lmp.extract_global("nktv2p"), rel=2e-5)
    if style != "lj":
        thermal = convert(1.0, "kB*K", unit["energy"])
        assert thermal == pytest.approx(lmp.extract_global("boltz"), rel=2e-5)


@pytest.mark.parametrize(
    ("unit", "factor"),
    [
        ("nm", ase.units.nm), ("bohr", ase.units.Bohr), ("hartree", ase.units.Hartree), ("Ry", ase.units.Rydberg),
        ("kJ/mol", ase.units.kJ / ase.units.mol), ("kcal/mol", ase.units.kcal / ase.units.mol), ("J", ase.units.J),
    ],
)  # fmt: skip
def test_lengths_and_energies_agree_with_ase(unit: str, factor: float) -> None:
    own = "angstrom" if unit in ("nm", "bohr") else "eV"
    assert convert(1.0, unit, own) == pytest.approx(factor, rel=1e-6)


@pytest.mark.parametrize(
    ("unit", "factor"),
    [("GPa", ase.units.GPa), ("bar", ase.units.bar), ("Pa", ase.units.Pascal), ("atm", 101325 * ase.units.Pascal)],
)
def test_pressures_agree_with_ase(unit: str, factor: float) -> None:
    assert convert(1.0, unit, "eV/angstrom^3") == pytest.approx(factor, rel=1e-6)


@pytest.mark.parametrize(
    ("old", "new", "factor"),
    [
        ("Å", "A", 1.0), ("Angstroms", "nm", 0.1), ("Å²/ps", "m^2/s", 1e-8), ("A^2/ps", "cm^2/s", 1e-4),
        ("10^-5 cm^2/s", "angstrom^2/ps", 0.1), ("1e-9 m2 s-1", "A**2/ps", 0.1), ("m²·s⁻¹", "cm^2/s", 1e4),
        ("kbar", "GPa", 0.1), ("gpa", "bar", 1e4), ("eV/atom", "ev", 1.0), ("meV", "eV", 1e-3), ("MPa", "bar", 10.0),
        ("picoseconds", "fs", 1e3), ("µm", "nm", 1e3), ("g/cm^3", "kg/m^3", 1e3), ("angstrom^3 per atom", "nm^3", 1e-3),
        ("sigma*sqrt(epsilon/m)", "sigma^2/tau", 1.0), ("ε/σ³", "epsilon*sigma^-3", 1.0), ("eps/sig^3", "reduced", 1.0),
        ("epsilon/kB", "lj", 1.0), ("dimensionless", "sigma^2/tau", 1.0), ("", "reduced units", 1.0),
        ("LJ units", "tau", 1.0), ("/K", "1/K", 1.0), ("W/m/K", "J s^-1 m^-1 K^-1", 1.0), ("THz", "1/ps", 1.0),
        ("sigma^(1/2)", "sigma^0.5", 1.0), ("sqrt(m)*sigma/sqrt(epsilon)", "τ", 1.0),
    ],
)  # fmt: skip
def test_spellings(old: str, new: str, factor: float) -> None:
    assert convert(2.0, old, new) == pytest.approx(2.0 * factor)
    assert convert(2.0 * factor, new, old) == pytest.approx(2.0)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("bar", "eV"),
        ("sigma", "m"),
        ("reduced", "eV"),
        ("", "K"),
        ("epsilon", "sigma"),
        ("angstrom^2", "angstrom"),
        ("tau", "ps"),
    ],
)
def test_different_quantities_are_refused(old: str, new: str) -> None:
    with pytest.raises(UsageError, match="different quantities"):
        convert(1.0, old, new)


@pytest.mark.parametrize(
    "text",
    [
        "foo", "mpa", "m^9999999999", "(m", "m^", "((((", "1e400 m", "0 m", "m/0", "m^(1/0)", "m)", "*m", "m//s", "-m",
        "m" * 90, "m^(1e999)", "()",
    ],
)  # fmt: skip
def test_nonsense_is_refused_quickly(text: str) -> None:
    with pytest.raises(UsageError, match="not understood"):
        parse_unit(text)


def test_an_unknown_style_is_named() -> None:
    with pytest.raises(UsageError, match=r"'planck'.*metal"):
        style_unit("planck", "length")


@pytest.mark.parametrize(
    ("style", "spoken"),
    [("metal", "160.2 GPa"), ("real", "6.948 GPa"), ("lj", "1 epsilon/sigma^3"), ("si", "1e-09 GPa")],
)
def test_pressures_are_spoken_in_gigapascals(style: str, spoken: str) -> None:
    """1 eV per cubic angstrom is 160.2 GPa, 1 kcal/mol 6.948 GPa."""
    assert spoken_pressure(6.0, 2.0, style) == spoken
