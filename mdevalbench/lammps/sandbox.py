"""The walls around an untrusted LAMMPS script.

LAMMPS can run programs, open any file, talk to sockets and load libraries; a script of unknown origin is therefore run
in a forked child of a worker which calls `enter` just before it reads the script. From then on the child, whatever code
it may be tricked into running, and whether or not it runs as root, can

- read, make and write files in its job folder (not remove or rename them: a file without a name would fill the disk
  unseen), and read the files it was given (potentials), /dev/null and /dev/urandom;
- compute, in several threads, within the limits on CPU seconds, memory and size of a file;
- write to its standard output and to the descriptors that it was handed

and nothing else. The walls, in the order in which they go up:

1. *session*: no terminal, a process group of its own, and the kernel kills it when the worker dies;
2. *descriptors*: all closed but the output and those named, whose pipes nobody can open anew; standard input is empty;
   memory that MPI shares between processes through /dev/shm becomes a private copy, so that no run can touch another
   one's;
3. *environment*: emptied but for the variables of LAMMPS, OpenMP and MPI (keys of APIs live there);
4. *limits*: CPU seconds, address space, size of a file, open files, threads; no core dump, no locked memory;
5. *privileges*: all capabilities dropped, none to be gained, no tracing by its like;
6. *Landlock*: files (see `_landlock`); not /proc, /etc, /usr, /dev/shm, nor other jobs' folders;
7. *seccomp*: system calls (see `_seccomp`): no processes, programs, sockets, signals to others, shared memory, ...

What these walls do **not** cover:

- the sum of all files in the job folder and their number (the limit is per file): the worker's parent must watch it;
- wall time, output through a pipe, and sleeping: the parent must kill a child that takes too long or prints too much;
- whatever is in the memory of the worker when it forks: it must hold no answers and no keys; anonymous shared memory
  (the evidence) stays shared, and code that a script smuggled in could write there;
- existence, size and times of files anywhere: Landlock does not hide what stat() tells, only the content;
- the number of threads when run as root, on whom the process limit does not bind (the address space still does);
- load on the shared machine: CPU caches, memory bandwidth, disk traffic and what can be timed through them
  (side channels of the processor included);
- bugs of the kernel. A container or a virtual machine around the harness is the second wall for those who need one.
"""

from __future__ import annotations

import ctypes
import math
import os
import resource
import signal
import stat
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from mdevalbench.errors import IsolationUnavailable
from mdevalbench.lammps import _landlock, _seccomp
from mdevalbench.lammps._kernel import libc, make_private, prctl, syscall
from mdevalbench.types import Limits

_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE, _PR_CAPBSET_DROP, _PR_SET_NO_NEW_PRIVS = 1, 4, 24, 38
_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL = 47, 4
_CAPABILITY_VERSION_3 = 0x20080522
_CLOSE_RANGE = 436  # the same on every architecture
_LAST_DESCRIPTOR = 2**31 - 1
_KEPT_ENVIRONMENT = ("LAMMPS_", "OMP_", "UCX_", "MPICH_", "MPIR_", "FI_", "LANG", "LC_", "TZ")
_SHARED_MEMORY = "/dev/shm/"
_OPEN_FILES, _PROCESSES, _QUEUED_SIGNALS = 256, 4096, 1024
_CPU_GRACE_SECONDS = 2
"""time between the signal at the CPU limit and the kill, for a script that ignores the first"""


@dataclass(frozen=True, slots=True)
class Support:
    """What this kernel offers for isolation."""

    landlock_abi: int
    """version of Landlock, 0 for none"""
    seccomp: bool
    reasons: tuple[str, ...]
    """what is missing, in plain words; empty if scripts can be isolated"""


@dataclass(frozen=True, slots=True)
class Policy:
    """What a sandboxed process may reach."""

    folder: Path
    """the job folder: read, write and make files, make and remove folders; becomes the working directory"""
    readable: tuple[Path, ...]
    """files, or folders with everything beneath, to read"""
    limits: Limits
    keep_fds: tuple[int, ...]
    """open descriptors to keep beside standard output and error"""
    parent: int
    """process id of the worker, taken before the fork: the child dies with it"""


def support() -> Support:
    """Ask the kernel what isolation it offers; changes nothing."""
    if sys.platform != "linux":
        return Support(0, False, ("isolation needs Linux",))
    abi = _landlock.abi()
    no_seccomp = _seccomp.missing()
    no_landlock = "the kernel offers no Landlock (Linux 5.13 or later, with landlock among its security modules)"
    return Support(abi, not no_seccomp, tuple(filter(None, ("" if abi else no_landlock, no_seccomp))))


def require() -> None:
    """Refuse to go on where scripts cannot be isolated.

    Raises:
        IsolationUnavailable: with what is missing and what to do.
    """
    reasons = support().reasons
    if reasons:
        raise IsolationUnavailable(
            f"untrusted scripts cannot be isolated here: {'; '.join(reasons)}. Run on such a kernel, in a container "
            "whose seccomp profile allows the landlock_* calls, or, for scripts that you trust, with --unsafe."
        )


def prepare() -> None:
    """Do once in a worker what else every child would have to do. `enter` does not depend on it."""
    make_private(_SHARED_MEMORY)
    _seccomp.prepare()


def enter(policy: Policy) -> None:
    """Put up the walls around this process, for the rest of its life. Must be called in a forked child with one thread.

    Call it after LAMMPS and MPI are initialised (their start needs files and system calls that are refused from here
    on) and before OpenMP has started threads: a thread that exists already would stay outside.

    Raises:
        IsolationUnavailable: a wall did not stand; the process must not run anything untrusted and should exit.
    """
    threads = len(os.listdir("/proc/self/task"))
    if threads != 1:
        raise IsolationUnavailable(
            f"this process has {threads} threads, and those that exist already would stay outside the walls: "
            "start MPI with UCX_TLS=self and UCX_MEM_EVENTS=n (or before the fork), and OpenMP after this call"
        )
    try:
        _own_session(policy.parent)
        os.chdir(policy.folder)
        _close_descriptors(policy.keep_fds)
        make_private(_SHARED_MEMORY)
        _empty_environment()
        _limit(policy.limits)
        _drop_privileges()
        _landlock.restrict(policy.folder, policy.readable)
        _seccomp.restrict()
    except (OSError, ValueError) as error:
        raise IsolationUnavailable(f"a wall of the sandbox did not stand: {error}") from error


def _own_session(parent: int) -> None:
    """Leave the worker's session and terminal, and die when the worker dies (or died before this took effect)."""
    if os.getsid(0) != os.getpid():
        os.setsid()
    prctl("death signal", _PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGKILL)


def _close_descriptors(keep: tuple[int, ...]) -> None:
    """Close everything but 0, 1, 2 and `keep`; standard input reads as an empty file.

    Nobody may open the pipes among them: through /proc/self/fd a script could otherwise write into the harness's own,
    or read from one and sleep for ever. Landlock does not cover pipes.
    """
    source, _ = os.pipe()  # both ends are closed with the rest below, which leaves descriptor 0 at its end of file
    os.dup2(source, 0)
    for descriptor in {0, 1, 2, *keep}:
        info = os.fstat(descriptor)
        if stat.S_ISFIFO(info.st_mode) and info.st_uid == os.geteuid():
            os.fchmod(descriptor, 0)
    first = 3
    for descriptor in (*sorted(fd for fd in set(keep) if fd > 2), _LAST_DESCRIPTOR + 1):
        if descriptor > first:
            syscall("close_range", _CLOSE_RANGE, first, descriptor - 1, 0)
        first = descriptor + 1


def _empty_environment() -> None:
    for name in list(os.environ):
        if not name.startswith(_KEPT_ENVIRONMENT):
            del os.environ[name]


def _limit(limits: Limits) -> None:
    """Set resource limits; those of CPU and memory count from what the process has used so far."""
    for number in (signal.SIGXCPU, signal.SIGXFSZ):
        signal.signal(number, signal.SIG_DFL)
    pages = int(Path("/proc/self/statm").read_bytes().split()[0])
    cpu = max(1, math.ceil(time.process_time() + limits.cpu_seconds))
    wanted = {
        resource.RLIMIT_CPU: (cpu, cpu + _CPU_GRACE_SECONDS),
        resource.RLIMIT_AS: pages * resource.getpagesize() + limits.memory_bytes,
        resource.RLIMIT_FSIZE: limits.folder_bytes,
        resource.RLIMIT_NOFILE: _OPEN_FILES,
        resource.RLIMIT_NPROC: _PROCESSES,
        resource.RLIMIT_SIGPENDING: _QUEUED_SIGNALS,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_MEMLOCK: 0,
        resource.RLIMIT_MSGQUEUE: 0,
        resource.RLIMIT_NICE: 0,
        resource.RLIMIT_RTPRIO: 0,
    }
    for which, value in wanted.items():
        soft, hard = value if isinstance(value, tuple) else (value, value)
        ceiling = resource.getrlimit(which)[1]
        if ceiling != resource.RLIM_INFINITY:
            soft, hard = min(soft, ceiling), min(hard, ceiling)
        resource.setrlimit(which, (soft, hard))


def _drop_privileges() -> None:
    """Give up every capability for good, and refuse to be traced or dumped."""
    prctl("ambient capabilities", _PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL)
    for capability in range(64):
        try:
            prctl("bounding set", _PR_CAPBSET_DROP, capability)
        except OSError:  # past the last capability, or not privileged: then nothing can be gained from the set either
            break
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    none = (ctypes.c_uint32 * 6)()
    if libc().capset(header, none) != 0:
        raise OSError(ctypes.get_errno(), "capset: the capabilities could not be dropped")
    prctl("no new privileges", _PR_SET_NO_NEW_PRIVS, 1)
    prctl("dumpable", _PR_SET_DUMPABLE, 0)
