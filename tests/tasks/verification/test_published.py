"""References beside values from the literature."""

from __future__ import annotations

from pathlib import Path

import pytest

from mdevalbench.tasks import load_suite
from mdevalbench.tasks.references import SeedValue, StoredReference, write_references
from mdevalbench.tasks.verification.published import Comparison, compare_published

FOLDER = Path("codegen", "argon_lattice")
SOURCE = "A. Author, J. Phys. 1, 2 (1999), table 3"


def compare(root: Path, published: str, *, dof: float | None = None) -> tuple[list[Comparison], list[str]]:
    """The reference of argon is 5.2 +- 0.001 angstrom."""
    path = root / FOLDER / "family.yml"
    entry = f"published: {{{published}, source: '{SOURCE}', checked: true}}"
    path.write_text(path.read_text().replace("sigma: 3.4}", f"sigma: 3.4}}, {entry}"))
    run = SeedValue(seed=1, value=5.2, uncertainty=0.001, natoms=256)
    stored = StoredReference(
        value=5.2, uncertainty=0.001, dof=dof, unit="angstrom", natoms=256, version=1, lammps="x", date="x",
        recipe="x", seeds=(run,),
    )  # fmt: skip
    write_references(root / FOLDER, {"ar": stored, "kr": stored})
    return compare_published(load_suite("codegen"))


def test_deviation_and_source_stand_side_by_side(toy_root: Path) -> None:
    (found,), problems = compare(toy_root, "value: 5.21, unit: angstrom, known_error: 0.02")
    assert (found.task, found.unit, found.reference, found.value) == ("argon_lattice/ar", "angstrom", 5.2, 5.21)
    assert found.deviation == pytest.approx(-0.01)
    assert found.agrees
    assert found.published.source == SOURCE
    assert problems == []


@pytest.mark.parametrize(
    ("value", "dof", "agrees"), [(5.2025, None, True), (5.2027, None, False), (5.2027, 5.0, True), (5.205, 5.0, False)]
)
def test_the_references_own_uncertainty_is_granted(
    toy_root: Path, value: float, dof: float | None, agrees: bool
) -> None:
    """99 % of a normal distribution lie within 2.58 standard uncertainties, of Student's t with 5 within 4.03."""
    (found,), problems = compare(toy_root, f"value: {value}, unit: angstrom", dof=dof)
    assert found.agrees is agrees
    assert bool(problems) is not agrees


def test_a_deviation_needs_an_explanation(toy_root: Path) -> None:
    (found,), problems = compare(toy_root, "value: 5.3, unit: angstrom, known_error: 0.05")
    assert not found.agrees
    assert "argon_lattice/ar: the reference is off the published value by -0.1 angstrom" in problems[0]
    assert "`published.explanation`" in problems[0]


def test_an_explained_deviation_is_no_problem(toy_root: Path) -> None:
    (found,), problems = compare(toy_root, "value: 5.3, unit: angstrom, explanation: measured at 10 K")
    assert not found.agrees
    assert problems == []


def test_units_are_converted_where_the_family_says_how(toy_root: Path) -> None:
    path = toy_root / FOLDER / "family.yml"
    path.write_text(path.read_text().replace("stochastic:", "accepted_units: {nm: 10.0}\nstochastic:"))
    (found,), problems = compare(toy_root, "value: 0.52, unit: nm, known_error: 0.001")
    assert (found.value, found.known_error) == (pytest.approx(5.2), pytest.approx(0.01))
    assert problems == []


def test_another_unit_is_told(toy_root: Path) -> None:
    found, problems = compare(toy_root, "value: 520, unit: pm")
    assert found == []
    assert "in 'pm', which is neither 'angstrom' nor one of `accepted_units`" in problems[0]
