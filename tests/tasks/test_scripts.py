"""Scripts of a task: reference, its variations, renamed variables."""

from __future__ import annotations

from pathlib import Path

import pytest

from mdevalbench.errors import TaskError
from mdevalbench.tasks import load_task, mutations, render_reference, reseeds, solutions, wrong
from mdevalbench.tasks.scripts import breaking, named, recipe_digest, reference, rename_variables


def test_values_derived_from_an_overridden_one_follow_it(toy_root: Path) -> None:
    task = load_task("argon_lattice/ar")
    assert "pair_style lj/cut 10.2\npair_coeff 1 1 0.0104 3.4\n" in render_reference(task)
    changed = render_reference(task, overrides={"sigma": 4.0})
    assert "lattice fcc 6.4\n" in changed
    assert "pair_style lj/cut 12\npair_coeff 1 1 0.0104 4\n" in changed


def test_an_override_may_refer_to_the_value_it_replaces(toy_root: Path) -> None:
    task = load_task("argon_lattice/ar")
    found = {variant.name: variant for variant in mutations(task)}
    assert "pair_coeff 1 1 0.0104 3.57\n" in found["wrong_sigma"].script
    assert "region box block 0 5 0 5 0 5\n" in found["bigger"].script
    assert {name: variant.right for name, variant in found.items()} == {
        "wrong_sigma": False,
        "bigger": True,
        "renamed_variables": True,
    }
    assert task.spec.potential.pair_coeff == ("* * 0.0104 3.4",)


def test_a_name_that_is_nowhere_cannot_be_overridden(toy_root: Path) -> None:
    with pytest.raises(TaskError, match=r"`cell` cannot be changed.*did you mean 'cells'"):
        render_reference(load_task("argon_lattice/ar"), overrides={"cell": 3})


def test_scripts_of_the_folders_come_by_name_with_what_they_are_about(toy_root: Path) -> None:
    task = load_task("argon_lattice/ar")
    assert [(v.name, v.about) for v in wrong(task)] == [
        ("another_potential", "another_potential of a perfect crystal"),
        ("guess", "guess of a perfect crystal"),
        ("whole_box", "whole_box of a perfect crystal"),
    ]
    assert [v.name for v in solutions(task)] == ["aniso"]


def test_new_seeds_only_for_stochastic_families(toy_root: Path) -> None:
    assert reseeds(load_task("argon_lattice/ar"), 8) == ()
    folder = toy_root / "codegen" / "argon_lattice"
    family, script = folder / "family.yml", folder / "reference.lmp.j2"
    family.write_text(
        family.read_text().replace("stochastic: false", "stochastic: true").replace("recipe:", "recipe:\n  seed: 7")
    )
    script.write_text(
        script.read_text().replace("fix 1 all", "displace_atoms all random .1 .1 .1 {{ seed }}\nfix 1 all", 1)
    )
    scripts = [variant.script for variant in reseeds(load_task("argon_lattice/ar"), 8)]
    assert len(set(scripts)) == 8
    assert render_reference(load_task("argon_lattice/ar")) not in scripts
    assert scripts == [variant.script for variant in reseeds(load_task("argon_lattice/ar"), 8)]


def test_recipe_digest_follows_script_and_measurement(toy_root: Path) -> None:
    file = toy_root / "codegen" / "argon_lattice" / "family.yml"
    text, before = file.read_text(), recipe_digest(load_task("argon_lattice/ar"))
    for old, new, same in (
        ("floor: 0.002", "floor: 0.01", True),
        ("cells: 4", "cells: 5", False),
        ("atoms_per_cell: 4", "atoms_per_cell: 2", False),
    ):
        file.write_text(text.replace(old, new))
        assert (recipe_digest(load_task("argon_lattice/ar")) == before) is same


def test_renaming_covers_every_use_of_a_variable() -> None:
    script = """\
variable a equal lx/4
variable ab atom "x > v_a"
variable i loop 3
group g variable ab
create_atoms 1 box var ab set x a set y b
if "${a} > 2" then "variable best equal $a" else "print 'a $(v_ab/v_a:%.3f)'"
thermo_style custom step v_a v_unknown c_a f_a
print "a $a ${a} ${ab} ${best} $b ${unknown}"
next i
"""
    assert (
        rename_variables(script)
        == """\
variable q0a equal lx/4
variable q1ab atom "x > v_q0a"
variable q3i loop 3
group g variable q1ab
create_atoms 1 box var q1ab set x q0a set y b
if "${q0a} > 2" then "variable q2best equal ${q0a}" else "print 'a $(v_q1ab/v_q0a:%.3f)'"
thermo_style custom step v_q0a v_unknown c_a f_a
print "a ${q0a} ${q0a} ${q1ab} ${q2best} $b ${unknown}"
next q3i
"""
    )


def test_renaming_leaves_a_script_without_variables_alone() -> None:
    script = "units lj\nrun 0\nprint '$(pe)'\n"
    assert rename_variables(script) == script


def test_scripts_are_found_by_name(toy_root: Path) -> None:
    task = load_task("argon_lattice/ar")
    assert named(task, "aniso").kind == "solution" and named(task, "wrong/guess").kind == "wrong"
    assert named(task, "wrong_sigma") == breaking(task)[0]
    assert named(task, "reference/reference") == reference(task)
    with pytest.raises(TaskError, match="no script 'anisso'; did you mean 'aniso'"):
        named(task, "anisso")
