"""Which known name was meant by one that LAMMPS does not know: only an answer that is most probably right is given."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from mdevalbench.lammps import potentials
from mdevalbench.lammps.aliases import ACCELERATORS, PAIR_PARTS, PARTS, SUPERFLUOUS, WHOLE
from mdevalbench.lammps.styles import SUFFIXES


def meant(category: str, name: str, known: Iterable[str]) -> str | None:
    """The name of a command or style that `name` stands for; None if there is none, or more than one.

    Tried in turn: the same letters (`EAM-alloy`), another word for it, parts in another order or with words that add
    nothing (`nvt/nose-hoover`), a slip of the pen in one part.
    """
    names = sorted(one for one in known if one.rpartition("/")[2] not in SUFFIXES)
    alias = WHOLE.get(category, {}).get(key(name))
    return (
        only(one for one in names if key(one) == key(name))
        or alias
        or only(one for one in names if _bare(category, name) == one)
        or _reordered(category, name, names)
        or misspelt(name, names)
    )


def only(found: Iterable[str]) -> str | None:
    """The one different thing among these, if it is one."""
    different = set(found)
    return different.pop() if len(different) == 1 else None


def nearest_name(name: str, known: Iterable[str]) -> str | None:
    """The name that a writer chose freely, such as an ID or a variable, which `name` stands for."""
    names = list(known)
    return only(one for one in names if key(one) == key(name) and key(name)) or misspelt(name, names)


def key(name: str) -> str:
    """Letters and digits only, in lower case."""
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _parts(name: str) -> list[str]:
    return [part for part in re.split(r"[^a-z0-9]+", name.lower()) if part]


def _bare(category: str, name: str) -> str:
    """The name without the end of an accelerated variant."""
    head, _, tail = name.rpartition("/")
    return head if tail in ACCELERATORS and category != "command" else ""


def _reordered(category: str, name: str, names: list[str]) -> str | None:
    """A name of the same parts, in LAMMPS's words and without those that add nothing, in this order or another."""
    words = {**PARTS, **PAIR_PARTS} if category == "pair" else PARTS
    parts = [words.get(part, part) for part in _parts(name)]
    drop = SUPERFLUOUS.get(category, frozenset())
    for kept in (parts, [part for part in parts if part not in drop]):
        found = only(one for one in names if key(one) == "".join(kept)) or only(
            one for one in names if sorted(_parts(one)) == sorted(kept)
        )
        if found:
            return found
    return None


def misspelt(name: str, names: Iterable[str]) -> str | None:
    """The one name of which `name` is a slip of the pen: a letter or two wrong in one of its parts."""
    steps = {one: _slips(name, one) for one in names}
    close = {one: count for one, count in steps.items() if count is not None}
    return only(one for one, count in close.items() if count == min(close.values()))


def _slips(name: str, other: str) -> int | None:
    """How many letters are wrong, None if too many; digits have to be the same."""
    mine, theirs = _parts(name), _parts(other)
    if len(mine) != len(theirs) and 1 not in (len(mine), len(theirs)):
        return None
    if len(mine) != len(theirs):
        mine, theirs = ["".join(mine)], ["".join(theirs)]
    different = [(one, two) for one, two in zip(mine, theirs, strict=True) if one != two]
    if len(different) != 1:
        return None
    one, two = different[0]
    if re.sub(r"\D", "", one) != re.sub(r"\D", "", two) or min(len(one), len(two)) < 3:
        return None
    count = distance(one, two)
    return count if count <= (1 if max(len(one), len(two)) < 7 else 2) else None


def distance(one: str, other: str) -> int:
    """Letters to change, add, leave out or swap with the next one (optimal string alignment)."""
    rows = [list(range(len(other) + 1))]
    for i, mine in enumerate(one, 1):
        row = [i]
        for j, theirs in enumerate(other, 1):
            best = min(rows[-1][j] + 1, row[-1] + 1, rows[-1][j - 1] + (mine != theirs))
            if i > 1 and j > 1 and mine == other[j - 2] and one[i - 2] == theirs:
                best = min(best, rows[-2][j - 2] + 1)
            row.append(best)
        rows.append(row)
    return rows[-1][-1]


def meant_file(name: str, style: str = "", elements: Iterable[str] = ()) -> str | None:
    """The shipped potential file that `name` stands for: the same elements by the same author; None if not sure."""
    base = name.rpartition("/")[2]
    files = potentials.shipped()
    if base in files:
        return base
    same = only(one for one in files if key(one) == key(base))
    if same:
        return same
    wanted, author = _signature(base, tuple(elements))
    of_style = [one for one, file in files.items() if file.style == (style or potentials.guess_style(base))]
    for candidates in (of_style, list(files)):
        for alike in _ALIKE:
            found = [one for one in candidates if _fits(one, wanted, author, alike)]
            if found:
                return only(found)
    slip = misspelt(base, list(files))
    return slip if slip and _signature(slip, files[slip].elements)[0] == wanted else None


_ENDINGS = frozenset("eam alloy fs he sw tersoff meam setfl funcfl txt set potential pot".split())
"""Parts of the names of files that say no author."""


def _signature(base: str, elements: tuple[str, ...]) -> tuple[frozenset[str], str]:
    """Elements and author that the name of a file tells: `Cu`, `mishin` of `Cu_mishin1.eam.alloy`."""
    head, *rest = re.split(r"[._\-]", base)
    symbols = re.findall(r"[A-Z][a-z]?", head.rstrip("0123456789"))
    named = symbols if "".join(symbols) == head.rstrip("0123456789") else list(elements)
    authors = [part.lower() for part in (rest if symbols == named and symbols else [head, *rest])]
    author = next((part for part in authors if part not in _ENDINGS and re.search("[a-z]", part)), "")
    return frozenset(named), author


def _fits(file: str, wanted: frozenset[str], author: str, alike: Callable[[str, str], bool]) -> bool:
    elements, other = _signature(file, potentials.shipped()[file].elements)
    return elements == wanted and bool(author and other) and alike(author, other)


def _same_letters(one: str, other: str) -> bool:
    letters = re.sub(r"\d", "", one)
    return len(letters) > 1 and letters == re.sub(r"\d", "", other)


def _slip(one: str, other: str) -> bool:
    one, other = re.sub(r"\d", "", one), re.sub(r"\d", "", other)
    return min(len(one), len(other)) > 3 and distance(one, other) <= (1 if len(other) < 7 else 2)


_ALIKE: tuple[Callable[[str, str], bool], ...] = (str.__eq__, _same_letters, _slip)
"""How alike authors have to be, the strictest first; digits behind a name are years or numbers."""
