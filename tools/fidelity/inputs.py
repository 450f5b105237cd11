"""The inputs that are compared, and the plain files beside each."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Example:
    """One input script with its neighbours."""

    name: str
    """path below the tree, with `/`"""
    path: Path

    @property
    def script(self) -> str:
        """The text as it stands, line ends included."""
        return self.path.read_bytes().decode("utf-8", "replace")

    @property
    def files(self) -> dict[str, bytes]:
        """Plain files of the same folder (name -> content), the input itself among them; links that lead nowhere are
        no files, and folders cannot be given to a job."""
        return {file.name: file.read_bytes() for file in sorted(self.path.parent.iterdir()) if file.is_file()}


def installed() -> Path | None:
    """Where the distribution's package `lammps-examples` has put its tree; None if it is not installed."""
    shares = os.environ.get("XDG_DATA_DIRS", "/usr/local/share:/usr/share").split(":")
    folders = (Path(share) / "lammps" / "examples" for share in shares)
    return next((folder for folder in folders if folder.is_dir()), None)


def names(
    tree: Path, only: Sequence[str] = ("*",), shard: tuple[int, int] = (1, 1), called: Sequence[str] = ("in.*",)
) -> list[str]:
    """Inputs below `tree` that are `called` so and whose path matches; shard (k, n) is every n-th, from the k-th."""
    files = {file for glob in called for file in tree.rglob(glob) if file.is_file()}
    found = sorted(str(file.relative_to(tree)) for file in files)
    return [name for name in found if any(fnmatch(name, glob) for glob in only)][shard[0] - 1 :: shard[1]]


def read_only_copy(tree: Path, target: Path, chosen: Iterable[str]) -> list[Example]:
    """Copy the folders of the chosen inputs, links followed, and take away the right to write; see `remove`."""
    examples = [Example(name, target / name) for name in chosen]
    for folder in {example.path.parent for example in examples}:
        folder.mkdir(parents=True, exist_ok=True)
        for file in (tree / folder.relative_to(target)).iterdir():
            if file.is_file():
                shutil.copyfile(file, folder / file.name)
    _set_writable(target, False)
    return examples


def remove(target: Path) -> None:
    """Delete a read-only copy."""
    _set_writable(target, True)
    shutil.rmtree(target)


def _set_writable(target: Path, writable: bool) -> None:
    for path in [target, *target.rglob("*")]:
        mode = path.stat().st_mode
        path.chmod(mode | stat.S_IWUSR if writable else mode & ~(stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH))
