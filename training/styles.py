"""The same script in other words: what people differ in and LAMMPS does not mind.

A model that saw each recipe in one spelling only would learn the spelling. Layout, comments and names of variables
change here; no command is added, left out or moved, so that what is right stays right.
"""

from __future__ import annotations

import random
import re

from mdevalbench.tasks.scripts import rename_variables

_FENCES = ("lammps", "lammps", "lammps", "", "lmp", "text")
_OPENINGS = (
    "",
    "",
    "",
    "Here is the input script.\n\n",
    "This script does it:\n\n",
    "The following script computes it and reports the result at its end.\n\n",
)


def restyled(script: str, rng: random.Random) -> str:
    """A script with the layout, comments and variable names that `rng` chooses."""
    if rng.random() < 0.1:
        script = rename_variables(script)
    if rng.random() < 0.8:
        script = re.sub(r"(?m)^[ \t]*#.*\n", "", script)
    if rng.random() < 0.9:
        script = _single_blanks(script)
    if rng.random() < 0.3:
        script = re.sub(r"\n{2,}", "\n", script)
    return script.strip("\n") + "\n"


def answer(script: str, rng: random.Random) -> str:
    """A script as a model's answer gives it: in a fence, now and then after a sentence."""
    return f"{rng.choice(_OPENINGS)}```{rng.choice(_FENCES)}\n{script}```"


def _single_blanks(script: str) -> str:
    """Columns that were aligned by blanks, with one blank; what stands in quotes is left alone."""
    parts = re.split(r"(\"[^\"\n]*\"|'[^'\n]*')", script)
    return "".join(part if number % 2 else re.sub(r"(?<=\S)[ \t]{2,}", " ", part) for number, part in enumerate(parts))
