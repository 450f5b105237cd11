"""Which name was meant: only what is most probably right is suggested."""

from __future__ import annotations

import pytest

from mdevalbench.lammps.check import check
from mdevalbench.lammps.likeness import distance, meant, meant_file, nearest_name
from mdevalbench.lammps.styles import installed


@pytest.mark.parametrize(
    ("category", "name", "expected"),
    [
        ("command", "Neighbour_Modify", "neigh_modify"),
        ("command", "remove_fix", "unfix"),
        ("command", "units:", "units"),
        ("command", "Hereby", None),
        ("pair", "LJ_Cut", "lj/cut"),
        ("pair", "lj/cut/coulomb/ewald", "lj/cut/coul/long"),
        ("pair", "alloy/eam", "eam/alloy"),
        ("pair", "lj/cut/gpu", "lj/cut"),
        ("pair", "lj/coul/long", None),
        ("pair", "morse2", None),
        ("fix", "npt/nose-hoover", "npt"),
        ("fix", "ntp", "npt"),
        ("fix", "nvp", None),
        ("fix", "nvt/langevin", None),
        ("fix", "time/average", "ave/time"),
        ("compute", "sum", "reduce sum"),
        ("kspace", "P3M", "pppm"),
        ("region", "cuboid", "block"),
        ("minimize", "steepest-descent", "sd"),
    ],
)
def test_names_that_are_meant(category: str, name: str, expected: str | None) -> None:
    assert meant(category, name, installed().names(category)) == expected


@pytest.mark.parametrize(
    ("name", "style", "expected"),
    [
        ("NI_U3.EAM", "eam", "Ni_u3.eam"),
        ("Al_Zhou2004.eam.alloy", "eam/alloy", "Al_zhou.eam.alloy"),
        ("Al_zhou.eam", "eam/alloy", "Al_zhou.eam.alloy"),
        ("Si.tersof", "tersoff", "Si.tersoff"),
        ("Ni_zhou.eam.alloy", "eam/alloy", None),
        ("Al_ercolessi.eam.alloy", "eam/alloy", None),
        ("CoNi.eam.alloy", "eam/alloy", None),
        ("Cu", "eam/alloy", None),
    ],
)
def test_files_that_are_meant(name: str, style: str, expected: str | None) -> None:
    assert meant_file(name, style) == expected


def test_names_that_a_writer_chose() -> None:
    assert nearest_name("Energy", ["energy", "edge"]) == "energy"
    assert nearest_name("energgy", ["energy", "edge"]) == "energy"
    assert nearest_name("e1", ["e0", "e2"]) is None
    assert distance("verlet", "verelt") == 1


@pytest.mark.parametrize(
    ("line", "mended"),
    [
        ("run(1000)", "run 1000"),
        ("timestep=0.001", "timestep 0.001"),
        ("//note", "# note"),
        ("% note", "# note"),
        ("import numpy as np", "# import numpy as np"),
        ("pair_style lj/cutoff 2.5", "pair_style lj/cut 2.5"),
        ("set_type 1 charge 1.0", "set type 1 charge 1.0"),
    ],
)
def test_suggestions_of_the_static_check(line: str, mended: str) -> None:
    (found,) = check(f"{line}\n")
    assert found.suggestion is not None
    assert found.suggestion.apply(line) == mended


def test_a_line_elsewhere_may_be_what_has_to_change() -> None:
    script = "pair_style eam\npair_coeff * * Al_zhou.eam.alloy Al\n"
    mended = script
    for found in check(script):
        assert found.suggestion is not None
        mended = found.suggestion.apply(mended)
    assert mended == "units metal\npair_style eam/alloy\npair_coeff * * Al_zhou.eam.alloy Al\n"
