"""A user's own build of LAMMPS: what it is, and a flight recorder compiled for it.

Both are kept under `<cache folder>/mdevalbench/lammps`, by the content of the library.
"""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import platformdirs

from mdevalbench.errors import UsageError
from mdevalbench.lammps import _compile, _inquiry
from mdevalbench.lammps._locate import Installation, packaged

_HERE = Path(__file__).parent
_SOURCES = (_HERE / "recorder.cpp", _HERE / "recorder_address.cpp")
_OPEN_MPI = re.compile(r"libmpi\.so\.[248]0")
_MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()
_DATE = re.compile(r"(\d+) ([A-Z][a-z]{2})[a-z]* (\d{4})")
_SAME = "headers and library must come from one build: give --lammps the folder where both are"


@dataclass(frozen=True, slots=True)
class Facts:
    """What LAMMPS says of itself."""

    number: int
    """date of the release, YYYYMMDD"""
    banner: str
    """what it prints first, e.g. `LAMMPS (29 Aug 2024 - Update 3)`; empty if unknown"""
    exceptions: bool
    """whether an error leaves the process alive"""
    tagint: int
    bigint: int
    """bytes of LAMMPS's integers for atom ids and for counts"""
    packages: tuple[str, ...]

    @property
    def version(self) -> str:
        """Year, month, day and update, as in `2024.8.29.3`."""
        year, month, day = self.number // 10000, self.number // 100 % 100, self.number % 100
        update = re.search(r"Update (\d+)", self.banner)
        return f"{year}.{month}.{day}.{update[1] if update else 0}"


@cache
def facts(lammps: Installation) -> Facts:
    """Ask it, or read what it answered before. Raises `HarnessFault` if it does not start."""
    file = _folder(lammps) / "facts.json"
    try:
        kept = json.loads(file.read_text())
        return Facts(**{**kept, "packages": tuple(kept["packages"])})
    except (OSError, ValueError, TypeError, KeyError):
        answer = _inquiry.ask(_inquiry.FACTS)
        file.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", dir=file.parent, delete=False) as new:
            json.dump(answer, new)
        Path(new.name).replace(file)
        return Facts(**{**answer, "packages": tuple(answer["packages"])})


@cache
def digest(library: Path) -> str:
    """SHA-256 of a library, the first 16 digits."""
    with library.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()[:16]


def recorder(lammps: Installation) -> Path:
    """The recorder compiled against the headers of this build.

    Raises:
        UsageError: headers or compiler are missing, or the build is one that cannot be recorded; with what to do.
    """
    headers = _fit(lammps)
    includes = [headers, _mpi_headers(lammps, headers)]
    options = _options(facts(lammps))
    state = hashlib.sha256(" ".join(options).encode())
    sources = sorted([*_HERE.glob("recorder*.h"), *_HERE.glob("recorder*.cpp")])
    for file in (*sources, *sorted(headers.glob("*.h")), includes[1] / "mpi.h"):
        state.update(file.name.encode() + b"\0" + file.read_bytes())
    target = _folder(lammps) / f"recorder-{state.hexdigest()[:16]}.so"
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent) as folder:
            new = Path(folder) / target.name
            _make(lammps, includes, options, new)
            new.replace(target)
    return target


def _folder(lammps: Installation) -> Path:
    return platformdirs.user_cache_path("mdevalbench") / "lammps" / digest(lammps.library)


def _fit(lammps: Installation) -> Path:
    """Folder of the headers of a build that can be recorded; UsageError for one that cannot."""
    found, name = facts(lammps), lammps.library
    if not found.exceptions:
        raise UsageError(
            f"{name} ends the process at every error: build it with cmake -D LAMMPS_EXCEPTIONS=yes "
            "(LAMMPS from 2024 on always has it)"
        )
    if found.bigint != 8:
        raise UsageError(f"{name} counts with {8 * found.bigint} bits: build it with cmake -D LAMMPS_SIZES=smallbig")
    if lammps.headers is None:
        raise UsageError(
            f"no lammps.h belongs to {name}, and the flight recorder is compiled against the headers of the build: "
            f"copy src/ of its source tree, without the .cpp files, to {name.parent.parent}/include/lammps, or give "
            "--lammps the build folder beside the source tree"
        )
    told = _header_version(lammps.headers)
    if told not in (None, found.number):
        raise UsageError(f"the headers in {lammps.headers} are of LAMMPS {told}, but {name} is {found.number}: {_SAME}")
    return lammps.headers


def _header_version(headers: Path) -> int | None:
    """Date (YYYYMMDD) that headers say they are of: version.h of a source tree, or pkg-config's file beside them."""
    source = headers / "version.h"
    if source.is_file() and (date := _DATE.search(source.read_text())):
        return int(date[3]) * 10000 + (_MONTHS.index(date[2]) + 1) * 100 + int(date[1])
    prefix = headers.parent.parent
    for pattern in ("pkgconfig", "lib*/pkgconfig", "lib/*-linux-gnu/pkgconfig"):
        for file in prefix.glob(f"{pattern}/liblammps*.pc"):
            if version := re.search(r"^Version: *(\d{8}|\d{4}\.\d+\.\d+)", file.read_text(), re.MULTILINE):
                year, month, day = (*version[1].split("."), "", "")[:3]
                return int(year) if not month else int(year) * 10000 + int(month) * 100 + int(day)
    return None


def _mpi_headers(lammps: Installation, headers: Path) -> Path:
    """Folder of an mpi.h whose handles are those of the build's MPI.

    They are pointers in Open MPI, and integers in MPICH, its kin and LAMMPS's own stubs.
    """
    if lammps.mpi is None or not _OPEN_MPI.match(lammps.mpi.name):
        stubs = headers / "STUBS"
        return stubs if lammps.mpi is None and (stubs / "mpi.h").is_file() else packaged("mpich", "mpi.h").parent
    here, real = lammps.mpi.parent, lammps.mpi.resolve().parent
    for folder in (real.parent / "include", real / "openmpi" / "include", here.parent / "include", *_told_by_mpicc()):
        if (folder / "mpi.h").is_file() and "OPEN_MPI" in (folder / "mpi.h").read_text(errors="replace"):
            return folder
    raise UsageError(f"mpi.h of Open MPI is not found near {lammps.mpi}: install its headers (libopenmpi-dev)")


def _told_by_mpicc() -> Iterator[Path]:
    try:
        told = subprocess.run(["mpicc", "--showme:incdirs"], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return
    yield from map(Path, told.stdout.split())


def _options(found: Facts) -> list[str]:
    """What LAMMPS's headers look different with."""
    sizes = "-DLAMMPS_BIGBIG" if found.tagint == 8 else "-DLAMMPS_SMALLBIG"
    return ["-DLAMMPS_EXCEPTIONS", "-DOMPI_SKIP_MPICXX", "-DMPICH_SKIP_MPICXX", sizes]


def _make(lammps: Installation, includes: list[Path], options: list[str], target: Path) -> None:
    """Compile, and prove that the result stands in front of this library."""
    try:
        if missing := _compile.missing_headers(_SOURCES[0], includes, options):
            raise UsageError(
                f"headers are missing beside {includes[0]}: {', '.join(sorted(missing))}. Copy them, and all "
                "other *.h files, from src/ of the LAMMPS source tree of this very version"
            )
        defined = _symbols(lammps.library, defined=True)
        if any(name.startswith("_ZN9LAMMPS_NS5Error3allERKSs") for name in defined):
            options = [*options, "-D_GLIBCXX_USE_CXX11_ABI=0"]  # strings of GCC before version 5
        _compile.compile_recorder(_SOURCES, includes, target, options)
    except _compile.CompilationFailed as error:
        raise UsageError(f"{error}\nLAMMPS: {lammps.library}; headers: {includes[0]}") from error
    wanted = {name for name in _symbols(target, defined=False) if "9LAMMPS_NS" in name}
    if lacking := sorted(wanted - defined):
        raise UsageError(f"{lammps.library} has no {', '.join(lacking)}, which its headers promise: {_SAME}")
    _require_in_front(lammps.library, target, defined)
    if misplaced := _inquiry.ask({"layout": str(target)}):
        raise UsageError(
            f"the headers in {includes[0]} do not fit {lammps.library}: {', '.join(misplaced)} lie elsewhere: {_SAME}"
        )


def _require_in_front(library: Path, recorder: Path, defined: set[str]) -> None:
    """The library must have the functions that the recorder stands in for, and must call them by name."""
    ours = {name for name in _symbols(recorder, defined=True) if name.startswith("_ZN9LAMMPS_NS")}
    by_name = {line.split()[4] for line in _read_elf("-r", library) if "LAMMPS_NS" in line}
    for name in sorted(ours - by_name):
        classes = re.match(r"_ZN9LAMMPS_NS\d+\D+", name)
        if name in defined:
            raise UsageError(
                f"{library} does not call {name} by name, so that nothing can stand in front of it: build it without "
                "-Bsymbolic, -fno-semantic-interposition, link-time optimisation and hidden symbols"
            )
        if classes and any(other.startswith(classes[0]) for other in defined):  # else its package is not in this build
            raise UsageError(f"{library} has no {name}: this version of LAMMPS cannot be recorded")


def _symbols(file: Path, defined: bool) -> set[str]:
    """Names of functions that a shared library gives to others, or wants of them."""
    rows = (line.split() for line in _read_elf("--dyn-syms", file))
    return {
        row[7].split("@")[0]
        for row in rows
        if len(row) >= 8 and row[3] in ("FUNC", "NOTYPE") and (row[6] != "UND") is defined
    }


def _read_elf(what: str, file: Path) -> Iterable[str]:
    try:
        done = subprocess.run(["readelf", "-W", what, str(file)], capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        raise UsageError("readelf is needed to look into LAMMPS: install binutils") from error
    return done.stdout.splitlines()
