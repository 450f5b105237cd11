"""Rules on units behind numbers: left out, or the number converted into those of the script."""

from __future__ import annotations

import re
from itertools import pairwise

from mdevalbench.lammps.diagnostics import Edit
from mdevalbench.lammps.remedies.case import Answer, Case, Rule, drop, is_number, swap
from mdevalbench.lammps.remedies.tables import UNIT_SIZES, UNIT_WORDS
from mdevalbench.lammps.script import Command, Word

_SKIPPED = frozenset("variable print if pair_coeff label jump dump thermo_style units group region_modify log".split())
"""Commands in which a letter behind a number is something else."""
_JOINED = re.compile(
    r"([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)([A-Za-z\N{LATIN CAPITAL LETTER A WITH RING ABOVE}][\w/*]*)"
)


def behind(case: Case) -> Answer | None:
    """`timestep 0.001 ps`, `temp 300K 300K`."""
    if case.said("^Unknown command") or not _pairs(case.command):
        return None
    advice = f"Numbers stand without their unit: all are in those of 'units {case.units}'."
    edits: list[Edit] = []
    for command in case.section:
        for number, text, word in _pairs(command):
            better = _converted(case, command, text, _unit(number, word))
            if better is None:
                if command is case.command:
                    return Answer(advice)
                continue
            if word is number:
                edits.append(swap(number, better))
                continue
            edits += [drop(command, word), *([swap(number, better)] if better != text else [])]
    return Answer(advice, tuple(edits))


def _unit(number: Word, word: Word) -> str:
    joined = _JOINED.fullmatch(number.text) if word is number else None
    return joined[2] if joined else word.text


def _pairs(command: Command) -> list[tuple[Word, str, Word]]:
    """(number, its text, unit) of a command; both words are the same where they are written together."""
    if command.name in _SKIPPED:
        return []
    found = []
    for word in command.args:
        joined = _JOINED.fullmatch(word.text)
        if joined and not word.quote and _known(joined[2]):
            found.append((word, joined[1], word))
    for number, word in pairwise(command.args):
        if is_number(number.text) and not word.quote and _known(word.text):
            found.append((number, number.text, word))
    return found


def _known(text: str) -> bool:
    """Whether this is a unit; single letters only as they are written."""
    return text in ("A", "K") if len(text) == 1 and text.isascii() else text.lower().strip("()[]") in UNIT_WORDS


def _converted(case: Case, command: Command, text: str, unit: str) -> str | None:
    """The number in the units of the script; None if they have no such quantity."""
    kind, size = UNIT_WORDS[unit.lower().strip("()[]")]
    own = UNIT_SIZES.get(case.units, {}).get(kind)
    if own is None:
        return None
    value = float(text) * size / own
    if command.name == "run" and kind == "time":
        step = case.timestep
        return str(round(value / step)) if step and abs(value / step - round(value / step)) < 1e-6 else None
    if abs(size / own - 1) < 1e-9:
        return text
    return None if kind == "count" else f"{value:.10g}"


RULES: tuple[Rule, ...] = (behind,)
