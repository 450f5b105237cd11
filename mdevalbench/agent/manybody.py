"""A better model of a metal than a pair potential: one of the many-body potentials that LAMMPS comes with."""

from __future__ import annotations

from mdevalbench.lammps import potentials
from mdevalbench.lammps.script import Command, parse

_STYLES = ("eam/alloy", "eam/fs", "eam", "adp")
"""many-body styles whose `pair_coeff` needs no second file, the most usual first"""


def for_metal(symbol: str) -> tuple[potentials.PotentialFile, ...]:
    """Shipped many-body potentials of a metal: those of it alone first, then the most usual style."""
    fits = [file for file in potentials.shipped().values() if symbol in file.elements and file.style in _STYLES]
    return tuple(sorted(fits, key=lambda file: (len(file.elements), _STYLES.index(file.style), file.name)))


def with_potential(script: str, file: potentials.PotentialFile, symbol: str) -> str:
    """The script with this potential for its only kind of atom; empty if it is not so simple a script."""
    commands = [one for one in parse(script).commands if one.words]
    style, coefficients, boxes, units = (
        [one for one in commands if one.name == name] for name in ("pair_style", "pair_coeff", "create_box", "units")
    )
    simple = len(style) == len(coefficients) == 1 and all(map(_on_one_line, (*style, *coefficients)))
    if not simple or _first(boxes) != "1" or _first(units) != "metal":
        return ""
    kind = "" if file.style == "eam" else f" {symbol}"
    instead = {
        style[0].words[0].line: f"pair_style {file.style}",
        coefficients[0].words[0].line: f"pair_coeff * * {file.name}{kind}",
    }
    goes = {one.words[0].line for one in commands if one.name == "pair_modify"}
    lines = enumerate(script.split("\n"), 1)
    return "\n".join(instead.get(number, line) for number, line in lines if number not in goes)


def _first(commands: list[Command]) -> str:
    return commands[0].args[0].text if commands and commands[0].args else ""


def _on_one_line(command: Command) -> bool:
    return len({word.line for word in command.words}) == 1
