"""The command that made the interactions others than the prescribed ones is named."""

from __future__ import annotations

import pytest

from mdevalbench.lammps.evidence import Command
from mdevalbench.scorers.potential import other_potential
from mdevalbench.tasks.schema import Potential

EAM = Potential(
    units="metal", pair_style="eam/alloy", pair_coeff=("* * Al_zhou.eam.alloy Al",), elements={"Al": 26.98},
    files=("Al_zhou.eam.alloy",),
)  # fmt: skip
ARGON = Potential(units="metal", pair_style="lj/cut 8.5", pair_coeff=("* * 0.01032 3.405",), elements={"Ar": 39.948})
WATER = Potential(
    units="real", pair_style="lj/cut/coul/long 9.0", pair_coeff=("1 1 0.1553 3.166", "1 2 0.0 1.0", "2 2 0.0 1.0"),
    elements={"O": 15.9994, "H": 1.008},
)  # fmt: skip


def trace(*lines: str) -> list[Command]:
    """Commands from line 3 on, the first of a script being without interest."""
    return [Command(tuple(line.split()), number) for number, line in enumerate(lines, 3)]


CASES = {
    "another file": (
        EAM,
        ("pair_style eam/alloy", "pair_coeff * * files/Al99.eam.alloy Al"),
        "line 4 reads Al99.eam.alloy, the task prescribes Al_zhou.eam.alloy",
    ),
    "the last potential counts": (
        EAM,
        ("pair_style lj/cut 3", "pair_coeff * * 1 1", "pair_style eam/alloy", "pair_coeff * * Al_zhou.eam.alloy Al"),
        None,
    ),
    "another style": (
        ARGON,
        ("pair_style morse 8.5", "pair_coeff * * 0.01 1.5 3.8"),
        "line 3 has `pair_style morse 8.5`, the task prescribes `pair_style lj/cut`",
    ),
    "a variant of the style": (ARGON, ("pair_style lj/cut/omp 8.5", "pair_coeff 1 1 0.01032 3.405"), None),
    "within a hybrid": (ARGON, ("pair_style hybrid lj/cut 8.5", "pair_coeff 1 1 lj/cut 0.01032 3.405"), None),
    "another cutoff": (
        ARGON,
        ("pair_style lj/cut 6.0", "pair_coeff 1 1 0.01032 3.405"),
        "line 3 has `pair_style lj/cut 6`, the task prescribes `pair_style lj/cut 8.5`",
    ),
    "another number": (
        ARGON,
        ("pair_style lj/cut 8.5", "pair_coeff 1 1 0.0108 3.4049999999999998"),
        "line 4 has `pair_coeff 1 1 0.0108 3.405`, the task prescribes `0.01032 3.405` there",
    ),
    "a cutoff of its own": (ARGON, ("pair_style lj/cut 8.5", "pair_coeff 1 1 0.01032 3.405 8.5"), None),
    "types in another order": (
        WATER,
        ("pair_style lj/cut/coul/long 9", "pair_coeff 1 1 0 0", "pair_coeff 2 2 0.1553 3.166"),
        None,
    ),
    "no potential": (ARGON, ("units metal",), None),
}


@pytest.mark.parametrize("name", CASES)
def test_what_differs_is_named(name: str) -> None:
    prescribed, lines, expected = CASES[name]
    assert other_potential(trace(*lines), prescribed, prescribed.units) == expected


def test_numbers_of_other_units_are_not_compared() -> None:
    lines = ("pair_style lj/cut 8.5", "pair_coeff 1 1 0.238 3.405")
    assert other_potential(trace(*lines), ARGON, "real") is None


def test_a_command_of_an_included_file_has_no_line() -> None:
    commands = [Command(("pair_style", "zero", "8.5"), None)]
    assert other_potential(commands, ARGON, "metal") == (
        "a file of commands has `pair_style zero 8.5`, the task prescribes `pair_style lj/cut`"
    )
