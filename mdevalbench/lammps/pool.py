"""Workers, N at once: jobs in, runs out.

`Pool` is thread-safe and blocking; `arun` and `map` are the same for coroutines and for lists. A worker that dies is
replaced and its job tried again; a job whose workers die `ATTEMPTS` times is a `WorkerFault`.
"""

from __future__ import annotations

import asyncio
import json
import os
import queue
import re
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from types import TracebackType
from typing import Any

from mdevalbench.errors import Cancelled, HarnessFault, IsolationUnavailable, RecorderFault, UsageError, WorkerFault
from mdevalbench.lammps import install, sandbox
from mdevalbench.lammps.forbidden import FORBIDDEN
from mdevalbench.lammps.job import Ending, Job, Run
from mdevalbench.lammps.record import Memory
from mdevalbench.lammps.script import parse
from mdevalbench.lammps.worker import CHILD_FAULT, ISOLATION_FAILED, RECORDER_MISFIT, SCRIPT
from mdevalbench.types import ScriptError

ATTEMPTS = 3
Progress = Callable[[int, int], None]
"""called with (done, total)"""


class _Worker:
    """One worker process and the evidence memory that it shares with us."""

    def __init__(self) -> None:
        self.memory = Memory()
        ours, theirs = socket.socketpair()
        self.control, self._lines = ours, ours.makefile("r")
        environment = {
            "PATH": os.defpath,
            "LD_LIBRARY_PATH": str(install.mpi_library().parent),
            "PYTHONPATH": os.pathsep.join(p for p in sys.path if p),
            **install.MPI_ENVIRONMENT,
            "OMP_NUM_THREADS": "1",
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
        if not self._answer().get("ready"):
            raise WorkerFault("a worker did not start; `mdevalbench doctor` tells more")

    def ask(self, request: dict[str, Any], cancel: threading.Event | None) -> dict[str, Any]:
        """Send a request and wait for the answer; `cancel` ends the run. Raises WorkerFault if the worker died."""
        try:
            self.control.sendall(json.dumps(request).encode() + b"\n")
            if cancel is not None:
                self._wait_or_cancel(cancel)
            return self._answer()
        except (BrokenPipeError, ConnectionResetError) as error:
            raise WorkerFault(f"a worker died: {error}") from error

    def _wait_or_cancel(self, cancel: threading.Event) -> None:
        while not select.select([self.control], [], [], 0.05)[0]:
            if cancel.is_set():
                self.close()
                raise Cancelled("the job was cancelled")

    def _answer(self) -> dict[str, Any]:
        line = self._lines.readline()
        if not line:
            raise WorkerFault(f"a worker died (exit code {self.process.wait()})")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def close(self) -> None:
        """End the process (its child dies with it) and free the memory."""
        self.process.kill()
        self.process.wait()
        self._lines.close()
        self.control.close()
        self.memory.close()


class Pool:
    """A fixed number of workers, started when first needed.

    Args:
        workers: how many scripts run at once; by default one per CPU that this process may use.
        unsafe: run without isolation (only for scripts that you trust).

    Raises:
        IsolationUnavailable: the kernel cannot isolate scripts and `unsafe` is not set.
    """

    def __init__(self, workers: int | None = None, *, unsafe: bool = False) -> None:
        if not unsafe:
            sandbox.require()
        self.workers = workers or len(os.sched_getaffinity(0))
        if self.workers < 1:
            raise UsageError("a pool needs at least one worker")
        self.unsafe = unsafe
        self._free: queue.LifoQueue[_Worker | None] = queue.LifoQueue()
        for _ in range(self.workers):
            self._free.put(None)
        self._closed = False

    def __enter__(self) -> Pool:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """End every idle worker; busy ones end with their job."""
        self._closed = True
        while not self._free.empty():
            worker = self._free.get_nowait()
            if worker is not None:
                worker.close()

    def run(self, job: Job, cancel: threading.Event | None = None) -> Run:
        """Run one script, waiting for a free worker.

        Raises:
            WorkerFault: workers died repeatedly, or the wall clock ran out on a run that used no CPU.
            IsolationUnavailable: the walls did not stand.
            Cancelled: `cancel` was set meanwhile.
        """
        for attempt in range(1, ATTEMPTS + 1):
            worker = self._free.get()
            try:
                if cancel is not None and cancel.is_set():
                    raise Cancelled("the job was cancelled")
                worker = worker or _Worker()
                return self._run_on(worker, job, cancel)
            except WorkerFault as fault:
                if worker is not None:
                    worker.close()
                    worker = None
                if attempt == ATTEMPTS:
                    raise WorkerFault(f"{fault} ({ATTEMPTS} attempts)") from fault
            except Cancelled:
                worker = None if worker is None or worker.process.poll() is not None else worker
                raise
            finally:
                if self._closed and worker is not None:
                    worker.close()
                    worker = None
                self._free.put(worker)
        raise WorkerFault("unreachable")

    async def arun(self, job: Job) -> Run:
        """`run` for coroutines; cancelling the coroutine ends the simulation."""
        cancel = threading.Event()
        try:
            return await asyncio.to_thread(self.run, job, cancel)
        except asyncio.CancelledError:
            cancel.set()
            raise

    def map(
        self, jobs: Sequence[Job], progress: Progress | None = None, cancel: threading.Event | None = None
    ) -> list[Run]:
        """Run many jobs, as many at once as there are workers; results in order. The first fault is raised."""
        with ThreadPoolExecutor(self.workers) as threads:
            futures = [threads.submit(self.run, job, cancel) for job in jobs]
            try:
                for done, future in enumerate(as_completed(futures), 1):
                    future.result()
                    if progress is not None:
                        progress(done, len(jobs))
            except BaseException:
                for future in futures:
                    future.cancel()
                raise
            return [future.result() for future in futures]

    def _run_on(self, worker: _Worker, job: Job, cancel: threading.Event | None) -> Run:
        forbidden = () if job.unrestricted else tuple(FORBIDDEN)
        worker.memory.prepare(job.recording, job.world.pair_coeff, forbidden)
        root = Path(tempfile.mkdtemp(prefix="mdevalbench-"))
        try:
            folder, overlay = root / "job", root / "potentials"
            folder.mkdir()
            overlay.mkdir()
            for target, files in ((folder, job.files), (overlay, job.world.files)):
                for name, content in files.items():
                    if Path(name).name != name:
                        raise UsageError(f"a job's file must have a plain name, not {name!r}")
                    (target / name).write_bytes(content)
            (folder / SCRIPT).write_text(job.script)
            request = {
                "folder": str(folder),
                "limits": job.limits.model_dump(),
                "potentials": [str(overlay), str(install.potentials_folder())],
                "skip_loops": job.skip_loops,
                "unsafe": self.unsafe,
            }
            answer = worker.ask(request, cancel)
            return _to_run(job, answer, worker.memory)
        finally:
            shutil.rmtree(root)


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
    command = parse(script).command_at(line) if line else None
    if command is None:
        return ScriptError(message=message, line=line)
    return ScriptError(message=message, line=command.line, command=command.raw.strip())
