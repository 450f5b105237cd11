"""Families from YAML and templates; what a physicist is told about a mistake in them."""

from __future__ import annotations

from pathlib import Path

import pytest

from mdevalbench.errors import TaskError
from mdevalbench.tasks import load_family, load_task, reference_value, render_reference, task_ids


def family_file(root: Path) -> Path:
    return root / "codegen" / "argon_lattice" / "family.yml"


def change(root: Path, old: str, new: str) -> None:
    file = family_file(root)
    text = file.read_text()
    if old not in text:
        raise ValueError(f"{old!r} is not in the family")
    file.write_text(text.replace(old, new))


def line_of(root: Path, words: str) -> int:
    lines = family_file(root).read_text().splitlines()
    return next(number for number, line in enumerate(lines, 1) if words in line)


def complaint(root: Path) -> str:
    with pytest.raises(TaskError) as caught:
        load_family("argon_lattice", root)
    return str(caught.value)


def test_a_family_is_rendered_for_each_of_its_tasks(toy_root: Path) -> None:
    argon, krypton = load_family("argon_lattice")
    assert (argon.id, argon.kind, argon.pair_style, argon.materials) == (
        "argon_lattice/ar",
        "codegen",
        "lj/cut",
        ("Ar",),
    )
    assert argon.spec.potential.elements == {"Ar": 39.948}
    assert krypton.spec.potential.pair_coeff == ("* * 0.014 3.65",)
    assert krypton.spec.validity.composition == {"Kr": 1.0}
    assert [task.instance.id for task in (argon, krypton)] == ["ar", "kr"]
    assert "sigma = 3.65 angstrom" in krypton.prompt


def test_values_of_the_recipe_may_follow_from_each_other_and_from_parameters(toy_root: Path) -> None:
    change(toy_root, "recipe:\n", 'recipe:\n  length: "{{ cells * guess }}"\n')
    argon = load_task("argon_lattice/ar")
    assert argon.names["cutoff"] == pytest.approx(10.2)
    assert argon.names["length"] == pytest.approx(4 * 1.6 * 3.4)
    assert argon.spec.recipe["length"] == argon.names["length"]


def test_exponents_without_a_point_are_numbers(toy_root: Path) -> None:
    assert load_task("argon_lattice/ar").names["tolerance"] == 1e-10
    assert "minimize 0 1e-10 500" in render_reference(load_task("argon_lattice/ar"))


def test_task_digest_follows_what_decides_the_verdict_only(toy_root: Path) -> None:
    before = load_task("argon_lattice/ar").digest
    change(toy_root, "title: Lattice constant of Lennard-Jones argon", "title: Another title")
    change(toy_root, "cells: 4", "cells: 6")
    assert load_task("argon_lattice/ar").digest == before
    change(toy_root, "floor: 0.002", "floor: 0.003")
    changed = load_task("argon_lattice/ar").digest
    assert changed != before
    prompt = toy_root / "codegen" / "argon_lattice" / "prompt.md.j2"
    prompt.write_text(prompt.read_text() + "Please.\n")
    assert load_task("argon_lattice/ar").digest not in (before, changed)
    assert load_task("argon_lattice/kr").digest != load_task("argon_lattice/ar").digest


def test_unknown_names_come_with_the_nearest_ones(toy_root: Path) -> None:
    with pytest.raises(TaskError, match="did you mean 'argon_lattice/ar'"):
        load_task("argon-lattice/ar")
    with pytest.raises(TaskError, match="did you mean 'argon_lattice'"):
        load_family("argon")
    with pytest.raises(TaskError, match="is a family, not a task; its tasks: argon_lattice/ar, argon_lattice/kr"):
        load_task("argon_lattice")
    assert list(task_ids()) == ["argon_lattice/ar", "argon_lattice/kr"]


def test_a_task_without_reference_says_how_to_make_one(toy_root: Path) -> None:
    task = load_task("argon_lattice/ar")
    assert task.reference is None
    with pytest.raises(TaskError, match="mdevalbench tasks reference --task argon_lattice/ar"):
        reference_value(task)


@pytest.mark.parametrize(
    ("old", "new", "where", "told"),
    [
        ("floor: 0.002", "floors: 0.002", "floors", "compare.floors: unknown key; did you mean 'floor'?"),
        ("  max_uncertainty: 0.0005\n", "", "compare:", "compare.max_uncertainty: is missing; expected a number"),
        ("floor: 0.002", "floor: small", "floor: small", "compare.floor: expected a number, got 'small'"),
        ("floor: 0.002", "floor: -1", "floor: -1", "compare.floor: must be greater than or equal to 0, got -1"),
        ("level: L1", "level: easy", "level:", "level: expected one of L1, L2, L3, got 'easy'"),
        (
            "units: [metal]",
            "units: metals",
            "units: metals",
            "validity.units: expected a list (text each), got 'metals'",
        ),
        ("select: {kind: minimisation}", "select: {kind: minimization}", "select:", "did you mean 'minimisation'?"),
        ("atoms: [1, 5000]", "atoms: [1]", "atoms: [1]", "validity.atoms[1]: is missing; expected a whole number"),
        ("stochastic: false", "stochastic: perhaps", "stochastic", "stochastic: expected true or false, got 'perhaps'"),
        ("family: argon_lattice", "family: Argon", "family:", "is 'Argon', but the folder is called 'argon_lattice'"),
        ("id: kr, materials: [Kr]", "id: kr", "id: kr", "tasks[1].materials: is missing; expected a list (text each)"),
        ("id: kr", "id: ar", "id: ar, materials: [Kr]", "tasks[1].id: 'ar' stands twice"),
        ("id: kr", "id: Kr 1", "id: Kr 1", "tasks[1].id: expected lower-case letters, digits, dots and hyphens"),
        ("  guess:", "  cells: 3\n  guess:", "  cells: 3", "this is no valid YAML: the key `cells` stands twice"),
        ("unit: angstrom", "unit: [angstrom", "stochastic", "this is no valid YAML"),
        ('  cutoff: "{{ 3', '  cutoff: "{{ 3 / 0', "cutoff:", "division by zero"),
        ("3 * sigma", "3 * sigmas", "cutoff:", "recipe.cutoff: '{{ 3 * sigmas }}': `sigmas` is neither in the recipe"),
        ("3 * sigma", "3 * sigmas", "cutoff:", "did you mean 'sigma'?"),
        ("3 * sigma", "guess * 2", "cutoff:", None),
        (
            'cutoff: "{{ 3 * sigma }}"',
            'cutoff: "{{ 3 * guess }}"\n  x: "{{ y }}"\n  y: "{{ x }}"',
            "x:",
            "goes round in a circle",
        ),
        ("3 * sigma", "3 * ", "cutoff:", "recipe.cutoff:"),
        ("lj/cut {{ cutoff }}", "lj/cut {{ cutof }}", "lj/cut", "potential.pair_style: 'lj/cut {{ cutof }}': `cutof`"),
    ],
)
def test_a_mistake_is_told_with_file_line_and_key(
    toy_root: Path, old: str, new: str, where: str, told: str | None
) -> None:
    change(toy_root, old, new)
    if told is None:  # no mistake after all: one value of the recipe from another one
        assert load_task("argon_lattice/ar").names["cutoff"] == pytest.approx(2 * 1.6 * 3.4)
        return
    message = complaint(toy_root)
    assert told in message
    assert f"{family_file(toy_root)}:{line_of(toy_root, where)}:" in message


def test_every_mistake_is_told_at_once(toy_root: Path) -> None:
    change(toy_root, "floor: 0.002", "floors: 0.002")
    change(toy_root, "level: L1", "level: easy")
    assert len(complaint(toy_root).splitlines()) == 2


def test_a_missing_name_in_a_template_is_told_with_its_line(toy_root: Path) -> None:
    file = toy_root / "codegen" / "argon_lattice" / "reference.lmp.j2"
    file.write_text(file.read_text().replace("{{ mass }}", "{{ mess }}"))
    with pytest.raises(TaskError) as caught:
        render_reference(load_task("argon_lattice/ar"))
    assert str(caught.value).startswith(f"{file}:7: `mess` is neither in the recipe nor a parameter of the task")
    assert "did you mean 'mass'" in str(caught.value)


def test_a_broken_template_is_told_with_its_line(toy_root: Path) -> None:
    file = toy_root / "codegen" / "argon_lattice" / "prompt.md.j2"
    file.write_text("one\ntwo {% if sigma %}\n")
    assert complaint(toy_root).startswith(f"{file}:2:")
    file.unlink()
    assert complaint(toy_root) == f"{file}: this file is missing"
