"""RESULT lines as scripts print them."""

from __future__ import annotations

import pytest

from mdevalbench.scorers.claim import NoClaim, find_claim


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("RESULT lattice_constant = 3.615 angstrom", 3.615),
        ("  RESULT lattice_constant=3.615 angstrom  ", 3.615),
        ("result LATTICE_CONSTANT = +3.615E+00 angstrom", 3.615),
        ("RESULT lattice_constant = .3615 nm", 3.615),
        ("RESULT lattice_constant = 3.615 Å", 3.615),
        ("RESULT lattice_constant = 3.615D0 A", 3.615),
        ("RESULT lattice_constant: 3.615 angstrom", 3.615),
        ("RESULT lattice_constant = 9 angstrom\nRESULT lattice_constant = 3.615 angstrom\nTotal wall time", 3.615),
        ("RESULT lattice_constant = 3.615 angstrom\r\nRESULT energy = 1 eV", 3.615),
        ("RESULT lattice_constant = 36.15 tenths", 3.615),
    ],
)
def test_a_claim_is_read(line: str, value: float) -> None:
    claim = find_claim(f"LAMMPS\n{line}\n", "lattice_constant", "angstrom", {"tenths": 0.1})
    assert claim.value == pytest.approx(value)
    assert (claim.unit, claim.derived) == ("angstrom", None)


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("", "is missing"),
        ("lattice_constant = 3.615 angstrom", "is missing"),
        ('print "RESULT lattice_constant = 3.615 angstrom"', "is missing"),
        ("RESULT cohesive_energy = -3.5 eV", "it reports cohesive_energy"),
        ("RESULT lattice_constant = nan angstrom", "not a finite number"),
        ("RESULT lattice_constant = -inf angstrom", "not a finite number"),
        ("RESULT lattice_constant = 3.615", "has no unit"),
        ("RESULT lattice_constant = 3.615 eV", "different quantities"),
        ("RESULT lattice_constant = 3.615 furlong", "not understood"),
        ("RESULT lattice_constant = ${a} angstrom", "is missing"),
    ],
)
def test_why_there_is_no_claim(line: str, why: str) -> None:
    with pytest.raises(NoClaim, match=why):
        find_claim(f"LAMMPS\n{line}\n", "lattice_constant", "angstrom", {})
