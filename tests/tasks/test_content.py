"""What is objected to in the content of a family before anything is run."""

from __future__ import annotations

from pathlib import Path

import pytest

from mdevalbench.tasks import load_task
from mdevalbench.tasks.content import content_problems
from mdevalbench.tasks.references import SeedValue, StoredReference, write_references

FOLDER = Path("codegen", "argon_lattice")


def problems(root: Path) -> list[str]:
    return content_problems(load_task("argon_lattice/ar", root))


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    if old not in text:
        raise ValueError(f"{old!r} is not in {path}")
    path.write_text(text.replace(old, new))


def test_nothing_is_wrong_with_the_toy_family(toy_root: Path) -> None:
    assert problems(toy_root) == []


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (
            "floor_reason: right methods agree to 0.0005 angstrom",
            "floor_reason: ''",
            "say why a deviation of 0.002 angstrom",
        ),
        ("compare:", "compare:\n  kind: upper-bound", "needs the value that is not to be exceeded"),
        ("stochastic: false", "stochastic: true", "a stochastic family needs a `seed`"),
        ("benign:", "benign:\n    same: {cells: 4}", "benign 'same' is the same script as the reference"),
        ("benign:", "benign:\n    odd: {cels: 5}", "`cels` cannot be changed"),
        ("atoms: [1, 5000]", "atoms: [5000, 1]", "the least number of atoms is larger than the largest"),
        ("elements:", "files: [Ar.eam]\n  elements:", "must name the file Ar.eam"),
        ("relaxed_lattice_constant", "lattice", "measure[0].estimator: unknown estimator 'lattice'"),
        ("{atoms_per_cell: 4}", "{atoms_per_cel: 4}", "measure[0].options: do not fit the estimator"),
        (
            "factors: {2: 1.02}}",
            "factors: {2: 1.02}}, options: {atoms: 3}",
            "world.options.atoms: is no option of `measure`",
        ),
        ("{pair_coeff: {style: lj/cut, factors: {2: 1.02}}}", "{}", "world: changes nothing"),
        (
            "{style: lj/cut, factors: {2: 1.02}}",
            "{style: yukawa, factors: {2: 1.02}}",
            "must be the beginning of 'lj/cut'",
        ),
        (
            "{style: lj/cut, factors: {2: 1.02}}",
            "{style: lj/cut, factors: {3: 1.02}}",
            "changes no number of the potential",
        ),
        ('"lj/cut {{ cutoff }}"', '"lj/cu {{ cutoff }}"', "LAMMPS knows no pair style 'lj/cu'; did you mean 'lj/cut'"),
        ("{pair_coeff: {style: lj/cut, factors: {2: 1.02}}}", "{length: 1.02}", "world: the potential has no files"),
        ("elements:", "files: [Cu_u3.aem]\n  elements:", "no potential file 'Cu_u3.aem'; did you mean 'Cu_u3.eam'"),
        ("sigma: 3.4}", "sigma: 3.4}, published: {value: 1, unit: A, source: me, checked: true}", "give the source"),
    ],
)
def test_objections_to_the_family(toy_root: Path, old: str, new: str, told: str) -> None:
    edit(toy_root / FOLDER / "family.yml", old, new)
    assert [p for p in problems(toy_root) if told in p]


@pytest.mark.parametrize(
    ("added", "told"),
    [
        ("Use pair_style lj/cut.", "gives a LAMMPS command away: 'pair_style'"),
        ("Use fix 1 all box/relax for it.", "gives a LAMMPS command away"),
        ("Use `minimize 0 1e-10 100 100` for it.", "gives a LAMMPS command away: 'minimize 0 1e-10 100 100'"),
        ("```\nunits metal\n```\n", "gives a LAMMPS command away: 'units metal'"),
        ("It will be about 5.20 angstrom.", "gives the answer away: 5.20"),
        ("It will be about 5.2 angstrom, at 300 K, with a step of 1 fs.", None),
        ("Compute the mean, fix the box at first, run long enough.", None),
    ],
)
def test_objections_to_the_prompt(toy_root: Path, added: str, told: str | None) -> None:
    run = SeedValue(seed=1, value=5.2017, uncertainty=1e-4, natoms=500)
    reference = StoredReference(
        value=5.2017,
        uncertainty=1e-4,
        unit="angstrom",
        natoms=500,
        version=1,
        lammps="x",
        date="x",
        recipe="x",
        seeds=(run,),
    )
    write_references(toy_root / FOLDER, {"ar": reference})
    edit(toy_root / FOLDER / "prompt.md.j2", "Report", added + "\nReport")
    found = problems(toy_root)
    assert found == [] if told is None else told in found[0] and len(found) == 1


def test_the_prompt_must_say_what_to_report(toy_root: Path) -> None:
    edit(toy_root / FOLDER / "prompt.md.j2", "RESULT lattice_constant", "RESULT lattice")
    assert "RESULT lattice_constant = <number> angstrom" in problems(toy_root)[0]


def test_there_must_be_wrong_scripts_and_a_second_solution(toy_root: Path) -> None:
    (toy_root / FOLDER / "wrong" / "guess.lmp.j2").unlink()
    (toy_root / FOLDER / "solutions" / "aniso.lmp.j2").write_text("units metal\n")
    assert [p.partition(": ")[2] for p in problems(toy_root)] == [
        "solution 'aniso': say on its first line (# ...) what is different",
        "has too few scripts of the kind 'wrong', *.lmp.j2: at least 3",
    ]


def test_a_template_that_does_not_render_is_an_objection(toy_root: Path) -> None:
    edit(toy_root / FOLDER / "wrong" / "guess.lmp.j2", "{{ guess }}", "{{ gues }}")
    assert "guess.lmp.j2:3: `gues` is neither" in problems(toy_root)[0]


def test_a_script_that_is_not_used_is_pointed_out(toy_root: Path) -> None:
    (toy_root / FOLDER / "wrong" / "typo.lmp").write_text("# wrong\nrun 0\n")
    assert [p for p in problems(toy_root) if "typo.lmp: is not used: scripts end in .lmp.j2" in p]
