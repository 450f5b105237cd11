"""A right script with one mistake, and what the judge says of it: examples of repairing, as recycled prompts ask for.

Only mistakes are made whose diagnosis is known without a run; `tests/training` holds them against the judge.
"""

from __future__ import annotations

import random
import re

_RESULT = re.compile(r"RESULT +(?P<name>\w+) *= *(?:\$\(.*?\)|\$\{\w+\}) *(?P<unit>[^\"'\n]*)")


def spoilt(script: str, rng: random.Random) -> tuple[str, str]:
    """The script with a mistake, and its diagnosis as `diagnosis` words it."""
    return rng.choice((_misspelt, _silent, _cut_off))(script, rng)


def _misspelt(script: str, rng: random.Random) -> tuple[str, str]:
    """A command before the first loop lacks a letter, so that nothing is simulated."""
    lines = script.splitlines()
    number = rng.choice([n for n in _commands(lines)[: _first_loop(lines) + 1] if len(lines[n].split()[0]) > 3])
    name, rest = re.match(r"\s*(\w+)(.*)", lines[number]).groups()  # type: ignore[union-attr]
    gone = rng.randrange(1, len(name))
    lines[number] = name[:gone] + name[gone + 1 :] + rest
    told = f"line {number + 1}, `{lines[number]}`: Unknown command: {lines[number]}"
    return _joined(lines), f"- LAMMPS stopped with an error: {told}\n- {_NOTHING_RAN}\n- {_no_result(script)}"


def _silent(script: str, rng: random.Random) -> tuple[str, str]:
    """The result is not printed."""
    return _joined([line for line in script.splitlines() if "RESULT" not in line]), f"- {_no_result(script)}"


def _cut_off(script: str, rng: random.Random) -> tuple[str, str]:
    """The script ends before its first loop."""
    lines = script.splitlines()
    commands = _commands(lines)
    last = rng.randrange(4, max(5, _first_loop(lines)))
    return _joined(lines[: commands[last]]), f"- {_NOTHING_RAN}\n- {_no_result(script)}"


_NOTHING_RAN = "nothing was simulated: no run or minimisation came as far as a step"


def _no_result(script: str) -> str:
    found = list(_RESULT.finditer(script))[-1]
    wanted = f"RESULT {found['name']} = <number> {found['unit'].strip()}"
    return f"the script reported no result: a line `{wanted}` is missing from its output"


def _commands(lines: list[str]) -> list[int]:
    """Numbers of the lines that begin a command."""
    return [
        n
        for n, line in enumerate(lines)
        if re.match(r"\s*\w", line) and not (n and lines[n - 1].rstrip().endswith("&"))
    ]


def _first_loop(lines: list[str]) -> int:
    """The place of the first `run` or `minimize` among the commands."""
    return next(at for at, n in enumerate(_commands(lines)) if lines[n].split()[0] in ("run", "minimize"))


def _joined(lines: list[str]) -> str:
    return "\n".join(lines) + "\n"
