"""Files that a script reads: which, whether they can be there, and whether a potential file fits its use."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from mdevalbench.lammps import potentials
from mdevalbench.lammps.script import Command, Word
from mdevalbench.lammps.styles import SUFFIXES

_FILE_STYLES = """
    adp agni airebo airebo/morse bop comb comb3 coul/ctip coul/streitz drip eam eam/alloy eam/cd eam/fs eam/he edip
    edip/multi extep gw gw/zbl lcbop local/density meam meam/spline meam/sw/spline mesocnt nb3b/harmonic nb3b/screened
    pod polymorphic rann reaxff rebo rebomos snap sw sw/angle/table sw/mod table tersoff tersoff/mod tersoff/mod/c
    tersoff/table tersoff/zbl threebody/table vashishta vashishta/table
"""
FILE_STYLES = frozenset(_FILE_STYLES.split())
"""Pair styles whose `pair_coeff` has the name of a file right after the two types (LAMMPS manual)."""
_ARGUMENT = {"read_data": 0, "read_restart": 0, "read_dump": 0, "rerun": 0, "include": 0, "jump": 0, "molecule": 1}
"""Command -> which argument is a file that it reads."""
_WRITING = """
    angle_write bond_write dihedral_write dump dump_modify dynamical_matrix fitpod fix group2ndx if info log neb
    neb/spin pair_write partition print rerun restart run region2vmd third_order write_coeff write_data write_dump
    write_restart
"""
_WRITERS = frozenset(_WRITING.split())
_FREE_TEXT = frozenset(["fix", "print", "run"])
"""Writers of which only what follows the word `file` or `append` is the name of a file."""
_UNKNOWN = re.compile(r"\$\{[^}]*\}|\$\(.*\)|\$.|[*%]")


@dataclass(frozen=True, slots=True)
class Read:
    """A file that a command opens."""

    word: Word
    kind: Literal["potential", "data", "script"]
    style: str = ""
    """pair style that reads a potential file"""
    elements: tuple[str, ...] = ()
    """elements that the command asks of a potential file"""


def base_style(name: str) -> str:
    """A style's name without the end of an accelerated variant."""
    head, _, tail = name.rpartition("/")
    return head if head and tail in SUFFIXES else name


def reads(command: Command, pair_style: str) -> Iterator[Read]:
    """Files that a command reads, as far as it says so; `pair_style` is the one in force, empty if unknown."""
    args = command.args
    if command.name in _ARGUMENT:
        place = _ARGUMENT[command.name]
        if len(args) > place and not (command.name == "jump" and args[place].text == "SELF"):
            yield Read(args[place], "script" if command.name in ("include", "jump") else "data")
    elif command.name == "variable" and len(args) > 2 and args[1].text in ("file", "atomfile"):
        yield Read(args[2], "data")
    elif command.name == "fix" and len(args) > 3 and args[2].text == "cmap":
        yield Read(args[3], "potential")
    elif command.name == "pair_coeff":
        yield from _coefficient_files(args, pair_style)


def _coefficient_files(args: Sequence[Word], pair_style: str) -> Iterator[Read]:
    first = 2
    style = base_style(pair_style)
    if style.split("/")[0] == "hybrid" and len(args) > 2:
        style = base_style(args[2].text)
        first = 4 if len(args) > 3 and args[3].text.isdigit() else 3
    if style not in FILE_STYLES or len(args) <= first:
        return
    count = 2 if style in ("snap", "pod") else 1
    rest = [word.text for word in args[first + count :]]
    per_element = style in ("eam/alloy", "eam/fs", "sw", "tersoff")
    elements = tuple(text for text in rest if per_element and text != "NULL" and "$" not in text)
    for word in args[first : first + count]:
        yield Read(word, "potential", style, elements)


def is_there(read: Read, files: Container[str], earlier: Iterable[Command]) -> bool:
    """Whether LAMMPS may find the file: given, shipped, or perhaps written by an earlier command of the script."""
    name = read.word.text
    if not read.word.literal or name in files or posixpath.normpath(name) in files or re.search(r"[*%]", name):
        return True
    if read.kind == "potential" and potentials.find(name):
        return True
    return any(_may_write(command, name) for command in earlier)


def is_outside(name: str) -> bool:
    """Whether a path leads out of the folder of the script."""
    return posixpath.isabs(name) or posixpath.normpath(name).startswith("..")


def may_make(command: Command, folder: str) -> bool:
    """Whether a command could be the `shell mkdir` of this folder of the script, or of one in it."""
    if command.name != "shell" or not command.args or command.args[0].text != "mkdir":
        return False
    made = [posixpath.normpath(word.text) for word in command.args[1:] if word.literal]
    return len(made) < len(command.args) - 1 or any(f"{name}/".startswith(f"{folder}/") for name in made)


def _may_write(command: Command, name: str) -> bool:
    """Whether a command could write a file of this name; substitutions and wildcards in it may stand for anything."""
    if command.name not in _WRITERS and (not command.words or command.words[0].literal):
        return False
    tokens = [token for word in command.args for token in re.split(r"[\s\"']+", word.text)]
    for before, token in zip(["", *tokens], tokens, strict=False):
        anything = not _UNKNOWN.sub("", token)
        if anything and command.name in _FREE_TEXT and before not in ("file", "append"):
            continue
        pattern = ".*".join(re.escape(part) for part in _UNKNOWN.split(token))
        if token and any(re.fullmatch(pattern, spelling) for spelling in (name, posixpath.normpath(name))):
            return True
    return False


def misfits(read: Read, units: str) -> Iterator[tuple[str, str, str]]:
    """(code, message, advice) for a shipped potential file that does not fit the style, elements or units wanted."""
    file = potentials.find(read.word.text)
    if file is None or not read.style:
        return
    if file.style in FILE_STYLES and file.style != read.style and read.style.split("/")[0] == file.style.split("/")[0]:
        advice = f"Use pair_style {file.style}, or another file."
        yield "file-style", f"{file.name} is a file for pair_style {file.style}, not {read.style}", advice
    missing = [element for element in read.elements if file.elements and element not in file.elements]
    if missing:
        others = potentials.nearest(file.name, read.style, read.elements)
        message = f"{file.name} has {', '.join(file.elements)}, but not {', '.join(missing)}"
        fitting = [name for name in others if set(read.elements) <= set(potentials.shipped()[name].elements)]
        yield "file-elements", message, f"Files with all of them: {', '.join(fitting)}." if fitting else ""
    if units and file.units and units != file.units and {units, file.units} != {"metal", "real"}:
        yield (
            "file-units",
            f"{file.name} is in {file.units} units, the script in {units}",
            f"Begin with: units {file.units}",
        )
