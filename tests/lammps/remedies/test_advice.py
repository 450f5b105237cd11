"""Where an edit would be a guess there is advice without one; what LAMMPS only warns of is mended too."""

from __future__ import annotations

import pytest
from mending import SCRIPTS, Mender, spoilt, words

from mdevalbench.lammps.job import Job
from mdevalbench.lammps.pool import Pool
from mdevalbench.lammps.remedies import Edit, Remedy, remedy
from mdevalbench.lammps.remedies.brackets import balanced
from mdevalbench.types import ScriptError

GUESSES = [
    ("liquid", "lj/cut 2.5\npair_coeff 1 1 1.0 1.0 2.5", "lj/cut\npair_coeff 1 1 1.0 1.0", "cutoff"),
    ("salt", "^set.*\n", "", "charge"),
    ("salt", "^mass 1.*\n", "", "mass"),
    ("liquid", "^pair_style.*\n", "", "pair_style"),
    ("metal", "^pair_coeff.*\n", "", "pair_coeff"),
    ("metal", "^lattice.*\n", "", "lattice"),
    ("alloy", "Cu Al$", "Cu Ni", "Ni"),
    ("metal", "Ag_u3.eam", "Ag_foiles.eam", "Ag_u3"),
    ("metal", "nvt temp 200 200 0.2", "nvt temp ${T} ${T} 0.2", "'T'"),
    ("metal", "v_start/v_number", "(v_start-1/v_number", "bracket"),
    ("metal", r"^print .*cohesive\}", 'variable spare equal 1\nprint "RESULT cohesive = ${nothing}', "nothing"),
    ("metal", r"\(f_mean\[1\]\)", "(f_mean)", "index"),
    ("metal", "iso 0 0 2.0", "", "pressure"),
    ("metal", "^fix warm all", "fix warm mobile", "mobile"),
    ("metal", "^(lattice.*\n.*\ncreate_box.*)", "\\1\nunits real", "units"),
    ("metal", "^run 20\nunfix warm", "run\nunfix warm", "argument"),
    ("liquid", "^fix bath.*\n", "", "bath"),
    ("metal", "^compute whole.*\n", "", "whole"),
    ("metal", "^fix warm all nvt", "fix warm all nvt/langevin", "nvt"),
    ("salt", "^group cations", "group cat", "cations"),
    ("salt", "coul/long 9.0", "coul 9.0", "coul"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "old", "new", "word"), GUESSES)
def test_no_edit_where_it_would_be_a_guess(name: str, old: str, new: str, word: str, pool: Pool, mend: Mender) -> None:
    script = spoilt(name, old, new)
    assert pool.run(Job(script)).error is not None
    mended, remedies, _ = mend(script)
    assert mended == script
    assert len(remedies) == 1
    assert word in remedies[0].advice


def test_a_density_where_a_lattice_constant_belongs(mend: Mender) -> None:
    script = spoilt("metal", r"^lattice fcc \S+", "lattice fcc 0.83")
    mended, remedies, _ = mend(script)
    assert mended == script
    assert "lattice constant in angstrom, and 0.83 is too small" in remedies[0].advice, remedies


def test_an_element_that_the_comments_name(mend: Mender) -> None:
    script = spoilt("liquid", "^units lj", "units metal").replace("mass 1 1.0\n", "")
    script = script.replace("lattice fcc 0.8", "lattice fcc 5.3").replace(
        "pair_style lj/cut 2.5", "pair_style lj/cut 8.5"
    )
    script = script.replace("1.0 1.0 2.5", "0.0104 3.4")
    assert "mass" not in mend(script)[0]
    assert "mass 1 39.948" in mend(f"# liquid argon\n{script}")[0].splitlines()
    assert "mass" not in mend(f"# liquid argon, not krypton\n{script}")[0]


def test_atoms_that_are_moved_twice(mend: Mender) -> None:
    forgotten, remedies, _ = mend(spoilt("metal", "^unfix warm\n", ""))
    assert words(forgotten) == words(SCRIPTS["metal"])
    assert "time integrated more than once" in remedies[0].message
    superfluous, _, _ = mend(spoilt("metal", "^fix warm", "fix move all nve\nfix warm"))
    assert words(superfluous) == words(SCRIPTS["metal"])
    both = spoilt("metal", "^fix warm", "fix move all npt temp 200 200 0.2 iso 0 0 2\nfix warm")
    assert mend(both)[0] == both


def test_atoms_that_nothing_moves(mend: Mender) -> None:
    script, remedies, _ = mend(spoilt("liquid", "^fix move all nve\n", ""))
    assert "fix integrate all nve" in script.splitlines()
    assert "won't move" in remedies[0].message


def test_names_that_are_printed_as_they_are(mend: Mender) -> None:
    for shown in ("{cohesive}", "v_cohesive", "%cohesive%"):
        script, _, run = mend(spoilt("metal", r"\$\{cohesive\}", shown))
        assert "RESULT cohesive = -" in run.output, script


def test_edits_are_made_from_the_last_place_to_the_first() -> None:
    edits = (Edit(1, 1, 1, "zero\n"), Edit(1, 1, 4, "ONE"), Edit(2, 4, 4, "\nthree"))
    assert Remedy(1, "", "", edits).apply("one\ntwo\n") == "zero\nONE\ntwo\nthree\n"


@pytest.mark.parametrize("line", [None, 0, 3, 99])
def test_nothing_is_said_of_no_command(line: int | None) -> None:
    assert remedy("units lj\n\n# end\n", ScriptError(message="Illegal units command", line=line)) is None


@pytest.mark.parametrize(
    ("formula", "closed"),
    [
        ("ln(vol", "ln(vol)"),
        ("(v_a)/(v_b", "(v_a)/(v_b)"),
        ("((lx*ly/9)", "((lx*ly/9))"),
        ("(v_a-v_b)/2)", "(v_a-v_b)/2"),
        ("(v_a-1/v_b", None),
        ("sqrt(v_a/v_b", None),
        ("((v_a", None),
        ("(" * 500, None),
    ],
)
def test_brackets_are_closed_where_only_one_number_can_be_meant(formula: str, closed: str | None) -> None:
    assert balanced(formula) == closed


def test_the_mass_of_an_element_that_a_potential_file_names(mend: Mender) -> None:
    box = "lattice diamond 5.43\nregion cell block 0 2 0 2 0 2\ncreate_box 1 cell\ncreate_atoms 1 box\n"
    script = f"units metal\n{box}pair_style sw\npair_coeff * * Si.sw Si\nrun 0\n"
    mended, _, run = mend(script)
    assert run.error is None
    assert mended == script.replace("run 0", "mass 1 28.085\nrun 0")
