"""Which scripts are judged: the quick and the full set, and their seeds."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from mdevalbench.tasks import load_family, load_task
from mdevalbench.tasks.scripts import seed_of
from mdevalbench.tasks.verification.cases import FULL_RESEEDS, FURTHER_SEEDS, full_set, quick_set

FOLDER = Path("codegen", "argon_lattice")


def stochastic(root: Path) -> None:
    """Atoms are displaced at random before the box is relaxed, in the reference and in one wrong script."""
    family, displaced = root / FOLDER / "family.yml", "displace_atoms all random 0.01 0.01 0.01 {{ seed }}\nfix 1"
    family.write_text(family.read_text().replace("recipe:", "recipe:\n  seed: 7").replace("tic: false", "tic: true"))
    for name in ("reference.lmp.j2", "wrong/whole_box.lmp.j2"):
        path = root / FOLDER / name
        path.write_text(path.read_text().replace("fix 1", displaced, 1))


def test_a_deterministic_task_has_no_seeds(toy_root: Path) -> None:
    task = load_task("argon_lattice/ar")
    assert full_set(task) == quick_set(task)
    assert Counter(variant.kind for variant in full_set(task)) == {
        "reference": 1,
        "solution": 1,
        "wrong": 3,
        "breaking": 1,
        "benign": 2,
    }


def test_scripts_that_use_the_seed_are_judged_with_more_of_them(toy_root: Path) -> None:
    stochastic(toy_root)
    task = load_task("argon_lattice/ar")
    found = full_set(task)
    assert Counter(variant.kind for variant in quick_set(task))["reseed"] == 8
    kinds = Counter(variant.kind for variant in found)
    assert kinds == {
        "reference": 1,
        "solution": 1,  # without random numbers
        "wrong": 3 + FURTHER_SEEDS,  # one with
        "breaking": 1 + FURTHER_SEEDS,
        "benign": 2,
        "reseed": FULL_RESEEDS,
    }
    assert len({variant.script for variant in found}) == len(found)
    assert all(f" {variant.seed}\n" in variant.script for variant in found if variant.seed is not None)


def test_seeds_are_fixed_by_the_task_as_it_is_and_are_no_others(toy_root: Path) -> None:
    stochastic(toy_root)

    def seeds() -> list[int]:
        return [variant.seed for variant in full_set(load_task("argon_lattice/ar")) if variant.seed is not None]

    before = seeds()
    assert seeds() == before
    task = load_task("argon_lattice/ar")
    others = {seed_of(task, purpose, n) for purpose in ("fresh", "reference") for n in range(100)}
    assert not others & set(before)
    assert not set(before) & {variant.seed for variant in full_set(load_task("argon_lattice/kr"))}
    prompt = toy_root / FOLDER / "prompt.md.j2"
    prompt.write_text(prompt.read_text().replace("Find", "Determine"))
    assert not set(before) & set(seeds())


def test_every_right_and_wrong_script_of_a_real_family_is_in_the_full_set() -> None:
    task = load_family("lj_pressure")[0]
    quick = {(v.kind, v.name) for v in quick_set(task) if v.kind != "reseed"}
    full = full_set(task)
    assert quick == {(v.kind, v.name) for v in full if v.kind != "reseed"}
    counts = Counter((v.kind, v.name) for v in full)
    assert {counts[key] for key in quick if key[0] in ("wrong", "breaking", "solution")} == {1 + FURTHER_SEEDS}
    assert sum(v.kind == "reseed" for v in full) == FULL_RESEEDS >= 10
