"""The sides that are compared: the static check, bare `lmp`, and the engine. Each tells how an example ends."""

from __future__ import annotations

import os
import re
import resource
import select
import signal
import subprocess
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from fidelity.inputs import Example
from mdevalbench.errors import HarnessFault
from mdevalbench.lammps import install
from mdevalbench.lammps.check import check
from mdevalbench.lammps.job import Ending, Job
from mdevalbench.lammps.pool import Pool
from mdevalbench.types import Limits

WAITS, FAULT = "waits", "harness fault"
"""endings beside those of `Ending`: bare `lmp` uses no CPU any more, and the engine gave up"""
_IDLE_SECONDS = 20
"""wall time without any use of CPU after which bare `lmp` is taken to wait for somebody"""
_ERROR = re.compile(r"^ERROR(?: on proc \d+)?: (.*?)(?=\n(?:Last input line|Abort\()|\Z)", re.DOTALL | re.MULTILINE)
_PLACE = re.compile(r"\s*\((?:[\w./+-]*/)?[\w+-]+\.(?:cpp|h):\d+\)")
_MEMORY, _FOLDER, _OUTPUT = 8 << 30, 2 << 30, 64 << 20


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one side ended."""

    allowed_seconds: float
    """CPU seconds that the run might take"""
    ending: str
    exit_code: int
    """128 + signal for a process that was killed"""
    message: str = ""
    """LAMMPS's own words, without the place in its source"""
    line: int | None = None
    """line of the script at which the engine stopped"""
    used_seconds: float = 0.0
    """CPU seconds that it took"""

    def record(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def static(example: Example) -> list[dict[str, Any]]:
    """The findings of the static check, given the names of the plain files beside the input."""
    return [
        {"severity": one.severity, "line": one.line, "code": one.code, "message": one.message}
        for one in check(example.script, files=frozenset(example.files))
    ]


def bare(example: Example, *, skip_loops: bool, cpu_seconds: float) -> tuple[Outcome, str]:
    """Run `lmp` in a folder of its own; also what it printed."""
    command = [str(install.executable()), *(["-skiprun"] if skip_loops else []), "-in", example.path.name]
    with tempfile.TemporaryDirectory(prefix="mdevalbench-") as folder, tempfile.TemporaryFile() as screen:
        for name, content in example.files.items():
            (Path(folder) / name).write_bytes(content)
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=install.executable_environment(),
            stdin=subprocess.DEVNULL,
            stdout=screen,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        waited, seconds, status = _reap(process.pid, cpu_seconds)
        process.returncode = status
        Path(f"/dev/shm/mpich_shm_{process.pid:x}_0").unlink(missing_ok=True)  # left by MPI where it was killed
        screen.seek(0)
        output = screen.read().decode("utf-8", "replace")
    return _bare_outcome(status, waited, cpu_seconds, seconds, output), output


def _reap(pid: int, cpu_seconds: float) -> tuple[bool, float, int]:
    """Wait for a process within its limits: whether it had to be ended for waiting, its CPU seconds, its exit code."""
    whole = max(1, round(cpu_seconds))
    handle = os.pidfd_open(pid)
    try:
        resource.prlimit(pid, resource.RLIMIT_CPU, (whole, whole + 2))
        waited, used = False, -1.0
        while not waited and not select.select([handle], [], [], _IDLE_SECONDS)[0]:
            before, used = used, time.clock_gettime((~pid << 3) | 2)  # the kernel's CPU clock of that process
            waited = used - before < 0.01
        if waited:
            os.killpg(pid, signal.SIGKILL)
        _, status, usage = os.wait4(pid, 0)
    finally:
        os.close(handle)
    return waited, usage.ru_utime + usage.ru_stime, os.waitstatus_to_exitcode(status)


def _bare_outcome(status: int, waited: bool, allowed: float, used: float, output: str) -> Outcome:
    if waited:
        return Outcome(allowed, WAITS, 128 - status, used_seconds=used)
    if status < 0:
        ending = Ending.CPU_LIMIT if -status == signal.SIGXCPU else Ending.CRASHED
        return Outcome(allowed, ending, 128 - status, used_seconds=used)
    messages = _ERROR.findall(output)
    if status == 0 or not messages:
        return Outcome(allowed, Ending.COMPLETED if status == 0 else Ending.QUIT, status, used_seconds=used)
    return Outcome(allowed, Ending.ERROR, status, clean(messages[-1]), used_seconds=used)


def engine(pool: Pool, example: Example, *, skip_loops: bool, cpu_seconds: float) -> tuple[Outcome, str]:
    """Run the engine; also what was printed."""
    limits = Limits(cpu_seconds=cpu_seconds, memory_bytes=_MEMORY, folder_bytes=_FOLDER, output_bytes=_OUTPUT)
    try:
        run = pool.run(Job(example.script, limits=limits, files=example.files, skip_loops=skip_loops))
    except HarnessFault as fault:
        return Outcome(cpu_seconds, FAULT, -1, str(fault)), ""
    message, line = (clean(run.error.message), run.error.line) if run.error else ("", None)
    return Outcome(cpu_seconds, run.ending.value, run.exit_code, message, line, run.cpu_seconds), run.output


def clean(message: str) -> str:
    """A message of LAMMPS without the place in its source, the pointer to the manual and line breaks."""
    return " ".join(_PLACE.sub("", message.split("\nFor more information see")[0]).split())
