"""From a script and LAMMPS's message to a remedy: the first rule that knows what to do."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from mdevalbench.lammps.check import check
from mdevalbench.lammps.diagnostics import Edit, apply_all
from mdevalbench.lammps.remedies import (
    arguments,
    computes,
    conditions,
    files,
    formulas,
    groups,
    keywords,
    names,
    numbers,
    order,
    physics,
    setup,
    signs,
    types,
    units,
    warnings,
)
from mdevalbench.lammps.remedies.case import Answer, Case, Rule
from mdevalbench.lammps.script import parse
from mdevalbench.types import ScriptError

_RULES: tuple[Rule, ...] = (
    *signs.RULES,
    *units.RULES,
    *numbers.RULES,
    *conditions.RULES,
    *order.RULES,
    *setup.RULES,
    *files.RULES,
    *types.RULES,
    *formulas.RULES,
    *computes.RULES,
    *groups.RULES,
    *names.RULES,
    *keywords.RULES,
    *arguments.RULES,
    physics.replaced,
)
"""In the order in which they are asked: what is wrong with the writing comes before what is wrong with the meaning."""


@dataclass(frozen=True, slots=True)
class Remedy:
    """What to do about one stop of LAMMPS."""

    line: int
    """of the script, from 1: where LAMMPS stopped"""
    message: str
    """LAMMPS's own words"""
    advice: str
    """what to do, in plain words"""
    edits: tuple[Edit, ...] = ()
    """what does it, where that is most probably what the author meant; places are those of the script as it is"""

    def apply(self, script: str) -> str:
        """The script with all edits made."""
        return apply_all(script, self.edits)


def remedy(script: str, error: ScriptError | None, output: str = "") -> Remedy | None:
    """What to do about an error, or without one about a warning in the output; None if nothing is known.

    Args:
        script: the input script.
        error: how LAMMPS stopped it; None if it did not.
        output: what LAMMPS printed.
    """
    parsed = parse(script)
    if error is None:
        line, message, answer = warnings.look(parsed, output)
        return _checked(Remedy(line, message, answer.advice, answer.edits), script) if answer else None
    command = parsed.command_at(error.line) if error.line else None
    if command is None:
        return None
    case = Case(parsed, command, error.message, output)
    rules = (*_RULES, _static, physics.advice)
    answer = next((found for rule in rules if (found := rule(case)) is not None), None)
    return _checked(Remedy(command.line, error.message, answer.advice, answer.edits), script) if answer else None


def _static(case: Case) -> Answer | None:
    """What the static check says of the same line."""
    found = [one for one in check(case.script.text) if one.line == case.command.line and one.advice]
    if not found:
        return None
    edits = tuple(one.suggestion for one in found if one.suggestion)
    return Answer(" ".join(dict.fromkeys(one.advice for one in found)), edits)


def _checked(found: Remedy, script: str) -> Remedy:
    """Without edits that overlap, lie outside the script or change nothing."""
    lines = script.split("\n")
    places = sorted((edit.line, edit.column, edit.end_column) for edit in found.edits)
    inside = all(
        1 <= line <= len(lines) and 1 <= start <= end <= len(lines[line - 1]) + 1 for line, start, end in places
    )
    apart = all(one[0] < two[0] or one[2] <= two[1] for one, two in pairwise(places))
    if inside and apart and found.apply(script) != script:
        return found
    return Remedy(found.line, found.message, found.advice)
