"""Commands and styles that the installed LAMMPS knows, asked of itself, and the nearest names to one that it does not.

LAMMPS is asked in a process of its own (see `_inquiry`); the answer is kept in memory and in
`$XDG_CACHE_HOME/mdevalbench` (`~/.cache/mdevalbench`), one file per version and build.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from mdevalbench.errors import HarnessFault
from mdevalbench.lammps import install
from mdevalbench.lammps._inquiry import INVENTORY
from mdevalbench.lammps._inquiry import ask as _ask

SUFFIXES = ("omp", "opt", "intel", "kk", "gpu")
"""Ends of the names of accelerated variants, which LAMMPS may add to a style by itself (command `suffix`)."""
_LOCATION = re.compile(r"\s*\(src/\S+:\d+\)\s*$")


@dataclass(frozen=True, slots=True)
class Installed:
    """What one LAMMPS knows."""

    version: int
    """date of the release, YYYYMMDD"""
    commands: frozenset[str]
    styles: Mapping[str, frozenset[str]]
    """category (`pair`, `bond`, `angle`, `dihedral`, `improper`, `kspace`, `fix`, `compute`, `dump`, `region`, `atom`,
    `integrate`, `minimize`) -> names"""

    def names(self, category: str) -> frozenset[str]:
        """All names of a category; `command` is one of them."""
        return self.commands if category == "command" else self.styles[category]

    def knows(self, category: str, name: str) -> bool:
        """Whether LAMMPS takes this name, by itself or with the end of an accelerated variant added."""
        names = self.names(category)
        return name in names or any(f"{name}/{suffix}" in names for suffix in SUFFIXES)

    def nearest(self, category: str, name: str, count: int = 3) -> tuple[str, ...]:
        """Known names that a writer of `name` may have meant, the likeliest first; accelerated variants left out."""
        plain = [known for known in self.names(category) if known.rpartition("/")[2] not in SUFFIXES]
        return nearest(name, plain, count)


def nearest(name: str, known: Iterable[str], count: int = 3, cutoff: float = 0.7) -> tuple[str, ...]:
    """Names like `name`, the likeliest first: much the same letters, or the same part before a `/` or `_`."""
    lower = name.lower()
    stem = re.split(r"[/_]", lower)[0]
    scores = {}
    for one in known:
        related = len(stem) > 1 and re.split(r"[/_]", one.lower())[0] == stem
        likeness = _likeness(lower, one.lower())
        if related or likeness >= cutoff:
            scores[one] = likeness + 0.2 * related
    return tuple(sorted(scores, key=lambda one: (-scores[one], one))[:count])


def likely(name: str, near: Iterable[str]) -> str | None:
    """The first of the nearest names if `name` is most probably a misspelling of it."""
    first = next(iter(near), None)
    return first if first is not None and _likeness(name.lower(), first.lower()) >= 0.84 else None


def _likeness(one: str, other: str) -> float:
    """How alike two names are, from 0 to 1; letters that have changed places count little."""
    return 0.9 if sorted(one) == sorted(other) and one != other else SequenceMatcher(None, one, other).ratio()


@cache
def installed() -> Installed:
    """What the installed LAMMPS knows. Raises `UsageError` without LAMMPS, `HarnessFault` if it does not answer."""
    file = _cache_file()
    found = _read(file)
    if found is None:
        answer = _ask(INVENTORY)
        found = _checked(answer)
        if found is None:
            raise HarnessFault("LAMMPS listed its styles in a form that is not understood: is it a usual build?")
        _write(file, answer)
    return found


@lru_cache(maxsize=256)
def objections(names: tuple[tuple[str, str], ...]) -> tuple[str | None, ...]:
    """LAMMPS's own words against each (category, name), or None where it does not call the name unknown or gone.

    This is the last word on a name: what LAMMPS takes after all, for whatever reason, it does not object to.
    """
    return tuple(_objection(message) for message in _ask([list(name) for name in names]))


def _objection(message: str) -> str | None:
    text = _LOCATION.sub("", message.split("\n")[0]).removeprefix("ERROR: ").rstrip(".")
    return text if text.startswith(("Unrecognized ", "Unknown ")) or text.endswith("no longer available") else None


def _cache_file() -> Path:
    """Where the answer of this very library is kept."""
    library = install.chosen().library
    state = library.stat()
    key = hashlib.sha256(f"{library}:{state.st_size}:{state.st_mtime_ns}".encode()).hexdigest()[:16]
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "mdevalbench" / f"lammps-styles-{key}.json"


def _checked(answer: Any) -> Installed | None:
    """The answer as a record; None if it has not the right form."""
    try:
        styles = {str(category): frozenset(map(str, names)) for category, names in answer["styles"].items()}
        commands = styles.pop("command") | frozenset(map(str, answer["builtin"]))
        found = Installed(int(answer["version"]), commands, styles)
    except (KeyError, TypeError, ValueError, AttributeError):
        return None
    return found if {"run", "units", "if"} <= found.commands and "pair" in found.styles else None


def _read(file: Path) -> Installed | None:
    try:
        return _checked(json.loads(file.read_text()))
    except (OSError, ValueError):
        return None


def _write(file: Path, answer: Any) -> None:
    """Keep the answer; where nothing can be written LAMMPS is simply asked again by the next process."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", dir=file.parent, suffix=".tmp", delete=False) as new:
            json.dump(answer, new)
        Path(new.name).replace(file)
    except OSError:
        return
