"""Rows of thermo output as LAMMPS prints them, with the columns that tell the time of the wall blanked."""

from __future__ import annotations

import re

CLOCKS = ("CPU", "T/CPU", "S/CPU", "CPULeft", "TimeoutLeft")
"""Headings of the thermo keywords cpu, tpcpu, spcpu, cpuremain and timeremain, which no two runs share."""
_MULTI = re.compile(r"-{4,} Step\s+\d+ ")
_MULTI_CLOCK = re.compile(rf"-* (?:{'|'.join(CLOCKS)})\s*=\s*\S+")
_YAML_ROW = re.compile(r"\s*- \[(.*)\]\s*$")
_YAML_HEAD = re.compile(r"keywords: \[(.*)\]\s*$")
_NUMBER = re.compile(r"[-+]?(?:nan|inf|\d+\.?\d*(?:e[-+]?\d+)?|\.\d+(?:e[-+]?\d+)?)", re.IGNORECASE)


def rows(output: str) -> list[str]:
    """Every row of every loop, in order. A row of style `multi` is its whole paragraph, as one string.

    Args:
        output: what LAMMPS printed on the screen or to its log.
    """
    found: list[str] = []
    heads: list[str] = []
    paragraph: list[str] | None = None
    after_memory = False
    for line in output.splitlines():
        words = line.split()
        if line.startswith("Loop time of"):
            heads, paragraph = [], None
        elif _MULTI.match(line):
            paragraph = [_MULTI_CLOCK.sub("", line)]
            found.append(paragraph[0])
        elif paragraph is not None and " = " in line:
            paragraph.append(_MULTI_CLOCK.sub("", line))
            found[-1] = "\n".join(paragraph)
        elif yaml := _YAML_HEAD.match(line):
            heads = [word.strip(" '") for word in yaml[1].split(",") if word.strip()]
        elif yaml := _YAML_ROW.match(line):
            found.append(_row([word.strip() for word in yaml[1].split(",") if word.strip()], heads))
        elif words and (after_memory or words[0] == "Step") and not all(map(_NUMBER.fullmatch, words)):
            heads, paragraph = words, None
        elif heads and len(words) == len(heads) and all(map(_NUMBER.fullmatch, words)):
            found.append(_row(words, heads))
        after_memory = line.startswith("Per MPI rank memory allocation")
    return found


def _row(words: list[str], heads: list[str]) -> str:
    """The row with one blank between words and `-` in place of clocks."""
    named = zip(words, heads, strict=False)
    return " ".join("-" if head in CLOCKS else word for word, head in named)
