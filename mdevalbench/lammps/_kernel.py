"""Linux system calls through ctypes, with errors as `OSError`."""

from __future__ import annotations

import ctypes
import mmap
import os
from functools import cache
from pathlib import Path


@cache
def libc() -> ctypes.CDLL:
    """The C library of this process."""
    return ctypes.CDLL(None, use_errno=True)


def _checked(what: str, result: int) -> int:
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, f"{what}: {os.strerror(code)}")
    return result


def prctl(what: str, option: int, *args: int) -> int:
    """Call prctl(2) with up to four further arguments (the rest are 0); `what` names the call in an error.

    Raises:
        OSError: the kernel refused.
    """
    values = [ctypes.c_ulong(value) for value in (*args, 0, 0, 0, 0)[:4]]
    return _checked(what, int(libc().prctl(ctypes.c_int(option), *values)))


def syscall(what: str, number: int, *args: int | None) -> int:
    """Call a system call that the C library may have no function for (None is a null pointer).

    Raises:
        OSError: the kernel refused; ENOSYS when it has no such call.
    """
    values = [ctypes.c_long(0 if value is None else value) for value in args]
    function = libc().syscall
    function.restype = ctypes.c_long
    return _checked(what, int(function(ctypes.c_long(number), *values)))


_MAP_FIXED = 0x10  # the same on x86_64 and aarch64


def make_private(prefix: str) -> None:
    """Replace writable memory shared through files whose path begins with `prefix` by a private copy of its content.

    Raises:
        OSError: the kernel refused.
    """
    remap = libc().mmap
    remap.restype = ctypes.c_void_p
    remap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]
    maps = Path("/proc/self/maps").read_bytes().decode()
    for line in maps.splitlines() if prefix in maps else ():
        fields = line.split(maxsplit=5)  # addresses, permissions, offset, device, inode, path
        if fields[1] == "rw-s" and len(fields) == 6 and fields[5].startswith(prefix):
            start, end = (int(bound, 16) for bound in fields[0].split("-"))
            content = ctypes.string_at(start, end - start)
            flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | _MAP_FIXED
            if remap(start, end - start, mmap.PROT_READ | mmap.PROT_WRITE, flags, -1, 0) != start:
                raise OSError(ctypes.get_errno(), f"mmap: memory shared through {fields[5]} could not be made private")
            ctypes.memmove(start, content, len(content))
