"""A seccomp filter: which system calls a process may still make, for the rest of its life.

A list of what is allowed, not of what is forbidden: a system call that nobody thought of, or that a later kernel adds,
is refused. Refusal is the error EPERM (so that LAMMPS can say what it could not do) and ENOSYS for `clone3` and for
calls newer than this list (so that the C library falls back on older ones); calls of a foreign architecture or of the
x32 interface, whose numbers mean something else, kill the process.

Refused that way, among others: every way to make a process (fork, vfork, clone without CLONE_THREAD) or to become
another program (execve, and new executable memory, hence shared libraries); sockets of any family; signals to anyone
else; own session or group; ptrace, process_vm_*, pidfd_*; chmod, chown, utimes, xattr, mknod, link, symlink, truncate
by path; removing, renaming and nameless files, which could grow where nobody who watches the job folder sees them;
System V and POSIX shared memory, semaphores, message queues, memfd; io_uring, aio, bpf, perf_event_open, userfaultfd,
keys; mounts, namespaces, chroot, users and capabilities; priorities, limits and other processes'
affinity; modules, reboot, clocks, quotas, accounting, kernel log; file leases, locks and signal-driven I/O (fcntl),
terminal injection and any device command (ioctl), and undoing the death signal (prctl).
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import struct
from dataclasses import dataclass
from functools import cache

from mdevalbench.lammps._kernel import prctl

_PR_SET_SECCOMP, _MODE_FILTER = 22, 2
_ALLOW, _ERRNO, _KILL_PROCESS = 0x7FFF0000, 0x00050000, 0x80000000
_EPERM, _ENOSYS = _ERRNO | errno.EPERM, _ERRNO | errno.ENOSYS
_LOAD, _AND, _JUMP_IF_EQUAL, _JUMP_IF_GREATER, _RETURN = 0x20, 0x54, 0x15, 0x25, 0x06
_NUMBER_AT, _ARCH_AT, _ARGS_AT = 0, 4, 16  # offsets in struct seccomp_data
_CLONE3, _NEWEST = 435, 450  # the same on both architectures; the last call that this list knows of
_X32 = 0x40000000

_ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}  # AUDIT_ARCH_*; both are little-endian

_Numbers = dict[str, tuple[int | None, int | None]]
"""name -> number on x86_64 and on aarch64 (None where the architecture has no such call)"""

# Files that are open already or that Landlock lets be opened, and the names in the job folder.
_FILES: _Numbers = {
    "read": (0, 63), "write": (1, 64), "readv": (19, 65), "writev": (20, 66), "pread64": (17, 67), "pwrite64": (18, 68),
    "preadv": (295, 69), "pwritev": (296, 70), "lseek": (8, 62), "ftruncate": (77, 46), "fsync": (74, 82),
    "fdatasync": (75, 83), "fadvise64": (221, 223), "creat": (85, None), "close": (3, 57),
    "close_range": (436, 436), "dup": (32, 23), "dup2": (33, None), "dup3": (292, 24),
    "pipe": (22, None), "pipe2": (293, 59), "poll": (7, None), "ppoll": (271, 73), "select": (23, None),
    "pselect6": (270, 72), "stat": (4, None), "fstat": (5, 80), "lstat": (6, None), "newfstatat": (262, 79),
    "statx": (332, 291), "statfs": (137, 43), "fstatfs": (138, 44), "access": (21, None), "faccessat": (269, 48),
    "faccessat2": (439, 439), "readlink": (89, None), "readlinkat": (267, 78), "getdents": (78, None),
    "getdents64": (217, 61), "getcwd": (79, 17), "chdir": (80, 49), "fchdir": (81, 50), "mkdir": (83, None),
    "mkdirat": (258, 34), "rmdir": (84, None),
}  # fmt: skip
# Own memory (bounded by the address-space limit; executable memory is refused below).
_MEMORY: _Numbers = {"brk": (12, 214), "munmap": (11, 215), "mremap": (25, 216), "madvise": (28, 233)}
# Threads of this process: OpenMP.
_THREADS: _Numbers = {
    "futex": (202, 98), "set_robust_list": (273, 99), "rseq": (334, 293), "membarrier": (324, 283),
    "gettid": (186, 178), "sched_yield": (24, 124), "sched_getaffinity": (204, 123), "getcpu": (309, 168),
    "exit": (60, 93), "exit_group": (231, 94), "restart_syscall": (219, 128),
}  # fmt: skip
# Handling of signals that arrive (a segmentation fault, the CPU limit); sending is below.
_SIGNALS: _Numbers = {
    "rt_sigaction": (13, 134), "rt_sigprocmask": (14, 135), "rt_sigreturn": (15, 139), "sigaltstack": (131, 132),
}  # fmt: skip
# Questions about time, this process and this machine.
_QUESTIONS: _Numbers = {
    "clock_gettime": (228, 113), "clock_getres": (229, 114), "gettimeofday": (96, 169), "time": (201, None),
    "times": (100, 153), "getrusage": (98, 165), "getrlimit": (97, 163), "nanosleep": (35, 101),
    "clock_nanosleep": (230, 115), "getpid": (39, 172), "getppid": (110, 173), "getuid": (102, 174),
    "geteuid": (107, 175), "getgid": (104, 176), "getegid": (108, 177), "uname": (63, 160), "sysinfo": (99, 179),
    "getrandom": (318, 278),
}  # fmt: skip
# Allowed for some arguments only: see `_checks`.
_CHECKED: _Numbers = {
    "clone": (56, 220), "mmap": (9, 222), "mprotect": (10, 226), "kill": (62, 129), "tgkill": (234, 131),
    "open": (2, None), "openat": (257, 56), "unlinkat": (263, 35), "fcntl": (72, 25), "ioctl": (16, 29),
    "prctl": (157, 167), "prlimit64": (302, 261), "sched_setaffinity": (203, 122),
}  # fmt: skip

_CLONE_THREAD, _CLONE_NEW = 0x00010000, 0x7E020000  # all CLONE_NEW* that clone() can be given
_PROT_EXEC = 0x4
_NAMELESS = 0x400000  # of O_TMPFILE
_AT_REMOVEDIR = 0x200
_FCNTL = (0, 1, 2, 3, 1030)  # F_DUPFD, F_GETFD, F_SETFD, F_GETFL, F_DUPFD_CLOEXEC
_IOCTL = (0x5401, 0x5413, 0x541B, 0x5450, 0x5451)  # TCGETS, TIOCGWINSZ, FIONREAD, FIONCLEX, FIOCLEX
_PRCTL = (15, 16, 0x53564D41)  # PR_SET_NAME, PR_GET_NAME, PR_SET_VMA (names of memory regions)


@dataclass(frozen=True, slots=True)
class _Check:
    """Allowed only if `argument & mask` is one of `values` (of 32 bits; with `wide`, the upper half must be 0)."""

    argument: int
    values: tuple[int, ...]
    mask: int = 0xFFFFFFFF
    wide: bool = False


def _checks(pid: int) -> dict[str, tuple[_Check, ...]]:
    """What the arguments of the calls in `_CHECKED` must be, for the process `pid`."""
    no_new_code = (_Check(2, (0,), mask=_PROT_EXEC),)
    myself = (_Check(0, (pid,)),)
    return {
        "clone": (_Check(0, (_CLONE_THREAD,), mask=_CLONE_THREAD | _CLONE_NEW),),
        "mmap": no_new_code,
        "mprotect": no_new_code,
        "kill": myself,
        "tgkill": myself,
        "open": (_Check(1, (0,), mask=_NAMELESS),),
        "openat": (_Check(2, (0,), mask=_NAMELESS),),
        "unlinkat": (_Check(2, (_AT_REMOVEDIR,)),),
        "fcntl": (_Check(1, _FCNTL),),
        "ioctl": (_Check(1, _IOCTL),),
        "prctl": (_Check(0, _PRCTL),),
        "prlimit64": (_Check(0, (0, pid)), _Check(2, (0,), wide=True)),  # asking, not setting
        "sched_setaffinity": (_Check(0, (0, pid)),),
    }


class _Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p)]


def _instruction(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("=HBBI", code, if_true, if_false, value)


def _unless_allowed(check: _Check) -> bytes:
    """Return EPERM unless `check` holds; fall through if it does."""
    low = _ARGS_AT + 8 * check.argument
    refuse = _instruction(_RETURN, _EPERM)
    code = b""
    if check.wide:
        code += _instruction(_LOAD, low + 4) + _instruction(_JUMP_IF_EQUAL, 0, if_true=1) + refuse
    code += _instruction(_LOAD, low) + _instruction(_AND, check.mask)
    for left, value in zip(range(len(check.values), 0, -1), check.values, strict=True):
        code += _instruction(_JUMP_IF_EQUAL, value, if_true=left)
    return code + refuse


@cache
def _same_for_all(machine: str) -> bytes:
    """The part of the filter that does not depend on the process."""
    column = list(_ARCHITECTURES).index(machine)
    kill, allow = _instruction(_RETURN, _KILL_PROCESS), _instruction(_RETURN, _ALLOW)
    code = [_instruction(_LOAD, _ARCH_AT), _instruction(_JUMP_IF_EQUAL, _ARCHITECTURES[machine], if_true=1), kill]
    code += [_instruction(_LOAD, _NUMBER_AT), _instruction(_JUMP_IF_GREATER, _X32 - 1, if_false=1), kill]
    for numbers in (_QUESTIONS, _THREADS, _MEMORY, _FILES, _SIGNALS):
        for number in (pair[column] for pair in numbers.values()):
            if number is not None:
                code += [_instruction(_JUMP_IF_EQUAL, number, if_false=1), allow]
    return b"".join(code)


def _program(machine: str, pid: int) -> bytes:
    """The filter as BPF instructions (8 bytes each) for an architecture of `_ARCHITECTURES`."""
    column = list(_ARCHITECTURES).index(machine)
    allow, unknown = _instruction(_RETURN, _ALLOW), _instruction(_RETURN, _ENOSYS)
    code = [_same_for_all(machine)]
    for name, checks in _checks(pid).items():
        number = _CHECKED[name][column]
        if number is not None:
            body = b"".join(map(_unless_allowed, checks)) + allow
            code += [_instruction(_JUMP_IF_EQUAL, number, if_false=len(body) // 8), body]
    code += [_instruction(_JUMP_IF_EQUAL, _CLONE3, if_false=1), unknown]
    code += [_instruction(_JUMP_IF_GREATER, _NEWEST, if_false=1), unknown, _instruction(_RETURN, _EPERM)]
    return b"".join(code)


def prepare() -> None:
    """Write down now what the filters of all later children share."""
    if platform.machine() in _ARCHITECTURES:
        _same_for_all(platform.machine())


def missing() -> str:
    """Why no filter can be installed here, in plain words; empty if one can."""
    if platform.machine() not in _ARCHITECTURES:
        return f"no system-call list for {platform.machine()} (there is one for {' and '.join(_ARCHITECTURES)})"
    try:
        prctl("seccomp", _PR_SET_SECCOMP, _MODE_FILTER, 0)
    except OSError as error:
        return "" if error.errno == errno.EFAULT else f"the kernel offers no seccomp filters ({error.strerror})"
    return "the kernel's seccomp answers nonsense"


def restrict() -> None:
    """Install the filter for this thread and its future threads. No new privileges must be in force.

    Raises:
        OSError: the kernel refused.
    """
    instructions = _program(platform.machine(), os.getpid())
    program = _Program(len(instructions) // 8, instructions)
    prctl("seccomp", _PR_SET_SECCOMP, _MODE_FILTER, ctypes.addressof(program))
