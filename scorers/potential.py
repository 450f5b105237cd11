"""What a script set up instead of the prescribed potential, told from the commands that LAMMPS executed.

This decides nothing: whether the interactions are the prescribed ones is a matter of forces (`hamiltonian.py`). Where
they are not, the command that differs says why better than a percentage.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePath

from mdevalbench.lammps.evidence import Command
from mdevalbench.observables import plain_style
from mdevalbench.tasks.schema import Potential

DIFFERENT = 1e-3
"""relative difference of two numbers that are not the same one, rounded"""


def other_potential(trace: Sequence[Command], prescribed: Potential, units: str) -> str | None:
    """The command of the last potential that differs from the prescribed one, with its line; None if none can be named.

    Numbers are compared only if the script's `units` are those of the task.
    """
    begins = max((at for at, command in enumerate(trace) if command.words[0] == "pair_style"), default=None)
    if begins is None:
        return None
    style = trace[begins]
    coefficients = [command for command in trace[begins + 1 :] if command.words[0] == "pair_coeff"]
    named = _other_file(coefficients, prescribed) or _other_style(style, prescribed)
    if named is None and units == prescribed.units:
        named = _other_cutoff(style, prescribed) or _other_coefficients(coefficients, prescribed)
    return named


def _other_file(coefficients: Sequence[Command], prescribed: Potential) -> str | None:
    wanted = {PurePath(name).name for name in prescribed.files}
    for command in coefficients:
        for word in command.words[3:]:
            name = PurePath(word).name
            if wanted and "." in name and _number(word) is None and name not in wanted:
                return f"{_where(command)} reads {name}, the task prescribes {' and '.join(sorted(wanted))}"
    return None


def _other_style(command: Command, prescribed: Potential) -> str | None:
    wanted = prescribed.pair_style.split()[0]
    if wanted in (plain_style(word) for word in command.words[1:]):  # also as a part of `hybrid`
        return None
    return f"{_where(command)} has `{_spoken(command.words)}`, the task prescribes `pair_style {wanted}`"


def _other_cutoff(command: Command, prescribed: Potential) -> str | None:
    wanted, found = prescribed.pair_style.split(), command.words[1:]
    if len(found) != len(wanted) or _same(_numbers(found[1:]), _numbers(wanted[1:])):
        return None
    return f"{_where(command)} has `{_spoken(command.words)}`, the task prescribes `pair_style {prescribed.pair_style}`"


def _other_coefficients(coefficients: Sequence[Command], prescribed: Potential) -> str | None:
    """A line whose numbers are prescribed for no pair of species; types may have any order, and pairs without force."""
    wanted = [numbers for line in prescribed.pair_coeff if (numbers := _numbers(line.split()[2:]))]
    for command in coefficients:
        found = _numbers(command.words[3:])
        if wanted and found and found[0] and not any(_same(found, numbers) for numbers in wanted):
            named = " or ".join(
                f"`{' '.join(f'{number:g}' for number in numbers)}`" for numbers in wanted if numbers[0]
            )
            return f"{_where(command)} has `{_spoken(command.words)}`, the task prescribes {named} there"
    return None


def _same(found: Sequence[float], wanted: Sequence[float]) -> bool:
    """Up to where the shorter list ends: further numbers are cutoffs that may be given or left out."""
    return all(abs(a - b) <= DIFFERENT * abs(b) for a, b in zip(found, wanted, strict=False))


def _numbers(words: Sequence[str]) -> list[float]:
    found = [_number(word) for word in words]
    return [] if None in found else [number for number in found if number is not None]


def _number(word: str) -> float | None:
    try:
        return float(word)
    except ValueError:
        return None


def _spoken(words: Sequence[str]) -> str:
    """A command with its numbers as people write them: variables are expanded to all their digits."""
    return " ".join(word if (number := _number(word)) is None else f"{number:g}" for word in words)


def _where(command: Command) -> str:
    return f"line {command.line}" if command.line else "a file of commands"
