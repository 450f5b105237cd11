"""Landlock: which files a process may reach, for the rest of its life.

Every right that the running kernel knows is handled, so that whatever no rule grants is refused. The kernel's
interface is versioned (its "ABI"): 1 came with Linux 5.13, 7 with Linux 6.15; older ones simply know fewer rights,
and what they miss (truncation by path, sockets, signals, device ioctl) the system-call filter refuses anyway.
"""

from __future__ import annotations

import ctypes
import os
import stat
from collections.abc import Iterable
from enum import IntFlag
from pathlib import Path

from mdevalbench.lammps._kernel import syscall

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446  # the same on every architecture
_CREATE_RULESET_VERSION = 1
_RULE_PATH_BENEATH = 1


class Access(IntFlag):
    """Rights on files and folders, in the kernel's order."""

    EXECUTE = 1 << 0
    WRITE_FILE = 1 << 1
    READ_FILE = 1 << 2
    READ_DIR = 1 << 3
    REMOVE_DIR = 1 << 4
    REMOVE_FILE = 1 << 5
    MAKE_CHAR = 1 << 6
    MAKE_DIR = 1 << 7
    MAKE_REG = 1 << 8
    MAKE_SOCK = 1 << 9
    MAKE_FIFO = 1 << 10
    MAKE_BLOCK = 1 << 11
    MAKE_SYM = 1 << 12
    REFER = 1 << 13
    TRUNCATE = 1 << 14
    IOCTL_DEV = 1 << 15


_READ = Access.READ_FILE | Access.READ_DIR
_WRITE = Access.WRITE_FILE | Access.TRUNCATE
_FOLDER = _READ | _WRITE | Access.MAKE_REG | Access.MAKE_DIR | Access.REMOVE_FILE | Access.REMOVE_DIR | Access.REFER
_OF_A_FILE = Access.EXECUTE | Access.READ_FILE | Access.WRITE_FILE | Access.TRUNCATE | Access.IOCTL_DEV
_NETWORK = 0b11  # bind and connect of TCP sockets
_SCOPES = 0b11  # abstract unix sockets and signals to processes outside
_RIGHTS_KNOWN = {1: 13, 2: 14, 3: 15, 4: 15}  # how many of the rights above an older kernel knows


class _RulesetAttr(ctypes.Structure):
    _fields_ = [("fs", ctypes.c_uint64), ("net", ctypes.c_uint64), ("scoped", ctypes.c_uint64)]


class _PathBeneathAttr(ctypes.Structure):
    _pack_ = 1
    _fields_ = [("allowed", ctypes.c_uint64), ("parent", ctypes.c_int32)]


def abi() -> int:
    """Version of Landlock that the kernel offers; 0 if it is not built in, not switched on or not allowed here."""
    try:
        return syscall("landlock_create_ruleset", _CREATE_RULESET, None, 0, _CREATE_RULESET_VERSION)
    except OSError:
        return 0


def restrict(folder: Path, readable: Iterable[Path]) -> None:
    """Confine this thread and its future children: `folder` to read and write, `readable` to read, nothing else.

    /dev/null (read and write) and /dev/urandom (read) stay reachable. Nothing may be executed; devices, FIFOs, sockets
    and symbolic links cannot be made. No new privileges must be in force.

    Raises:
        OSError: a path does not exist, or the kernel refused.
    """
    version = abi()
    handled = (1 << _RIGHTS_KNOWN.get(version, len(Access))) - 1
    attr = _RulesetAttr(handled, _NETWORK, _SCOPES)
    size = 8 if version < 4 else 16 if version < 6 else 24
    ruleset = syscall("landlock_create_ruleset", _CREATE_RULESET, ctypes.addressof(attr), size, 0)
    try:
        _allow(ruleset, folder, _FOLDER & handled)
        for path in readable:
            _allow(ruleset, path, _READ & handled)
        _allow(ruleset, Path("/dev/null"), (_WRITE | Access.READ_FILE) & handled)
        _allow(ruleset, Path("/dev/urandom"), Access.READ_FILE & handled)
        syscall("landlock_restrict_self", _RESTRICT_SELF, ruleset, 0)
    finally:
        os.close(ruleset)


def _allow(ruleset: int, path: Path, access: int) -> None:
    """Grant `access` on a file, or on a folder and everything beneath it."""
    descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        if not stat.S_ISDIR(os.fstat(descriptor).st_mode):
            access &= _OF_A_FILE
        attr = _PathBeneathAttr(access, descriptor)
        syscall("landlock_add_rule", _ADD_RULE, ruleset, _RULE_PATH_BENEATH, ctypes.addressof(attr), 0)
    finally:
        os.close(descriptor)
