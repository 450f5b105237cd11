"""The layout of the evidence memory, as in recorder_layout.h: its head, and one record of each section."""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np

MAGIC = 0x4D44455642303035
MAX_RULES = MAX_FACTORS = 8


class _Section(ctypes.Structure):
    _fields_ = [(name, ctypes.c_uint64) for name in ("at", "capacity", "used", "dropped")]


class _CoeffRule(ctypes.Structure):
    _fields_ = [
        ("style", ctypes.c_char * 64),
        ("count", ctypes.c_uint64),
        ("position", ctypes.c_uint64 * MAX_FACTORS),
        ("factor", ctypes.c_double * MAX_FACTORS),
    ]


class Header(ctypes.Structure):
    """The head of the memory."""

    _fields_ = [
        *[(name, ctypes.c_uint64) for name in ("magic", "seed", "samples", "frames", "pairs", "threads", "nrules")],
        ("rules", _CoeffRule * MAX_RULES),
        ("forbidden", ctypes.c_char * 8192),
        *[(n, _Section) for n in ("loops", "samples_section", "settings", "trace", "frames_section", "final_slots")],
        ("attached", ctypes.c_uint64),
        ("final_slot", ctypes.c_uint64),
        ("line", ctypes.c_int64),
        ("quit_called", ctypes.c_uint64),
        ("quit_status", ctypes.c_int64),
    ]


def _dtype(*fields: tuple[str, str] | tuple[str, str, int]) -> np.dtype[Any]:
    return np.dtype(list(fields))


LOOP = _dtype(
    *[(n, "i8") for n in "kind requested steps completed nested command line settings edit".split()],
    *[(n, "f8") for n in "displaced velocity time duration dt_min dt_max".split()],
)
SAMPLE = _dtype(
    *[(n, "i8") for n in "loop step natoms integrated".split()],
    ("time", "f8"),
    ("potential_energy", "f8"),
    ("kinetic", "f8", 6),
    ("momentum", "f8", 3),
    ("mass", "f8"),
    ("virial", "f8", 6),
    ("h", "f8", 6),
)
FRAME = _dtype(
    *[(n, "i8") for n in "kind loop step natoms has_applied has_moved clean tallied".split()],
    ("periodic", "i8", 3),
    ("time", "f8"),
    ("dt", "f8"),
    ("origin", "f8", 3),
    ("h", "f8", 6),
    ("computed_origin", "f8", 3),
    ("computed_h", "f8", 6),
    ("potential_energy", "f8"),
    ("tail_energy", "f8"),
    ("virial", "f8", 6),
)
