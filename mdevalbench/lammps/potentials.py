"""The potential files that come with LAMMPS: which there are and what they hold."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path, PurePosixPath

from ase.data import atomic_numbers, chemical_symbols

from mdevalbench.errors import UsageError
from mdevalbench.lammps import install
from mdevalbench.lammps.eam import read_setfl_header
from mdevalbench.lammps.styles import nearest as nearest_names

_SAME = """
    eam eam.alloy eam.fs eam.he adp sw sw.mod tersoff tersoff.mod tersoff.zbl meam meam.spline meam.sw.spline airebo
    rebo rebomos lcbop vashishta edip gw gw.zbl extep comb comb3 eim agni uf3 rann drip nb3b.harmonic nb3b.screened
    mesocnt snap mliap pod table
"""
_ENDINGS = {f".{ending}": ending.replace(".", "/") for ending in _SAME.split()} | {
    ".cdeam": "eam/cd",
    ".tersoff.modc": "tersoff/mod/c",
    ".msmeam": "meam/ms",
    ".airebo-m": "airebo/morse",
    ".bop.table": "bop",
    ".poly": "polymorphic",
    ".ilp": "ilp/graphene/hbn",
    ".lebedeva": "lebedeva/z",
    ".streitz": "coul/streitz",
    ".ctip": "coul/ctip",
    ".snapcoeff": "snap",
    ".snapparam": "snap",
}
"""End of a file's name -> the pair style that reads it; the longest end counts."""
_BEGINNINGS = {
    "ffield.reax": "reaxff",
    "ffield.ci-reax": "reaxff",
    "ffield.comb3": "comb3",
    "ffield.comb": "comb",
    "ffield.eim": "eim",
    "library.meam": "meam",
    "library_2nn.meam": "meam",
    "library.msmeam": "meam/ms",
    "TMD.ILP": "ilp/tmd",
    "MoS2.ILP": "ilp/tmd",
    "CHAu.ILP": "saip/metal",
}
"""Beginning of a file's name -> the pair style that reads it; this goes before the ends."""
_TAGS = re.compile(
    r"\b(DATE|UNITS|CONTRIBUTOR|CITATION|COMMENT):\s*(.*?)\s*(?=\b(?:DATE|UNITS|CONTRIBUTOR|CITATION|COMMENT):|$)"
)
_ENTRY_STYLES = frozenset(
    "sw sw/mod tersoff tersoff/mod tersoff/mod/c tersoff/zbl vashishta edip gw gw/zbl extep comb".split()
)
"""Styles whose files hold entries that begin with three elements."""
_SYMBOL = re.compile(r"[A-Z][a-z]?")


@dataclass(frozen=True, slots=True)
class PotentialFile:
    """A potential file with what its name and first lines say."""

    name: str
    path: Path
    style: str
    """pair style that reads it, guessed from the name; empty if unknown"""
    elements: tuple[str, ...]
    """chemical symbols, empty if neither content nor name tells"""
    units: str
    """LAMMPS unit style; empty if the file does not say"""
    date: str
    """YYYY-MM-DD"""
    citation: str
    comment: str
    """first line"""


@cache
def shipped() -> Mapping[str, PotentialFile]:
    """All potential files of the installed LAMMPS by name."""
    files = sorted(install.potentials_folder().iterdir())
    return {file.name: describe(file) for file in files if not file.name.startswith(".") and "README" not in file.name}


def find(name: str) -> PotentialFile | None:
    """The shipped file that LAMMPS would open for `name`: it looks for the last part of a path in its own folder."""
    return shipped().get(_base(name))


def nearest(name: str, style: str = "", elements: Iterable[str] = (), count: int = 3) -> tuple[str, ...]:
    """Names of shipped files that may have been meant by `name`, the likeliest first.

    Preferred are, in this order, files for `style` with just `elements`, with these and others, files for another style
    with them, and only then names that look alike.
    """
    wanted = set(elements)
    files = list(shipped().values())
    of_style = [file for file in files if style and file.style == style]
    for candidates in (of_style, files):
        for fits in (set.__eq__, set.__le__):
            fitting = [file.name for file in candidates if wanted and fits(wanted, set(file.elements))]
            if fitting:
                alike = nearest_names(_base(name), fitting, count, cutoff=0.0)
                return alike or tuple(fitting[:count])
    return nearest_names(_base(name), [file.name for file in of_style or files], count, cutoff=0.6)


def guess_style(name: str) -> str:
    """The pair style that reads a file of this name; empty if unknown."""
    base = _base(name)
    for beginning, style in _BEGINNINGS.items():
        if base.startswith(beginning):
            return style
    endings = [ending for ending in _ENDINGS if base.lower().endswith(ending)]
    return _ENDINGS[max(endings, key=len)] if endings else ""


def describe(file: Path) -> PotentialFile:
    """What the name and the content of a potential file say."""
    with file.open(encoding="utf-8", errors="replace") as lines:
        comment = lines.readline().strip()
    tags = dict(reversed(_TAGS.findall(comment)))  # of several dates the first one is the newest
    units, date = ((tags.get(tag, "").split() or [""])[0] for tag in ("UNITS", "DATE"))
    style = guess_style(file.name)
    return PotentialFile(file.name, file, style, _elements(file, style), units, date, tags.get("CITATION", ""), comment)


def _base(name: str) -> str:
    return PurePosixPath(name).name


def _elements(file: Path, style: str) -> tuple[str, ...]:
    if style in ("eam/alloy", "eam/fs", "eam/he", "adp"):
        try:
            return read_setfl_header(file).elements
        except UsageError:
            return _named(file.name)
    if style == "eam":
        with file.open(encoding="utf-8", errors="replace") as lines:
            lines.readline()
            number = (lines.readline().split() or ["0"])[0]
        return (chemical_symbols[int(number)],) if number.isdigit() and 0 < int(number) < len(chemical_symbols) else ()
    if style in _ENTRY_STYLES:
        text = file.read_text(encoding="utf-8", errors="replace")
        first = (line.split("#")[0].split()[:3] for line in text.splitlines())
        found = [
            word for words in first if len(words) == 3 and all(w in atomic_numbers for w in words) for word in words
        ]
        named = _named(file.name)
        return named if set(named) >= set(found) else tuple(dict.fromkeys(found))
    return _named(file.name)


def _named(name: str) -> tuple[str, ...]:
    """Elements that make up the first part of a file's name (`CuZr_mm.eam.fs`); none if it is another word."""
    head = re.split(r"[._\-]", name)[0].rstrip("0123456789")
    symbols = _SYMBOL.findall(head)
    known = "".join(symbols) == head and all(symbol in atomic_numbers for symbol in symbols)
    return tuple(dict.fromkeys(symbols)) if known else ()
