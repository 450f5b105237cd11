"""What the installed LAMMPS says that it knows."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from mdevalbench.errors import HarnessFault
from mdevalbench.lammps import install, styles
from mdevalbench.lammps.styles import installed, nearest, objections


@pytest.fixture
def asked_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A cache folder of its own, and an empty memory."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    installed.cache_clear()
    yield tmp_path / "cache" / "mdevalbench"
    installed.cache_clear()


def test_styles_are_those_of_the_help_text() -> None:
    command = [str(install.executable()), "-h"]
    told = subprocess.run(
        command, env=install.executable_environment(), capture_output=True, text=True, check=False
    ).stdout
    titles = {
        "pair": "Pair",
        "fix": "Fix",
        "compute": "Compute",
        "kspace": "KSpace",
        "region": "Region",
        "dump": "Dump",
    }
    for category, title in titles.items():
        section = re.search(rf"\* {title} styles:?\s+(.*?)\n\n\*", told, re.DOTALL)
        assert section
        assert installed().styles[category] == set(section[1].split()), category


def test_commands_of_the_input_class_are_known_too() -> None:
    known = installed()
    assert {
        "units",
        "if",
        "next",
        "variable",
        "group",
        "neighbor",
        "timer",
        "print",
        "reset_atoms",
        "run",
    } <= known.commands
    assert not {"file", "parse", "execute_command", "ifthenelse", "next_command", "communicate", ""} & known.commands
    assert known.version >= 20250722


@pytest.mark.parametrize(
    ("category", "name", "expected"),
    [
        ("pair", "eam/alloy", True),
        ("pair", "eam/alloy/omp", True),
        ("pair", "eam/aloy", False),
        ("command", "run", True),
        ("command", "eam/alloy", False),
        ("fix", "nvt", True),
        ("fix", "python/invoke", False),
        ("integrate", "verlet", True),
        ("minimize", "cg", True),
        ("atom", "full", True),
    ],
)
def test_knows(category: str, name: str, expected: bool) -> None:
    assert installed().knows(category, name) is expected


@pytest.mark.parametrize(
    ("category", "name", "meant"),
    [
        ("command", "minimise", "minimize"),
        ("command", "pairstyle", "pair_style"),
        ("command", "Units", "units"),
        ("pair", "eam/aloy", "eam/alloy"),
        ("pair", "lj/cut/coul/logn", "lj/cut/coul/long"),
        ("fix", "ave_time", "ave/time"),
        ("fix", "NVT", "nvt"),
        ("compute", "vcf", "vacf"),
        ("region", "bloc", "block"),
    ],
)
def test_nearest_names(category: str, name: str, meant: str) -> None:
    near = installed().nearest(category, name)
    assert near[0] == meant
    assert styles.likely(name, near) == meant


def test_far_names_suggest_nothing() -> None:
    assert installed().nearest("command", "Hereby") == ()
    assert styles.likely("nvt/foo", ("nvt/eff",)) is None
    assert styles.likely("nvt", ()) is None
    assert nearest("lj", ["morse", "lj/cut", "buck"]) == ("lj/cut",)


def test_lammps_has_the_last_word() -> None:
    unknown = tuple((category, "nonesuch") for category in ("pair", "command", "minimize", "bond", "atom"))
    gone = (("fix", "plumed"), ("fix", "ave/spatial"))
    known = (("command", "reset_atoms"), ("fix", "NEIGH_HISTORY"), ("fix", "nve"))
    assert objections((*unknown, *gone, *known)) == (
        "Unrecognized pair style 'nonesuch'",
        "Unknown command: nonesuch",
        "Unknown minimize style nonesuch",
        "Unrecognized bond style 'nonesuch'",
        "Unrecognized atom style 'nonesuch'",
        "Unrecognized fix style 'plumed' is part of the PLUMED package which is not enabled in this LAMMPS binary",
        "This fix style is no longer available",
        None,
        None,
        None,
    )


def test_the_answer_is_kept_in_a_file(asked_anew: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = installed()
    (file,) = asked_anew.iterdir()
    installed.cache_clear()
    monkeypatch.setattr(styles, "_ask", lambda _: pytest.fail("the file should have been read"))
    assert installed() == first
    kept = json.loads(file.read_text())
    kept["styles"]["pair"] = ["invented"]
    file.write_text(json.dumps(kept))
    installed.cache_clear()
    assert installed().styles["pair"] == {"invented"}


def test_a_damaged_file_is_written_anew(asked_anew: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = installed()
    (file,) = asked_anew.iterdir()
    whole = file.read_text()
    asked: list[object] = []

    def answer(request: object) -> object:
        asked.append(request)
        return json.loads(whole)

    monkeypatch.setattr(styles, "_ask", answer)
    for content in ("", "{", "[]", "null", '{"version": 1, "styles": {"command": ["run"]}, "builtin": []}'):
        file.write_text(content)
        installed.cache_clear()
        assert installed() == first
        assert file.read_text() == whole
    assert asked == ["inventory"] * 5


def test_a_cache_that_cannot_be_written_is_no_obstacle(asked_anew: Path) -> None:
    asked_anew.parent.write_text("a file where the folder should be")
    assert "nve" in installed().styles["fix"]


def test_no_answer_is_a_fault_of_the_harness(asked_anew: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "false")
    with pytest.raises(HarnessFault, match="LAMMPS did not say what it knows"):
        installed()
