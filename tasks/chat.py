"""What a model is told: the same words in evaluation, training and environments."""

from __future__ import annotations

from mdevalbench.lammps import install

SYSTEM = """\
You write input scripts for LAMMPS (version {lammps}).
Answer with one complete script in one fenced code block. It is run once, exactly as written, by a single process \
in an empty folder, without network and without shell. Potential files that ship with LAMMPS are found by their name."""


def system_message() -> str:
    """What every model is told before the prompt of a task."""
    return SYSTEM.format(lammps=lammps_version())


def messages(prompt: str) -> list[dict[str, str]]:
    """A prompt as the chat that a model is to answer, in the form that trainers and servers take."""
    return [{"role": "system", "content": system_message()}, {"role": "user", "content": prompt}]


def lammps_version() -> str:
    """The date that names the LAMMPS in use, as in `22 Jul 2025` (update 4: `22 Jul 2025, update 4`)."""
    year, month, day, *update = install.version().split(".")
    name = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()[int(month) - 1]
    return f"{int(day)} {name} {year}" + (f", update {update[0]}" if update and update[0] != "0" else "")
