"""What goes into the engine (`Job`) and what comes out (`Run`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from mdevalbench.lammps.evidence import Evidence
from mdevalbench.types import Limits, ScriptError


@dataclass(frozen=True, slots=True)
class Recording:
    """How much the flight recorder keeps. The steps themselves are drawn at random and kept secret."""

    samples: int = 400
    """scalar samples per loop"""
    frames: int = 16
    """full frames per loop, spread over its samples"""
    pairs: int = 2
    """how many of these frames are followed by their successor"""
    budget_bytes: int = 192 << 20
    """memory for frames of the whole run"""


@dataclass(frozen=True, slots=True)
class CoeffScale:
    """Multiply numbers of every `pair_coeff` of one pair style on their way into LAMMPS."""

    style: str
    """pair style, or its beginning: `lj/cut` also covers `lj/cut/coul/long`"""
    factors: tuple[tuple[int, float], ...]
    """(position, factor): position 1 is the first number after the two types (and the sub-style of a hybrid)"""


@dataclass(frozen=True, slots=True)
class World:
    """How the world of a run differs from the one that the script believes in."""

    files: Mapping[str, bytes] = field(default_factory=dict)
    """potential files that replace those of the same name"""
    pair_coeff: tuple[CoeffScale, ...] = ()


@dataclass(frozen=True, slots=True)
class Job:
    """One script to run, as written."""

    script: str
    limits: Limits = Limits()
    recording: Recording = Recording()
    files: Mapping[str, bytes] = field(default_factory=dict)
    """files put into the job folder before the script starts (name without folders -> content)"""
    world: World = World()
    skip_loops: bool = False
    """do everything but the loops (`lmp -skiprun`)"""
    unrestricted: bool = False
    """lift the refusal of forbidden commands; for the harness's own scripts only"""


class Ending(StrEnum):
    """How a run ended."""

    COMPLETED = "completed"
    QUIT = "quit"
    """the script called `quit`"""
    ERROR = "error"
    """LAMMPS stopped with an error message"""
    CPU_LIMIT = "cpu_limit"
    MEMORY_LIMIT = "memory_limit"
    DISK_LIMIT = "disk_limit"
    CRASHED = "crashed"
    """LAMMPS died of a signal, for example a segmentation fault that the script provoked"""


@dataclass(frozen=True, slots=True)
class Run:
    """What happened when a script was run."""

    ending: Ending
    exit_code: int
    """what `lmp` would have exited with: 0, 1 after an error, the argument of `quit`, or 128 + signal"""
    error: ScriptError | None
    output: str
    """screen output, cut in the middle beyond the limit"""
    output_bytes: int
    """how much the script really printed"""
    evidence: Evidence
    cpu_seconds: float
    wall_seconds: float
    peak_bytes: int
    """largest resident memory, with what the run shares with its worker"""
