"""Lines that LAMMPS cannot read as they are written, in the way it would read them.

Comments of other languages, calls (`run(1000)`), assignments (`timestep=0.001`), quotes and brackets that are not
closed.
"""

from __future__ import annotations

import re
from collections.abc import Container

from mdevalbench.lammps.diagnostics import Edit
from mdevalbench.lammps.script import Command

_COMMENT = re.compile(
    r"""//+|%+|!+|;+|--+|/\*+|\*/|<!--|REM\b|rem\b|(?=import\s|from\s)|``+|==+|\*\*+|~~+|__+|\+\+|>+|(?=\"{3}|'{3}|\*\s)"""
)
"""What begins a comment, or is an ornament, in other languages."""
_CALL = re.compile(r"""(\w+)\s*\((.*)\)\s*;*\s*$|(\w+)\s*\((["'].*["'])\s*;*\s*$""")
_ASSIGNMENT = re.compile(r"(\w+)\s*[:=]=?\s*([^=\s].*)$")


def respell(command: Command, known: Container[str]) -> Edit | None:
    """An edit of a line that begins with no command, where its form tells what it should be."""
    if command.line != command.end_line:
        return None
    column = len(command.raw) - len(command.raw.lstrip()) + 1
    text = command.raw.strip()
    comment = _COMMENT.match(text)
    if comment:
        end = column + comment.end()
        return Edit(command.line, column, end, "# " if text[comment.end() : comment.end() + 1].strip() else "#")
    for form in (_CALL, _ASSIGNMENT):
        found = form.match(text)
        name, rest = [part for part in found.groups() if part is not None] if found else ("", "")
        if name in known and name not in ("if", "variable"):
            arguments = rest if "'" in rest or '"' in rest else re.sub(r"\s*[,=]\s*", " ", rest)
            return Edit(command.line, column, column + len(text), f"{name} {arguments.strip()}")
    return None


def close(command: Command) -> Edit | None:
    """An edit that closes a quote or bracket, where only one place is possible."""
    if command.line != command.end_line:
        return None
    line = command.raw.rstrip()
    after = re.search(r"""(["'])([;,.:]+)$""", line)
    if after and line.count(after[1]) % 2 == 0:
        return Edit(command.line, after.start(2) + 1, after.end(2) + 1, "")
    letter = re.match(r"""\s*print\s+([fr])(?=["'])""", line)
    if letter:
        return Edit(command.line, letter.start(1) + 1, letter.end(1) + 1, "")
    mixed = re.fullmatch(r"""[^"']*(["'])[^"']*(["'])""", line)
    if mixed and mixed[1] != mixed[2]:
        return Edit(command.line, len(line), len(line) + 1, mixed[1])
    return _close_quote(command, line) or close_bracket(command.line, line)


def _close_quote(command: Command, line: str) -> Edit | None:
    marks = re.findall(r"""["']""", line)
    if len(marks) != 1 or "#" in line or command.name in ("if", "run"):
        return None
    at = line.index(marks[0])
    if at + 1 < len(line):
        return Edit(command.line, len(line) + 1, len(line) + 1, marks[0])
    first = command.words[0] if command.words else None
    place = first.end_column + 1 if first and command.name == "print" else 0
    return Edit(command.line, place, place, marks[0]) if place else Edit(command.line, at + 1, at + 2, "")


def close_bracket(number: int, line: str) -> Edit | None:
    """An edit that closes the one `${` or `$(` of a line that is open."""
    name = re.search(r"\$\{(\w+)(?![\w}])", line)
    if name:
        return Edit(number, name.end() + 1, name.end() + 1, "}")
    starts = [found.start() for found in re.finditer(r"\$\(", line)]
    open_ones = [start for start in starts if _open(line, start)]
    if len(open_ones) != 1:
        return None
    rest = re.match(r"[^\s\"']*", line[open_ones[0] :])
    end = open_ones[0] + (rest.end() if rest else 0)
    formula = line[open_ones[0] + 2 : end]
    if formula.count("(") != formula.count(")") or (line[end:].strip("\"' ") and re.search(r"[-+*/^,]$", formula)):
        return None
    return Edit(number, end + 1, end + 1, ")")


def _open(line: str, start: int) -> bool:
    depth = 0
    for char in line[start + 1 :]:
        depth += (char == "(") - (char == ")")
        if depth == 0:
            return False
    return True
