"""What LAMMPS says when asked, in a short-lived process of its own (`python -m`): LAMMPS may end it.

`ask` starts that process, which reads a request (JSON) from standard input and writes the answer (JSON) to a file in
its working directory, since LAMMPS and its libraries may print.
"""

from __future__ import annotations

import ctypes
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from mdevalbench.errors import HarnessFault
from mdevalbench.lammps import install

CATEGORIES = (
    "command", "atom", "integrate", "minimize", "pair", "bond", "angle", "dihedral", "improper",
    "kspace", "compute", "fix", "region", "dump",
)  # fmt: skip
VARIABLES = (
    "dt", "ntimestep", "units", "natoms", "nlocal", "ntypes", "boxlo", "boxhi", "xy", "xz", "yz", "periodicity",
    "boltz", "mvv2e", "nktv2p", "ftm2v",
)  # fmt: skip
"""what recorder_address.cpp knows the place of, by the names of LAMMPS's C interface"""
ANSWER = "answer.json"
INVENTORY = "inventory"
FACTS = "facts"
_SECONDS = 60
_LOG = "log"
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


def ask(request: Any) -> Any:
    """Have a new process answer a request.

    Args:
        request: INVENTORY (commands and styles), FACTS (version and how it was compiled), a list of [category, name]
            to be tried, or {"layout": PATH} for the names of variables that the recorder in that file misplaces.

    Raises:
        HarnessFault: LAMMPS ended the process, or took too long.
    """
    command = [sys.executable, "-m", "mdevalbench.lammps._inquiry"]
    environment = {**os.environ, **install.process_environment()}
    with tempfile.TemporaryDirectory(prefix="mdevalbench-") as folder:
        try:
            subprocess.run(
                command,
                input=json.dumps(request),
                capture_output=True,
                text=True,
                timeout=_SECONDS,
                cwd=folder,
                env=environment,
                check=True,
            )
            return json.loads((Path(folder) / ANSWER).read_text())
        except (subprocess.SubprocessError, OSError, ValueError) as error:
            said = (getattr(error, "stderr", None) or str(error)).strip().splitlines()
            raise HarnessFault(f"LAMMPS did not say what it knows: {said[-1] if said else 'no answer'}") from error


class _Lammps:
    """One LAMMPS, through its C interface."""

    def __init__(self) -> None:
        self.c = install.load_lammps()
        words = [b"lmp", b"-screen", b"none", b"-log", _LOG.encode(), b"-nocite"]
        self.handle = self.c.lammps_open_no_mpi(len(words), (ctypes.c_char_p * len(words))(*words), None)
        if not self.handle:
            raise HarnessFault("LAMMPS did not start")

    def complaint(self, command: str) -> str:
        """Carry a command out; LAMMPS's error message, empty if it has none."""
        self.c.lammps_command(self.handle, command.encode())
        if not self.c.lammps_has_error(self.handle):
            return ""
        message = ctypes.create_string_buffer(2000)
        self.c.lammps_get_last_error_message(self.handle, message, len(message))
        return message.value.decode(errors="replace")

    def styles(self, category: str) -> list[str]:
        """Names of the styles of a category."""
        name, found = ctypes.create_string_buffer(200), []
        for number in range(self.c.lammps_style_count(self.handle, category.encode())):
            self.c.lammps_style_name(self.handle, category.encode(), number, name, len(name))
            found.append(name.value.decode())
        return sorted(found)


def _in_child(work: Callable[[_Lammps], Iterator[Any]]) -> list[Any]:
    """What `work` yields of a LAMMPS in a process of its own, up to the point where LAMMPS may end that process."""
    reader, writer = os.pipe()
    if (child := os.fork()) == 0:
        for result in work(_Lammps()):
            os.write(writer, (json.dumps(result) + "\n").encode())
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        results = [json.loads(line) for line in pipe]
    os.waitpid(child, 0)
    return results


def replies(sequences: list[list[str]]) -> list[str]:
    """LAMMPS's error message for each sequence of commands, empty if it has none or does not survive them."""

    def one_by_one(engine: _Lammps) -> Iterator[str]:
        for commands in sequences[len(done) :]:
            yield next(filter(None, map(engine.complaint, ("clear", *commands))), "")

    done: list[str] = []
    while len(done) < len(sequences):
        done += _in_child(one_by_one) or [""]  # one that ended LAMMPS is tried again alone: it may not be to blame
    return done


def _builtin_commands() -> list[str]:
    """Commands of LAMMPS's `Input` class, which are in no list of styles.

    Candidates are the exported methods of that class; LAMMPS then says which of them it takes for commands.
    """
    library = install.chosen().library.read_bytes()
    methods = {found.decode() for found in _METHOD.findall(library)}
    candidates = {_RENAMED.get(name, name.removesuffix("_command")) for name in methods} | {*_WITHOUT_METHOD}
    names = sorted(candidates)
    answers = replies([[name] for name in names])
    return [
        name for name, answer in zip(names, answers, strict=True) if not answer.startswith("ERROR: Unknown command")
    ]


def _inventory() -> dict[str, Any]:
    def listed(engine: _Lammps) -> Iterator[dict[str, Any]]:
        styles = {category: engine.styles(category) for category in CATEGORIES}
        yield {"version": engine.c.lammps_version(engine.handle), "styles": styles}

    return {**_in_child(listed)[0], "builtin": _builtin_commands()}


def _facts() -> dict[str, Any]:
    """How LAMMPS was compiled, and the first line that it prints (empty if it does not come that far)."""
    engine = _Lammps()
    c, name, packages = engine.c, ctypes.create_string_buffer(100), []
    for number in range(c.lammps_config_package_count()):
        c.lammps_config_package_name(number, name, len(name))
        packages.append(name.value.decode())
    facts = {
        "number": c.lammps_version(engine.handle),
        "exceptions": bool(c.lammps_config_has_exceptions()),
        "tagint": c.lammps_extract_setting(engine.handle, b"tagint"),
        "bigint": c.lammps_extract_setting(engine.handle, b"bigint"),
        "packages": packages,
    }
    c.lammps_close(engine.handle)  # writes the log out
    return {**facts, "banner": (Path(_LOG).read_text().splitlines() or [""])[0]}


def _misplaced(recorder: str) -> list[str]:
    """Variables of LAMMPS that a recorder, compiled against some headers, expects elsewhere than they are."""
    engine = _Lammps()
    library = ctypes.CDLL(recorder, mode=os.RTLD_LAZY)
    library.mdeb_address.argtypes = [ctypes.c_void_p, ctypes.c_char_p]
    library.mdeb_address.restype = ctypes.c_void_p
    return [
        name
        for name in VARIABLES
        if library.mdeb_address(engine.handle, name.encode())
        != engine.c.lammps_extract_global(engine.handle, name.encode())
    ]


def _attempt(category: str, name: str) -> list[str]:
    """Commands of which the last one uses the name."""
    command = _TEMPLATE.get(category, category + "_style {}").format(name)
    return [command] if category in ("atom", "command") else [*_SETUP, command]


def _answer(request: Any) -> Any:
    if request == INVENTORY:
        return _inventory()
    if request == FACTS:
        return _facts()
    if isinstance(request, dict):
        return _misplaced(request["layout"])
    return replies([_attempt(*item) for item in request])


def main() -> None:
    """Answer one request."""
    install.start_mpi()
    Path(ANSWER).write_text(json.dumps(_answer(json.load(sys.stdin))))
    sys.stdout.flush()
    os._exit(0)  # without MPI_Finalize: not every MPI library gets through it after forks


if __name__ == "__main__":
    main()
