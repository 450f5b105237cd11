"""What a rule is given: the script, the place where LAMMPS stopped, and ways to write edits."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

from mdevalbench.lammps import potentials
from mdevalbench.lammps.diagnostics import Edit
from mdevalbench.lammps.filecheck import base_style
from mdevalbench.lammps.remedies.tables import TIMESTEP
from mdevalbench.lammps.script import Command, Script, Word


@dataclass(frozen=True, slots=True)
class Answer:
    """What a rule says: what to do in plain words, and the edits that do it, if it is sure of them."""

    advice: str
    edits: tuple[Edit, ...] = ()


@dataclass(frozen=True)
class Case:
    """A script that LAMMPS stopped, the command at which it did, and what it said."""

    script: Script
    command: Command
    message: str
    output: str = ""

    @cached_property
    def index(self) -> int:
        """Place of the failing command among all commands."""
        return self.script.commands.index(self.command)

    @cached_property
    def section(self) -> tuple[Command, ...]:
        """Commands of the same system: those between two `clear`."""
        clears = [at for at, command in enumerate(self.script.commands) if command.name == "clear"]
        first = max((at + 1 for at in clears if at < self.index), default=0)
        last = min((at for at in clears if at > self.index), default=len(self.script.commands))
        return self.script.commands[first:last]

    @cached_property
    def earlier(self) -> tuple[Command, ...]:
        """Commands of the same system before the failing one."""
        return self.section[: self.section.index(self.command)]

    @cached_property
    def later(self) -> tuple[Command, ...]:
        """Commands of the same system after the failing one."""
        return self.section[self.section.index(self.command) + 1 :]

    def all(self, *names: str) -> list[Command]:
        """Commands of these names in the system of the failing one."""
        return [command for command in self.section if command.name in names]

    def before(self, *names: str) -> list[Command]:
        """Those before the failing command."""
        return [command for command in self.earlier if command.name in names]

    def after(self, *names: str) -> list[Command]:
        """Those after the failing command."""
        return [command for command in self.later if command.name in names]

    def said(self, pattern: str) -> re.Match[str] | None:
        """What LAMMPS's message holds of a pattern."""
        return re.search(pattern, self.message)

    @cached_property
    def texts(self) -> list[str]:
        """Arguments of the failing command."""
        return [word.text for word in self.command.args]

    @cached_property
    def units(self) -> str:
        """Unit style in force."""
        named = [command.args[0].text for command in self.before("units") if command.args]
        return named[-1] if named else "lj"

    @cached_property
    def timestep(self) -> float | None:
        """Time step in force; None if it is not a plain number."""
        steps = [command.args[0].text for command in self.before("timestep") if command.args]
        if not steps:
            return TIMESTEP.get(self.units)
        return float(steps[-1]) if is_number(steps[-1]) else None

    @cached_property
    def types(self) -> int | None:
        """Number of atom types that `create_box` allows; None if unknown."""
        boxes = [command for command in self.all("create_box") if command.args]
        return int(boxes[-1].args[0].text) if boxes and boxes[-1].args[0].text.isdigit() else None

    @cached_property
    def pair_style(self) -> str:
        """Pair style in force."""
        named = [command.args[0].text for command in self.before("pair_style") if command.args]
        return base_style(named[-1]) if named else ""

    @cached_property
    def elements(self) -> tuple[str, ...]:
        """Element of each atom type, as the `pair_coeff` of a potential file says; empty if it does not."""
        for command in self.all("pair_coeff"):
            files = list(_potentials(command))
            if not files:
                continue
            word, file = files[0]
            names = [one.text for one in command.args if one.column > word.column or one.line > word.line]
            if names and all(re.fullmatch("[A-Z][a-z]?|NULL", name) for name in names):
                return tuple(names)
            if not names and file.style == "eam" and len(file.elements) == 1 and self.types == 1:
                return file.elements
        return ()

    def defined(self, kind: str, commands: tuple[Command, ...] | None = None) -> dict[str, Command]:
        """ID -> command for every `fix`, `compute`, `dump`, `group` or `region` in force by then, or every `variable`.

        Variables outlive a `clear`.
        """
        undo = {"fix": "unfix", "compute": "uncompute", "dump": "undump"}.get(kind)
        found: dict[str, Command] = {}
        past = self.script.commands[: self.index] if kind == "variable" else self.earlier
        for command in past if commands is None else commands:
            if command.name == kind and command.args:
                found[command.args[0].text] = command
            elif command.name == undo and command.args:
                found.pop(command.args[0].text, None)
        return found


def _potentials(command: Command) -> Iterator[tuple[Word, potentials.PotentialFile]]:
    for word in command.args:
        file = potentials.find(word.text)
        if file is not None:
            yield word, file


def used(case: Case, prefix: str, name: str) -> bool:
    """Whether the script refers to a variable (`v`), compute (`c`) or fix (`f`) anywhere."""
    forms = [rf"(?<!\w){prefix}_{re.escape(name)}(?!\w)"]
    if prefix == "v":
        forms += [rf"\$\{{{re.escape(name)}\}}", rf"(?m)^\s*next\s.*\b{re.escape(name)}\b"]
        forms += [rf"\${re.escape(name)}"] if len(name) == 1 else []
    return any(re.search(form, case.script.text) for form in forms)


def replace_all(case: Case, pattern: str, text: str) -> tuple[Edit, ...]:
    """Replace what a pattern matches in all lines of the script, comments apart."""
    edits = []
    for command in case.script.commands:
        for number in range(command.line, command.end_line + 1):
            for found in re.finditer(pattern, case.script.lines[number - 1]):
                edits.append(Edit(number, found.start() + 1, found.end() + 1, found.expand(text)))
    return tuple(edits)


def is_number(text: str) -> bool:
    """Whether this is a plain number."""
    return re.fullmatch(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?", text) is not None


def swap(word: Word, text: str) -> Edit:
    """Put another text in the place of a word."""
    return Edit(word.line, word.column, word.end_column if word.end_line == word.line else 0, text)


def add(word: Word, text: str) -> Edit:
    """Add words behind one."""
    return Edit(word.end_line, word.end_column, word.end_column, f" {text}")


def put_before(word: Word, text: str) -> Edit:
    """Add words before one."""
    return Edit(word.line, word.column, word.column, f"{text} ")


def drop(command: Command, word: Word) -> Edit:
    """Leave a word out, with the blanks before it."""
    at = command.words.index(word)
    previous = command.words[at - 1]
    start = previous.end_column if previous.end_line == word.line else word.column
    return Edit(word.line, start, word.end_column if word.end_line == word.line else 0, "")


def line_before(command: Command, text: str) -> Edit:
    """Insert a line before a command."""
    return Edit(command.line, 1, 1, f"{text}\n")


def line_after(script: Script, command: Command, text: str) -> Edit:
    """Insert a line after a command."""
    end = len(script.lines[command.end_line - 1]) + 1
    return Edit(command.end_line, end, end, f"\n{text}")


def delete(script: Script, command: Command) -> tuple[Edit, ...]:
    """Empty the lines of a command."""
    lines = range(command.line, command.end_line + 1)
    return tuple(Edit(line, 1, len(script.lines[line - 1]) + 1, "") for line in lines)


def move_before(script: Script, moved: list[Command], target: Command) -> tuple[Edit, ...]:
    """Take commands out and put them, in their order, before another one."""
    text = "".join(f"{command.raw}\n" for command in moved)
    return (Edit(target.line, 1, 1, text), *(edit for one in moved for edit in delete(script, one)))


def move_after(script: Script, moved: list[Command], target: Command) -> tuple[Edit, ...]:
    """Take commands out and put them, in their order, behind another one."""
    end = len(script.lines[target.end_line - 1]) + 1
    text = "".join(f"\n{command.raw}" for command in moved)
    return (Edit(target.end_line, end, end, text), *(edit for one in moved for edit in delete(script, one)))


Rule = Callable[[Case], Answer | None]
"""Looks at a case; None if it has nothing to say."""
