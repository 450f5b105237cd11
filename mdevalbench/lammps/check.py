"""The static check of a script: early and kind, not the wall.

It reports an error only where the installed LAMMPS, asked by name, or the harness (`FORBIDDEN`) refuses. Words with a
substitution and the bodies of `if` and `run every` are not judged, and what a `jump`, `include`, `if` or `quit` may
skip is judged with warnings. After all, LAMMPS itself decides.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Container, Iterator
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from typing import Literal

from mdevalbench.lammps import filecheck, potentials, styles
from mdevalbench.lammps.diagnostics import Diagnostic, Edit, render
from mdevalbench.lammps.forbidden import ALLOWED, FORBIDDEN
from mdevalbench.lammps.likeness import meant, meant_file
from mdevalbench.lammps.respelling import respell
from mdevalbench.lammps.script import Command, Word, bodies, parse

__all__ = ["FORBIDDEN", "Diagnostic", "Edit", "check", "render"]

_STYLE = {
    **{f"{kind}_style": (kind, 0) for kind in ("pair", "bond", "angle", "dihedral", "improper", "kspace", "atom")},
    "run_style": ("integrate", 0),
    "min_style": ("minimize", 0),
    "region": ("region", 1),
    "write_dump": ("dump", 1),
    **{kind: (kind, 2) for kind in ("fix", "compute", "dump")},
}
"""Command -> (category, which argument is the style)."""
_NO_STYLE = frozenset(["none", "delete"])
_RENAMED = {
    "reax": "reaxff",
    "reax/c": "reaxff",
    "meam/c": "meam",
    "reax/c/bonds": "reaxff/bonds",
    "reax/c/species": "reaxff/species",
    "ave/spatial": "ave/chunk",
    "ave/spatial/sphere": "ave/chunk",
}
"""Styles that LAMMPS still lists but no longer has, and their successors."""
_FILE_PLACE = {"dump": 4, "write_dump": 2, "read_data": 0, "write_data": 0, "write_restart": 0, "log": 0, "restart": 1}
"""Command -> which argument is the file that it writes or (`read_data`) may have to uncompress."""
MOST_FINDINGS = 100
_COMPRESSED = (".bz2", ".zst", ".xz", ".lzma", ".lz4")
"""Ends of the names of files for which LAMMPS starts a program; the recorder handles those of gzip itself."""


@dataclass(frozen=True, slots=True)
class _Suspect:
    """A name that is not in the lists; LAMMPS is asked before anything is said."""

    category: str
    name: str
    draft: Diagnostic


@dataclass(slots=True)
class _Walk:
    """One pass over the commands in the order in which LAMMPS reads them."""

    files: Container[str]
    certain: bool = True
    """every command so far is reached if those before it succeed"""
    ended: bool = False
    pair_style: str = ""
    style_word: Word | None = None
    """where the pair style in force is named, if it is not a hybrid"""
    units: str = "lj"
    units_named: bool = False
    labels: set[str] = field(default_factory=set)
    earlier: list[Command] = field(default_factory=list)
    found: list[Diagnostic] = field(default_factory=list)
    suspects: list[_Suspect] = field(default_factory=list)

    def visit(self, command: Command) -> None:
        """Judge one command and follow what it changes."""
        if command.problem:
            self._syntax(command)
        if command.words:
            if command.words[0].literal:
                self._name(command)
                self._style(command)
                self._files(command)
            self._flow(command)
            self.earlier.append(command)

    def report(self, code: str, word: Word, message: str, advice: str = "", edit: str | None = None) -> None:
        """Add a finding about a word; `edit` is what might stand in its place."""
        self.found.append(self._draft(code, word, message, advice, edit))

    def warn(self, code: str, word: Word, message: str, advice: str = "", edit: str | None = None) -> None:
        """Add a finding that LAMMPS may not stop at."""
        self.found.append(replace(self._draft(code, word, message, advice, edit), severity="warning"))

    def _draft(self, code: str, word: Word, message: str, advice: str = "", edit: str | None = None) -> Diagnostic:
        end = word.end_column if word.end_line == word.line else word.column + 1
        suggestion = None if edit is None or word.end_line != word.line else Edit(word.line, word.column, end, edit)
        severity: Literal["error", "warning"] = "error" if self.certain else "warning"
        return Diagnostic(severity, word.line, word.column, end, code, message, advice, suggestion)

    def _syntax(self, command: Command) -> None:
        first = command.words[0] if command.words else Word("", command.line, 1, command.line, 2)
        advice = "Quotes come in pairs, with a blank after the second; ${...} and $(...) need their closing bracket."
        draft = self._draft("syntax", first, f"LAMMPS cannot read this line: {command.problem}", advice)
        self.found.append(replace(draft, suggestion=respell(command, ())))

    def _name(self, command: Command) -> None:
        name, word = command.name, command.words[0]
        for pattern, place in _forbidden(command):
            advice = "Leave it out: a script can use files of its own folder and LAMMPS's potentials, and nothing else."
            self.report("forbidden", place, f"'{pattern}' is not allowed here: it {FORBIDDEN[pattern]}", advice)
        known = styles.installed()
        if command.problem or known.knows("command", name) or name in FORBIDDEN:
            return
        respelt = respell(command, known.commands)
        edit = respelt.text if respelt else meant("command", name, known.commands)
        near = _first(edit, known.nearest("command", name))
        draft = self._draft(
            "unknown-command", word, f"LAMMPS has no command '{name}'", _command_advice(name, near), edit
        )
        self.suspects.append(_Suspect("command", name, replace(draft, suggestion=respelt or draft.suggestion)))

    def _style(self, command: Command) -> None:
        if command.name not in _STYLE:
            return
        category, place = _STYLE[command.name]
        word = _style_word(command, place)
        if word is None or not word.literal:
            return
        name, known = word.text, styles.installed()
        gone = name in _RENAMED
        if any(_forbidden(command)) or name in _NO_STYLE or (known.knows(category, name) and not gone):
            return
        edit = _RENAMED[name] if gone else meant(category, name, known.names(category))
        near = (_RENAMED[name],) if gone else _first(edit, known.nearest(category, name))
        draft = self._draft("unknown-style", word, "", _style_advice(category, name, near), edit)
        self.suspects.append(_Suspect(category, name, draft))

    def _files(self, command: Command) -> None:
        for read in filecheck.reads(command, self.pair_style):
            if not filecheck.is_there(read, self.files, self.earlier):
                self._missing(read)
            for code, message, advice in filecheck.misfits(read, self.units):
                self.warn(code, read.word, message, advice)
                self.found[-1] = replace(self.found[-1], suggestion=self._fitting(code, read))
        self._written(command)

    def _fitting(self, code: str, read: filecheck.Read) -> Edit | None:
        """An edit of another line that makes it fit a potential file."""
        file, word = potentials.find(read.word.text), self.style_word
        if file is None or not self.certain:
            return None
        if code == "file-style" and word is not None and word.literal and word.line == word.end_line:
            return Edit(word.line, word.column, word.end_column, file.style)
        return Edit(1, 1, 1, f"units {file.units}\n") if code == "file-units" and not self.units_named else None

    def _written(self, command: Command) -> None:
        """Warn of files that cannot be made in the folder of a script, where no program is started either."""
        place, args = _FILE_PLACE.get(command.name), command.args
        if place is None or len(args) <= place:
            return
        word = args[place]
        if word.text.endswith(_COMPRESSED):
            advice = "LAMMPS would start a program for it, which the sandbox refuses: use a plain file, or one in .gz."
            self.warn("starts-program", word, f"'{word.text}' is a compressed file", advice)
        folder = posixpath.dirname(posixpath.normpath(word.text))
        made = any(filecheck.may_make(earlier, folder) for earlier in self.earlier)
        if folder and word.literal and command.name != "read_data" and not made:
            make = f", or make the folder first: shell mkdir {folder}" if not filecheck.is_outside(folder) else ""
            advice = f"Write files straight into the folder of the script{make}."
            self.warn("outside-file", word, f"there is no folder '{folder}' to write to", advice)

    def _missing(self, read: filecheck.Read) -> None:
        name = read.word.text
        edit = meant_file(name, read.style, read.elements) if read.kind == "potential" else None
        if filecheck.is_outside(name):
            advice = "A script sees its own folder and LAMMPS's potential files, whatever the path before their name."
            self.warn("outside-file", read.word, f"'{name}' is outside the folder of the script", advice, edit)
        elif read.kind == "potential":
            near = potentials.nearest(name, read.style, read.elements)
            advice = f"LAMMPS comes with {', '.join(near)}." if near else "Use one of the potentials that LAMMPS has."
            self.report("missing-file", read.word, f"there is no potential file '{name}'", advice, edit)
        else:
            build = (
                "Build the system in the script (lattice, region, create_box, create_atoms), or write the file first."
            )
            advice = build if read.kind == "data" else "Put its commands into this script."
            self.report("missing-file", read.word, f"there is no file '{name}'", advice)

    def _flow(self, command: Command) -> None:
        """What a command means for those after it."""
        if command.name == "pair_style":
            self.pair_style = command.args[0].text if command.args and command.args[0].literal else ""
            self.style_word = command.args[0] if self.pair_style and not self.pair_style.startswith("hybrid") else None
        elif command.name == "units" and command.args:
            self.units_named = True
            self.units = command.args[0].text if command.args[0].literal else ""
        elif command.name in ("clear", "read_restart"):
            self.style_word, self.units_named = None, True
            self.pair_style, self.units = "", "lj" if command.name == "clear" else ""
        elif command.name == "quit" and self.certain:
            self.ended = True
        elif command.name == "label" and command.args:
            self.labels.add(command.args[0].text)
        elif command.name == "jump" and self._is_loop_end(command):
            return
        elif _leaps(command):
            self.certain = False
            self.pair_style = self.units = ""
        for body in bodies(command):
            for pattern, _ in _forbidden(body):
                advice = "Should this be reached, the run ends here with an error."
                message = f"'{pattern}' is not allowed here: it {FORBIDDEN[pattern]}"
                self.warn("forbidden", command.words[0], message, advice)
            if body.name in ("pair_style", "units", "clear"):
                self.pair_style = self.units = ""

    def _is_loop_end(self, command: Command) -> bool:
        """Whether this is the `jump` of a `label ... next ... jump` loop, after which the script goes on."""
        texts = [word.text for word in command.args]
        after_next = bool(self.earlier) and self.earlier[-1].name == "next"
        return len(texts) == 2 and texts[0] == "SELF" and texts[1] in self.labels and after_next


def check(script: str, *, files: Container[str] = ()) -> tuple[Diagnostic, ...]:
    """Find what the installed LAMMPS or the harness would refuse, without running anything; ordered by place.

    Reading stops at `MOST_FINDINGS`: by then the text is no script.

    Args:
        script: the input script.
        files: names of the files in the script's folder, as the script would write them; LAMMPS's own potential files
            are always there.

    Raises:
        HarnessFault: LAMMPS does not answer when asked what it knows.
        UsageError: LAMMPS is not installed.
    """
    walk = _Walk(files)
    for command in parse(script).commands:
        walk.visit(command)
        if walk.ended or len(walk.found) + len(walk.suspects) >= MOST_FINDINGS:
            break
    found = [*walk.found, *_confirmed(walk.suspects)]
    return tuple(sorted(found, key=lambda one: (one.line, one.column, one.code)))


def _confirmed(suspects: list[_Suspect]) -> Iterator[Diagnostic]:
    """Those suspects that LAMMPS itself refuses, in its own words where there are none yet."""
    names = tuple(dict.fromkeys((one.category, one.name) for one in suspects))
    answers = dict(zip(names, styles.objections(names), strict=True)) if names else {}
    for one in suspects:
        objection = answers[one.category, one.name]
        if objection is not None:
            absent = "This LAMMPS was built without it: do it in another way." if "not enabled" in objection else ""
            draft = replace(one.draft, message=one.draft.message or objection, advice=absent or one.draft.advice)
            variant = draft.suggestion is not None and one.name.startswith(draft.suggestion.text)
            yield draft if variant or not absent else replace(draft, suggestion=None)


def _style_word(command: Command, place: int) -> Word | None:
    """The word that must be a style; in a hybrid the first sub-style, since later ones may be anyone's arguments."""
    args = command.args
    if len(args) <= place:
        return None
    if args[place].text.split("/")[0] != "hybrid" or command.name == "kspace_style":
        return args[place]
    first = place + (2 if args[place].text.startswith("hybrid/scaled") else 1)
    return args[first] if len(args) > first else args[place]


def _style_advice(category: str, name: str, near: tuple[str, ...]) -> str:
    kinds = ("pair", "fix", "compute", "dump", "region", "kspace", "bond", "angle", "command")
    elsewhere = [kind for kind in kinds if kind != category and name in styles.installed().names(kind)]
    if elsewhere:
        return f"'{name}' is a {elsewhere[0]}{'' if elsewhere[0] == 'command' else ' style'}, not a {category} style."
    return _did_you_mean(near) or f"See the LAMMPS manual for the {category} styles there are."


def _command_advice(name: str, near: tuple[str, ...]) -> str:
    usage = {
        "fix": "fix ID group {} ...",
        "compute": "compute ID group {} ...",
        "dump": "dump ID group {} N file",
        "pair": "pair_style {} ...",
    }
    for category, form in usage.items():
        if name in styles.installed().names(category):
            return f"'{name}' is a {category} style: write '{form.format(name)}'."
    return _did_you_mean(near) or "Every line begins with a command; words for the reader go behind a '#'."


def _first(name: str | None, near: tuple[str, ...]) -> tuple[str, ...]:
    """The nearest names with the one that was most probably meant at their head; names of one word only."""
    if name is None or len(name.split()) != 1:
        return near
    return (name, *(one for one in near if one != name))[: max(1, len(near))]


def _did_you_mean(near: tuple[str, ...]) -> str:
    names = [f"'{name}'" for name in near]
    return (
        f"Did you mean {' or '.join([', '.join(names[:-1]), names[-1]] if len(names) > 1 else names)}?" if names else ""
    )


def _forbidden(command: Command) -> Iterator[tuple[str, Word]]:
    """Patterns of `FORBIDDEN` that a command falls under, with the word that says so."""
    place = {"fix": 3, "compute": 3, "dump": 3, "variable": 2}.get(command.name, 1)
    hybrid = len(command.words) > place and command.words[place].text.startswith("hybrid")
    styled = command.words[place:] if hybrid else command.words[place : place + 1]
    if " ".join([command.name, *(word.text for word in styled)]) in ALLOWED:
        return
    for pattern in FORBIDDEN:
        name, _, style = pattern.partition(" ")
        if name == command.name and not style:
            yield pattern, command.words[0]
        elif name == command.name:
            yield from ((pattern, word) for word in styled if fnmatchcase(word.text, style))


def _leaps(command: Command) -> bool:
    """Whether the commands after this one may be skipped, or others come between."""
    if command.name in ("jump", "include", "quit") or not (command.words and command.words[0].literal):
        return True
    return any(_leaps(body) for body in bodies(command) if re.match(r"\w", body.name) or not body.words[0].literal)
