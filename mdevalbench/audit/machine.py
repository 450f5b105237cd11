"""What can be seen of this machine from outside a sandbox: processes, shared memory, files. Linux only."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from mdevalbench.lammps._kernel import prctl

_PR_SET_CHILD_SUBREAPER = 36
_MPICH = re.compile(r"mpich_shm_([0-9a-f]+)_\d+")
_WORKER = b"mdevalbench.lammps.worker"
_HASHED_BYTES = 1 << 16

State = dict[str, object]
"""what there is, in words -> something that differs when it was changed"""


def differences(before: Mapping[str, object], after: Mapping[str, object]) -> list[str]:
    """What appeared, vanished or changed, in words."""
    found = [f"{name} appeared" for name in after.keys() - before.keys()]
    found += [f"{name} is gone" for name in before.keys() - after.keys()]
    found += [f"{name} was changed" for name in before.keys() & after.keys() if before[name] != after[name]]
    return sorted(found)


@contextmanager
def orphans_come_home() -> Iterator[None]:
    """Descendants whose parents end become children of this process meanwhile, so that no double fork hides them."""
    prctl("subreaper", _PR_SET_CHILD_SUBREAPER, 1)
    try:
        yield
    finally:
        prctl("subreaper", _PR_SET_CHILD_SUBREAPER, 0)


def processes() -> State:
    """This process and all its descendants: when each began, its priority, signals, processors and descriptors."""
    parents, found = _parents(), State()
    for pid in parents:
        above = pid
        while above != os.getpid() and above in parents:
            above = parents[above]
        signs = _vital_signs(pid) if above == os.getpid() else None
        if signs is not None:
            found[f"process {pid}"] = signs
    return found


def end_strays(before: Mapping[str, object]) -> None:
    """Kill and bury what came home as our child since `before`, but for workers, who have an owner."""
    for pid, parent in _parents().items():
        if parent == os.getpid() and f"process {pid}" not in before:
            with suppress(FileNotFoundError, ProcessLookupError, ChildProcessError):
                if _WORKER not in Path(f"/proc/{pid}/cmdline").read_bytes():
                    os.kill(pid, signal.SIGKILL)
                    os.waitpid(pid, 0)


def _parents() -> dict[int, int]:
    """Process -> its parent, for all that there are."""
    parents = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                parents[int(folder.name)] = int(_stat(int(folder.name))[1])
            except (FileNotFoundError, ProcessLookupError):
                continue  # it has just ended
    return parents


def _stat(pid: int) -> list[str]:
    """Fields of /proc/PID/stat from the third (state) on."""
    return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()


def _vital_signs(pid: int) -> tuple[object, ...] | None:
    """What stays as it is in a process that nobody tampers with; None if it has just ended."""
    try:
        stat, status = _stat(pid), Path(f"/proc/{pid}/status").read_text(encoding="utf-8", errors="replace")
        signals = re.findall(r"^(?:SigIgn|SigCgt|CoreDumping):\s*(\S+)", status, re.MULTILINE)
        descriptors = None if pid == os.getpid() else _descriptors(pid)
        state = stat[0] if stat[0] in "TtZX" else "alive"
        return stat[19], state, stat[16], os.sched_getaffinity(pid), signals, descriptors
    except (FileNotFoundError, ProcessLookupError):
        return None


def _descriptors(pid: int) -> list[str]:
    """What the descriptors of a process point to, sockets by their number."""
    found = []
    try:
        for link in Path(f"/proc/{pid}/fd").iterdir():
            with suppress(FileNotFoundError):
                found.append(os.readlink(link))
    except PermissionError:
        return ["hidden, as those of a sandboxed process are"]
    return sorted(found)


def shared_memory() -> State:
    """System V objects of this user, and what MPI left in /dev/shm for this process or its descendants."""
    found = State()
    for kind, what in (("shm", "shared memory"), ("sem", "semaphores"), ("msg", "message queue")):
        header, *rows = Path(f"/proc/sysvipc/{kind}").read_text().splitlines()
        column = header.split().index("cuid")
        for fields in map(str.split, rows):
            if int(fields[column]) == os.geteuid():
                found[f"System V {what} {fields[1]}"] = fields[0]
    ours = {int(name.split()[1]) for name in processes()}
    for path in Path("/dev/shm").iterdir():
        mpi = _MPICH.fullmatch(path.name)
        if mpi and int(mpi[1], 16) in ours:
            found[str(path)] = None
    return found


def files(folder: Path) -> State:
    """Everything below a folder, with what changes when it is written, replaced or touched."""
    return {str(path): _signs(path) for path in folder.rglob("*")}


def _signs(path: Path) -> tuple[object, ...]:
    info = path.lstat()
    if path.is_symlink():
        return info.st_mode, os.readlink(path)
    if path.is_dir():
        return info.st_mode, info.st_uid
    small = path.is_file() and info.st_size <= _HASHED_BYTES
    return info.st_ino, info.st_mode, info.st_uid, info.st_size, info.st_mtime_ns, small and path.read_bytes()
