"""What the static check says of a script, and how it is shown in a terminal."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Edit:
    """Replace the characters from `column` up to, but not including, `end_column` of a line by `text` (from 1)."""

    line: int
    column: int
    end_column: int
    text: str

    def apply(self, script: str) -> str:
        """The script with the edit made."""
        lines = script.split("\n")
        line = lines[self.line - 1]
        lines[self.line - 1] = line[: self.column - 1] + self.text + line[self.end_column - 1 :]
        return "\n".join(lines)


def apply_all(script: str, edits: Iterable[Edit]) -> str:
    """The script with all edits made, each once; from its end to its beginning, so that no place moves too early."""
    for edit in sorted(set(edits), key=lambda one: (one.line, one.column, one.end_column), reverse=True):
        script = edit.apply(script)
    return script


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One finding. An error means that LAMMPS, or the harness, will stop at this place; a warning that it may."""

    severity: Literal["error", "warning"]
    line: int
    column: int
    end_column: int
    """place in the script, from 1; the end is one past the last character, on the same line"""
    code: str
    """kind of finding: `unknown-command`, `unknown-style`, `missing-file`, `outside-file`, `forbidden`,
    `starts-program`, `syntax`, `file-style`, `file-elements`, `file-units`"""
    message: str
    """what is wrong"""
    advice: str = ""
    """what to do"""
    suggestion: Edit | None = None


def render(diagnostics: Iterable[Diagnostic], script: str) -> str:
    """The findings as a compiler shows them: with the line, a caret and what to do; empty if there are none.

    ::

        error[unknown-command]: LAMMPS has no command 'minimise'
          --> line 7, column 1
          7 | minimise 1e-8 1e-8 1000 10000
            | ^^^^^^^^
            = Did you mean 'minimize'?
    """
    lines = script.split("\n")
    return "\n".join(_render(diagnostic, lines) for diagnostic in diagnostics)


def _render(found: Diagnostic, lines: list[str]) -> str:
    line = lines[found.line - 1].rstrip("\r") if found.line <= len(lines) else ""
    number = str(found.line)
    margin = " " * len(number)
    before = "".join("\t" if char == "\t" else " " for char in line[: found.column - 1])
    caret = "^" * max(1, min(found.end_column, len(line) + 1) - found.column)
    shown = [
        f"{found.severity}[{found.code}]: {found.message}",
        f"  --> line {found.line}, column {found.column}",
        f"  {number} | {line}",
        f"  {margin} | {before}{caret}",
    ]
    if found.advice:
        shown.append(f"  {margin} = {found.advice}")
    if found.suggestion:
        changed = found.suggestion.apply("\n".join(lines)).split("\n")[found.suggestion.line - 1].strip()
        shown.append(f"  {margin} = line {found.suggestion.line} would be: {changed}")
    return "\n".join(shown) + "\n"
