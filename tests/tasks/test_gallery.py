"""Pages on families: what was judged and studied is on them, and the picture shows it."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from mdevalbench.tasks import family_names, load_family
from mdevalbench.tasks.gallery import plots, write_gallery
from mdevalbench.tasks.studies import StoredStudy, StudyRun
from mdevalbench.tasks.verification.judgements import Judgement

Make = Callable[..., Judgement]


@pytest.fixture
def judged(judgement: Make) -> list[Judgement]:
    task = "lattice_constant/cu-mishin"
    return [
        judgement(task=task),
        judgement("wrong", False, task=task, name="whole_box", reasons=("the claim 10.8 does not agree",)),
        judgement("wrong", True, task=task, name="grid_minimum"),
        judgement("breaking", False, task=task, name="lattice", value=None, reasons=("another crystal",)),
    ]


def test_a_page_tells_what_was_judged(judged: list[Judgement], tmp_path: Path) -> None:
    write_gallery({"lattice_constant": load_family("lattice_constant")}, judged, tmp_path)
    page = (tmp_path / "lattice_constant.md").read_text()
    assert "RESULT lattice_constant = 3.61493 angstrom" in page
    assert re.search(r"\| whole box \| .* \| the claim 10.8 does not agree \|", page)
    assert re.search(r"\| grid minimum \| .* \| accepted \|", page)
    assert re.search(r"\| fixed box \| .* \| not judged yet \|", page)
    assert "1 right runs were judged and 0 rejected" in page
    assert "Of 3 wrong ones, 1 were accepted" in page
    assert "- `cu-mishin`: Y. Mishin, M. J. Mehl," in page and "doi:10.1103/PhysRevB.63.224106" in page
    for name in re.findall(r"!\[.*\]\((.*)\)", page):
        assert (tmp_path / name).read_text().startswith("<?xml")


def test_every_family_has_a_page_without_any_judgement(tmp_path: Path) -> None:
    families = {name: load_family(name) for name in family_names()}
    (tmp_path / "of_old.md").write_text("a family that is no more")
    write_gallery(families, [], tmp_path)
    assert {path.stem for path in tmp_path.glob("*.md")} == {"README", *families}
    index = (tmp_path / "README.md").read_text()
    assert all(f"({name}.md)" in index for name in families)


def test_the_picture_names_every_script_and_is_the_same_each_time(judged: list[Judgement]) -> None:
    picture = plots.verdicts(judged)
    assert all(text in picture for text in ("whole box", "grid minimum", "changed: lattice", "measured"))
    assert picture == plots.verdicts(judged)
    assert picture != plots.verdicts(judged[:2])


def test_a_study_is_drawn_with_what_could_not_be_measured(tmp_path: Path) -> None:
    runs = [StudyRun(value=n, seed=None, measured=3.6 + 0.1 / n, uncertainty=0.01) for n in (2, 4, 20)]
    study = StoredStudy(
        task="lattice_constant/cu-mishin",
        about="unit cells along an edge",
        vary="cells",
        observable="lattice_constant",
        unit="angstrom",
        usual=4,
        recipe="r",
        lammps="2025.7.22",
        runs=(*runs, StudyRun(value=1, seed=None, reason="the box is too small")),
    )
    picture = plots.study(study, None)
    assert "unit cells along an edge" in picture
    assert "lattice constant / angstrom" in picture
