"""Linux system calls through ctypes, with errors as `OSError`."""

from __future__ import annotations

import ctypes
import os
from functools import cache


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
