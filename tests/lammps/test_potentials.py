"""The potential files that come with LAMMPS."""

from __future__ import annotations

from pathlib import Path

import pytest

from mdevalbench.errors import UsageError
from mdevalbench.lammps import install, potentials
from mdevalbench.lammps.eam import Atom, Grid, read_funcfl, read_setfl, read_setfl_header
from mdevalbench.lammps.potentials import describe, find, guess_style, nearest, shipped
from mdevalbench.lammps.styles import installed


def test_the_list_is_that_of_the_folder() -> None:
    assert len(shipped()) > 200
    assert all(file.path.is_file() for file in shipped().values())
    assert not [name for name in shipped() if name.startswith(".") or "README" in name]


def test_a_file_says_what_it_is() -> None:
    file = shipped()["Cu_mishin1.eam.alloy"]
    assert (file.style, file.elements, file.units, file.date) == ("eam/alloy", ("Cu",), "metal", "2007-10-12")
    assert file.citation == "Mishin, Phys Rev B, 63, 224106 (2001)"
    assert file.comment.startswith("DATE: 2007-10-12")
    assert shipped()["ffield.reax.cho"].date == "2011-02-18", "of several dates the first is the newest"


@pytest.mark.parametrize(
    ("name", "style", "elements"),
    [
        ("Ni_u3.eam", "eam", "Ni"),
        ("CuZr_mm.eam.fs", "eam/fs", "Cu Zr"),
        ("NiAlH_jea.eam.alloy", "eam/alloy", "Ni Al H"),
        ("AlCu.adp", "adp", "Al Cu"),
        ("Si.sw", "sw", "Si"),
        ("GaN.sw", "sw", "Ga N"),
        ("tmd.sw.mod", "sw/mod", "Mo S Se Te W"),
        ("SiCGe.tersoff", "tersoff", "Si C Ge"),
        ("SiC.tersoff.zbl", "tersoff/zbl", "Si C"),
        ("Si.tersoff.modc", "tersoff/mod/c", "Si"),
        ("CH.airebo-m", "airebo/morse", "C H"),
        ("ffield.reax.cho", "reaxff", ""),
        ("ffield.comb3", "comb3", ""),
        ("library.meam", "meam", ""),
        ("Ti.meam.sw.spline", "meam/sw/spline", "Ti"),
        ("Ta06A.snapcoeff", "snap", ""),
        ("AlCuH.bop.table", "bop", "Al Cu H"),
        ("W_He_JW2013.table", "table", "W"),
    ],
)
def test_style_and_elements(name: str, style: str, elements: str) -> None:
    assert (shipped()[name].style, " ".join(shipped()[name].elements)) == (style, elements)


def test_guessed_styles_are_styles() -> None:
    guessed = {file.style for file in shipped().values()} - {""}
    assert guessed - installed().styles["pair"] == {"rann"}, "only that package is not in the wheel"
    assert sum(file.style == "" for file in shipped().values()) < 45


@pytest.mark.parametrize("name", ["notes.txt", "eam", "data.eam.old", ""])
def test_other_names_have_no_style(name: str) -> None:
    assert guess_style(name) == ""


def test_lammps_looks_for_the_last_part_of_a_path() -> None:
    assert find("Si.sw") is find("/opt/lammps/potentials/Si.sw") is shipped()["Si.sw"]
    assert find("Si") is None


@pytest.mark.parametrize(
    ("name", "style", "elements", "expected"),
    [
        ("Cu_mishin.eam.alloy", "eam/alloy", ["Cu"], ("Cu_mishin1.eam.alloy", "Cu_zhou.eam.alloy")),
        ("Al99.eam.alloy", "eam/alloy", ["Al"], ("Al_zhou.eam.alloy",)),
        ("xyz", "eam/alloy", ["Cu", "Ta"], ("CuTa.eam.alloy",)),
        ("Fe.eam", "eam", ["Fe"], ("Fe_mm.eam.fs",)),
        ("SI.SW", "", [], ("Si.sw",)),
        ("nothing like it", "", [], ()),
    ],
)
def test_nearest(name: str, style: str, elements: list[str], expected: tuple[str, ...]) -> None:
    assert nearest(name, style, elements)[: len(expected) or 9] == expected


def test_setfl() -> None:
    file = shipped()["CuTa.eam.alloy"].path
    header = read_setfl_header(file)
    assert header.elements == ("Cu", "Ta")
    assert header.comments[0].startswith("DATE: 2015-12-09")
    whole = read_setfl(file.read_bytes(), file.name, "eam/alloy")
    assert whole.grid == header.grid
    assert [len(table) for table in (*whole.embedding, *whole.pair)] == [header.grid.nrho] * 2 + [header.grid.nr] * 3
    assert (whole.atoms[1].atomic_number, whole.atoms[1].lattice) == (73, "fcc")
    assert read_setfl(whole.format().encode(), "again", "eam/alloy").format() == whole.format()


def test_finnis_sinclair_has_a_density_per_pair() -> None:
    file = shipped()["CuZr_mm.eam.fs"].path
    whole = read_setfl(file.read_bytes(), file.name, "eam/fs")
    assert [len(densities) for densities in whole.density] == [2, 2]
    with pytest.raises(UsageError, match="is it really an EAM file of this format"):
        read_setfl(file.read_bytes(), file.name, "eam/alloy")


def test_funcfl() -> None:
    file = shipped()["Cu_u3.eam"].path
    whole = read_funcfl(file.read_bytes(), file.name)
    assert whole.atom == Atom(29, 63.55, 3.615, "FCC")
    assert whole.grid == Grid(500, 5.0100200400801306e-04, 500, 1.0000000000000009e-02, 4.9499999999999886)
    assert (whole.embedding[1], whole.density[-1]) == (-3.1561636903424350e-01, 0.0)


def test_a_file_that_is_not_what_its_name_says(tmp_path: Path) -> None:
    for name in ("Cu.eam.alloy", "Xy.eam", "Si.sw", "library.meam"):
        (tmp_path / name).write_bytes(b"\xff\xfe no potential\n")
    assert describe(tmp_path / "Cu.eam.alloy").elements == ("Cu",)
    assert describe(tmp_path / "Xy.eam").elements == ()
    assert describe(tmp_path / "Si.sw").elements == ("Si",)
    assert describe(tmp_path / "library.meam").units == ""


def test_the_folder_is_that_of_the_installed_lammps() -> None:
    assert potentials.shipped()["Si.sw"].path.parent == install.potentials_folder()
