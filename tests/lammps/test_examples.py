"""Real inputs: the examples of Debian's package `lammps-examples`, where it is installed."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from mdevalbench.extract import extract
from mdevalbench.lammps import install
from mdevalbench.lammps.check import check

SHARES = os.environ.get("XDG_DATA_DIRS", "/usr/local/share:/usr/share").split(":")
FOLDERS = [folder for share in SHARES if (folder := Path(share) / "lammps" / "examples").is_dir()]
pytestmark = pytest.mark.skipif(not FOLDERS, reason="lammps-examples is not installed")


@dataclass(frozen=True)
class Folder:
    """Which files there are, as the check asks."""

    path: Path

    def __contains__(self, name: object) -> bool:
        return (self.path / str(name)).exists()


def inputs() -> list[Path]:
    """Every input of the examples."""
    return sorted(file for file in FOLDERS[0].rglob("in.*") if file.is_file())


def of_lammps(text: str) -> bool:
    """Whether an input is one of LAMMPS and not of another program beside it."""
    return any(
        line.startswith(("units", "pair_style", "atom_style", "read_data", "run", "include"))
        for line in text.splitlines()
    )


def test_bare_text_is_taken_whole() -> None:
    texts = {file: file.read_text(errors="replace").replace("\r\n", "\n") for file in inputs()}
    ours = [file for file in texts if of_lammps(texts[file])]
    assert len(ours) > 0.95 * len(texts) > 500
    assert [file for file in ours if extract(texts[file]).script != texts[file]] == []


@pytest.mark.slow
def test_errors_are_errors_of_lammps(tmp_path: Path) -> None:
    """Of all inputs with an error (forbidden commands apart), some are given to LAMMPS, which refuses each."""
    wrong = []
    for file in inputs():
        errors = [
            one for one in check(file.read_text(errors="replace"), files=Folder(file.parent)) if one.severity == "error"
        ]
        if errors and all(one.code != "forbidden" for one in errors):
            wrong.append(file)
    assert len(wrong) < 0.4 * len(inputs())
    for number, file in enumerate(wrong[::12]):
        folder = tmp_path / str(number)
        folder.mkdir()
        for neighbour in file.parent.iterdir():
            (folder / neighbour.name).symlink_to(neighbour)
        command = [str(install.executable()), "-skiprun", "-log", "none", "-in", file.name]
        environment = install.executable_environment()
        done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, timeout=60, check=False)
        assert done.returncode != 0, file
