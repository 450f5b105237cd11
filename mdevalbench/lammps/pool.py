"""Workers, N at once: jobs in, runs out.

`Pool` is thread-safe and blocking; `arun` and `map` (see `Executor`) are the same for coroutines and for lists. A
worker that dies is replaced and its job tried again; a job whose workers die `ATTEMPTS` times is a `WorkerFault`.
"""

from __future__ import annotations

import json
import os
import re
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any

from mdevalbench.errors import Cancelled, HarnessFault, IsolationUnavailable, RecorderFault, UsageError, WorkerFault
from mdevalbench.lammps import install, sandbox
from mdevalbench.lammps._places import Places
from mdevalbench.lammps.executor import Executor
from mdevalbench.lammps.forbidden import ALLOWED, FORBIDDEN
from mdevalbench.lammps.job import Ending, Job, Run
from mdevalbench.lammps.record import Memory
from mdevalbench.lammps.script import parse
from mdevalbench.lammps.worker import CHILD_FAULT, ISOLATION_FAILED, RECORDER_MISFIT, SCRIPT
from mdevalbench.types import ScriptError

ATTEMPTS = 3


class _Worker:
    """One worker process and the evidence memory that it shares with us."""

    def __init__(self) -> None:
        self.memory = Memory()
        ours, theirs = socket.socketpair()
        self.control, self._lines = ours, ours.makefile("r")
        environment = {
            "PATH": os.defpath,
            "PYTHONPATH": os.pathsep.join(p for p in sys.path if p),
            **install.worker_environment(),
            "OMP_NUM_THREADS": "1",
            "OMP_WAIT_POLICY": "PASSIVE",  # CPU time that is spent waiting would count
            "TZ": "UTC",
        }
        with theirs:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "mdevalbench.lammps.worker", str(theirs.fileno()), str(self.memory.fd)],
                pass_fds=(theirs.fileno(), self.memory.fd),
                env=environment,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )
        try:
            if not self._answer().get("ready"):
                raise WorkerFault("a worker did not start; `mdevalbench doctor` tells more")
        except WorkerFault:
            self.close()  # nobody else knows of it yet
            raise

    def ask(self, request: dict[str, Any], cancel: threading.Event | None) -> dict[str, Any]:
        """Send a request and wait for the answer; `cancel` ends the run. Raises WorkerFault if the worker died."""
        try:
            self.control.sendall(json.dumps(request).encode() + b"\n")
        except (BrokenPipeError, ConnectionResetError) as error:
            raise WorkerFault(f"a worker died: {error}") from error
        if cancel is not None:
            self._wait_or_cancel(cancel)
        return self._answer()

    def _wait_or_cancel(self, cancel: threading.Event) -> None:
        while not select.select([self.control], [], [], 0.05)[0]:
            if cancel.is_set():
                self.close()
                raise Cancelled("the job was cancelled")

    def _answer(self) -> dict[str, Any]:
        try:
            line = self._lines.readline()
        except ConnectionResetError as error:
            raise WorkerFault(f"a worker died: {error}") from error
        if not line.endswith("\n"):  # nothing, or an answer that its death cut short
            raise WorkerFault(f"a worker died (exit code {self.process.wait()})")
        answer: dict[str, Any] = json.loads(line)
        return answer

    @property
    def alive(self) -> bool:
        """Whether the process still runs."""
        return self.process.poll() is None

    def close(self) -> None:
        """End the process (its child dies with it) and free the memory."""
        self.process.kill()
        self.process.wait()
        self._lines.close()
        self.control.close()
        self.memory.close()


class Pool(Executor):
    """A fixed number of workers, started when first needed.

    A job whose limits ask for several threads takes as many places (all of them, where it asks for more).

    Args:
        workers: how many single-threaded scripts run at once; by default one per CPU that this process may use.
        unsafe: run without isolation (only for scripts that you trust).

    Raises:
        IsolationUnavailable: the kernel cannot isolate scripts and `unsafe` is not set.
        UsageError, RecorderFault: there is no recorder for this LAMMPS.
    """

    def __init__(self, workers: int | None = None, *, unsafe: bool = False) -> None:
        if not unsafe:
            sandbox.require()
        if workers is not None and workers < 1:
            raise UsageError("a pool needs at least one worker")
        install.recorder_library()  # for a user's own LAMMPS it is compiled now, or refused, once for all
        self.unsafe = unsafe
        self._places = Places(workers or len(os.sched_getaffinity(0)))
        self._idle: list[_Worker] = []
        self._closed = False

    @property
    def workers(self) -> int:
        """How many single-threaded scripts run at once."""
        return self._places.total

    def close(self) -> None:
        """End every idle worker; busy ones end with their job."""
        self._closed = True
        while self._idle:
            self._idle.pop().close()

    def run(self, job: Job, cancel: threading.Event | None = None) -> Run:
        """Run one script, waiting for a free worker.

        Raises:
            WorkerFault: workers died repeatedly, or the wall clock ran out on a run that used no CPU.
            IsolationUnavailable: the walls did not stand.
            Cancelled: `cancel` was set meanwhile.
        """
        with self._places.take(job.limits.threads, cancel) as threads:
            for attempt in range(1, ATTEMPTS + 1):
                try:
                    return self._attempt(job, threads, cancel)
                except WorkerFault as fault:
                    if attempt == ATTEMPTS:
                        raise WorkerFault(f"{fault} ({ATTEMPTS} attempts)") from fault
        raise WorkerFault("unreachable")

    def _attempt(self, job: Job, threads: int, cancel: threading.Event | None) -> Run:
        """Run a job on an idle worker, or on a new one; the worker goes back to the others if it is well."""
        if cancel is not None and cancel.is_set():
            raise Cancelled("the job was cancelled")
        try:
            worker = self._idle.pop()
        except IndexError:
            worker = _Worker()
        try:
            return self._run_on(worker, job, threads, cancel)
        except WorkerFault:
            worker.close()
            raise
        finally:
            if self._closed or not worker.alive:
                worker.close()
            else:
                self._idle.append(worker)

    def _run_on(self, worker: _Worker, job: Job, threads: int, cancel: threading.Event | None) -> Run:
        forbidden = () if job.unrestricted else (*(f"!{pattern}" for pattern in ALLOWED), *FORBIDDEN)
        worker.memory.prepare(job.recording, job.world.pair_coeff, forbidden, threads)
        root = Path(tempfile.mkdtemp(prefix="mdevalbench-"))
        try:
            folder, overlay = root / "job", root / "potentials"
            folder.mkdir()
            overlay.mkdir()
            for target, files in ((folder, job.files), (overlay, job.world.files)):
                for name, content in files.items():
                    if Path(name).name != name or name == "..":
                        raise UsageError(f"a job's file must have a plain name, not {name!r}")
                    (target / name).write_bytes(content)
            (folder / SCRIPT).write_bytes(job.script.encode(errors="replace"))
            request = {
                "folder": str(folder),
                "limits": job.limits.model_dump(),
                "potentials": [str(overlay), str(install.potentials_folder())],
                "skip_loops": job.skip_loops,
                "threads": threads,
                "unsafe": self.unsafe,
            }
            answer = worker.ask(request, cancel)
            return _to_run(job, answer, worker.memory)
        finally:
            _remove(root)


def _remove(folder: Path) -> None:
    """Remove a folder and everything in it, however deep."""
    try:
        shutil.rmtree(folder)
    except (OSError, RecursionError):
        subprocess.run(["rm", "-rf", "--", folder], check=True)


def _to_run(job: Job, answer: dict[str, Any], memory: Memory) -> Run:
    status, killed = int(answer["status"]), str(answer["killed"])
    quit_status = memory.quit_status
    if quit_status is None:  # a script that calls `quit` chooses its exit code itself
        _raise_faults(status, answer["error"])
    if killed == "wall":
        raise WorkerFault(
            f"a run took {answer['wall_seconds']:.0f} s of wall time but {answer['cpu_seconds']:.1f} s of CPU time"
        )
    if killed == "cancelled":
        raise Cancelled("the job was cancelled")
    ending, exit_code = _ending(status, killed, answer["error"], quit_status)
    if not memory.attached and ending in (Ending.COMPLETED, Ending.QUIT):
        raise HarnessFault("a run ended without the flight recorder having seen it")
    return Run(
        ending=ending,
        exit_code=exit_code,
        error=_script_error(job.script, answer["error"], memory.line)
        if ending is Ending.ERROR or answer["error"]
        else None,
        output=answer["output"],
        output_bytes=answer["output_bytes"],
        evidence=memory.read(),
        cpu_seconds=answer["cpu_seconds"],
        wall_seconds=answer["wall_seconds"],
        peak_bytes=answer["peak_bytes"],
    )


def _raise_faults(status: int, error: str) -> None:
    if status == ISOLATION_FAILED:
        raise IsolationUnavailable(error)
    if status == CHILD_FAULT:
        raise HarnessFault(f"a run could not be set up:\n{error}")
    if status == RECORDER_MISFIT:
        raise RecorderFault("the recorder does not fit this LAMMPS: rebuild the package, see `mdevalbench doctor`")


def _ending(status: int, killed: str, error: str, quit_status: int | None) -> tuple[Ending, int]:
    if killed:
        return {"cpu": Ending.CPU_LIMIT, "disk": Ending.DISK_LIMIT}[killed], 128 + signal.SIGKILL
    if status < 0:
        by_signal = {signal.SIGXCPU: Ending.CPU_LIMIT, signal.SIGXFSZ: Ending.DISK_LIMIT}
        return by_signal.get(signal.Signals(-status), Ending.CRASHED), 128 - status
    if quit_status is not None and not error:
        return Ending.QUIT, status
    if "Failed to allocate" in error or "bad_alloc" in error or "Failed to reallocate" in error:
        return Ending.MEMORY_LIMIT, status
    return (Ending.ERROR if status else Ending.COMPLETED), status


def _script_error(script: str, text: str, line: int | None) -> ScriptError:
    """LAMMPS's message without the place in its source, and the user's line and command."""
    first = text.split("\nLast input line")[0]
    message = re.sub(r"\s*\((?:[\w./+-]*/)?[\w+-]+\.(?:cpp|h):\d+\)", "", first)
    message = re.sub(r"^ERROR(?: on proc \d+)?:\s*", "", message.strip())
    message = message.split("\nFor more information see")[0]
    message = _printable(message)
    command = parse(script).command_at(line) if line else None
    if command is None:
        return ScriptError(message=message, line=line)
    return ScriptError(message=message, line=command.line, command=_printable(command.raw.strip()))


def _printable(text: str) -> str:
    """Without characters that a terminal acts on: a script puts what it likes into an error."""
    return "".join(one if one.isprintable() or one in "\n\t" else "\N{REPLACEMENT CHARACTER}" for one in text)
