"""A worker process: LAMMPS and the recorder loaded once, a fork for every script.

Started by pool.py as `python -m mdevalbench.lammps.worker CONTROL_FD EVIDENCE_FD`. It reads one JSON request a line
from the control socket, runs the script in a sandboxed child, watches it, and answers with one JSON line. It stays
single-threaded, holds no answers and no keys, and leaves the reading of evidence to its parent.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import fcntl
import gc
import json
import mmap
import os
import select
import signal
import socket
import sys
import time
import traceback
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mdevalbench.errors import IsolationUnavailable
from mdevalbench.lammps import install, sandbox
from mdevalbench.types import Limits

SCRIPT = "in.lammps"
ISOLATION_FAILED, CHILD_FAULT, RECORDER_MISFIT = 95, 96, 97
"""exit codes of a child that failed without the script's doing (the last one is given by recorder.cpp)"""
OUTPUT_SECONDS, LOOK_SECONDS = 0.02, 0.1
"""how often output is fetched, and limits that the kernel does not know are looked at"""
PIPE_BYTES = 1 << 20
ENTRY_BYTES = 4096
"""what a file or folder counts for at least, so that a disk cannot be filled with empty ones"""


@dataclass
class Output:
    """Screen output as it comes, the middle left out beyond `limit` bytes."""

    limit: int
    total: int = 0
    head: bytearray = field(default_factory=bytearray)
    tail: deque[bytes] = field(default_factory=deque)
    tail_bytes: int = 0

    def add(self, data: bytes) -> None:
        """Take more output."""
        self.total += len(data)
        room = self.limit // 2 - len(self.head)
        if room > 0:
            self.head += data[:room]
            data = data[room:]
        if data:
            self.tail.append(data)
            self.tail_bytes += len(data)
        while self.tail_bytes - len(self.tail[0] if self.tail else b"") > self.limit // 2:
            self.tail_bytes -= len(self.tail.popleft())

    def text(self) -> str:
        """What is kept."""
        tail = b"".join(self.tail)[-(self.limit // 2) :]
        left_out = self.total - len(self.head) - len(tail)
        gap = f"\n[... {left_out} bytes left out ...]\n".encode() if left_out > 0 else b""
        return (bytes(self.head) + gap + tail).decode("utf-8", "replace")


class Worker:
    """Serves requests until the control socket closes."""

    def __init__(self, control: socket.socket, evidence_fd: int) -> None:
        self.control = control
        self.recorder, self.lammps = install.load_libraries()
        self.evidence = mmap.mmap(evidence_fd, os.fstat(evidence_fd).st_size)
        self.evidence_fd = evidence_fd
        self.address = ctypes.addressof(ctypes.c_char.from_buffer(self.evidence))
        sandbox.prepare()
        gc.freeze()

    def serve(self) -> None:
        """Answer requests, one at a time, as long as there is somebody who asks."""
        with contextlib.suppress(ConnectionError):
            for line in self.control.makefile("r"):
                answer = self.run(json.loads(line))
                self.control.sendall(json.dumps(answer).encode() + b"\n")

    def run(self, request: dict[str, Any]) -> dict[str, Any]:
        """Fork a child for one script and watch it to its end."""
        limits = Limits.model_validate(request["limits"])
        output_read, output_write = output_pipe()
        result_read, result_write = os.pipe()
        parent = os.getpid()
        pid = os.fork()
        if pid == 0:
            self.child(request, limits, output_write, result_write, parent)
        os.close(output_write)
        os.close(result_write)
        try:
            watch = Watch(pid, Path(request["folder"]), limits, output_read, self.control)
            answer = watch.to_the_end()
            answer["error"] = os.read(result_read, 1 << 16).decode("utf-8", "replace")
            return answer
        finally:
            os.close(output_read)
            os.close(result_read)

    def child(self, request: dict[str, Any], limits: Limits, output: int, result: int, parent: int) -> None:
        """Never returns. Errors of LAMMPS go to the result pipe; exit code 0 or 1 like `lmp`."""
        code = CHILD_FAULT
        try:
            os.dup2(output, 1)
            os.dup2(output, 2)
            code = self.simulate(request, limits, result, parent)
        except IsolationUnavailable as fault:
            code = ISOLATION_FAILED
            os.write(result, str(fault).encode())
        except BaseException:  # a forked child has nobody to raise to: the parent reports it as a harness fault
            os.write(result, traceback.format_exc().encode()[-4000:])
        finally:
            ctypes.CDLL(None).fflush(None)
            os._exit(code)

    def simulate(self, request: dict[str, Any], limits: Limits, result: int, parent: int) -> int:
        """Set LAMMPS up, put up the walls, run the script."""
        folder = Path(request["folder"])
        os.chdir(folder)
        os.environ["LAMMPS_POTENTIALS"] = ":".join(request["potentials"])
        if not request["unsafe"]:
            readable = tuple(Path(p) for p in request["potentials"])
            sandbox.enter(sandbox.Policy(folder, readable, limits, (result,), parent))
        arguments = [b"lmp", b"-nocite", *([b"-skiprun"] if request["skip_loops"] else [])]
        if (threads := int(request["threads"])) > 1:
            arguments += [b"-suffix", b"omp", b"-package", b"omp", str(threads).encode()]
        lmp = self.lammps.lammps_open_no_mpi(len(arguments), (ctypes.c_char_p * len(arguments))(*arguments), None)
        if not lmp:
            raise RuntimeError("LAMMPS did not start")
        if self.recorder.mdeb_attach(ctypes.c_void_p(self.address), SCRIPT.encode()):
            raise RuntimeError(
                "the recorder's memory layout is not that of record.py and reading.py: rebuild the package"
            )
        self.lammps.lammps_file(lmp, SCRIPT.encode())
        if not self.lammps.lammps_has_error(lmp):
            return 0
        message = ctypes.create_string_buffer(8000)
        self.lammps.lammps_get_last_error_message(lmp, message, len(message))
        os.write(result, message.value)
        return 1


class Watch:
    """One child from its start to its end."""

    def __init__(self, pid: int, folder: Path, limits: Limits, output_fd: int, control: socket.socket) -> None:
        self.pid, self.folder, self.limits, self.output_fd, self.control = pid, folder, limits, output_fd, control
        self.output = Output(limits.output_bytes)
        self.started = time.monotonic()
        self.killed = ""
        self.pidfd = os.pidfd_open(pid)

    def to_the_end(self) -> dict[str, Any]:
        """Fetch output, keep watch over limits, reap the child.

        Output is fetched at intervals, not whenever there is some: waking up for every line would slow the child down.
        """
        poller = select.poll()
        poller.register(self.pidfd, select.POLLIN)
        poller.register(self.control, select.POLLIN | select.POLLHUP)
        next_look, ended = time.monotonic() + LOOK_SECONDS, False
        while not ended:
            for fd, _ in poller.poll(OUTPUT_SECONDS * 1000):
                if fd == self.pidfd:
                    ended = True
                else:
                    self.kill("cancelled")  # the parent says nothing during a run unless it wants an end to it
                    poller.unregister(self.control)
            self.fetch()
            if time.monotonic() > next_look:
                self.look()
                next_look = time.monotonic() + LOOK_SECONDS
        os.close(self.pidfd)
        _, status, usage = os.wait4(self.pid, 0)
        self.fetch()
        return {
            "status": os.waitstatus_to_exitcode(status),
            "killed": self.killed,
            "output": self.output.text(),
            "output_bytes": self.output.total,
            "cpu_seconds": usage.ru_utime + usage.ru_stime,
            "wall_seconds": time.monotonic() - self.started,
            "peak_bytes": usage.ru_maxrss * 1024,
        }

    def fetch(self) -> None:
        """Take what the pipe holds (no more than that at once, so that a flood does not keep us from looking)."""
        for _ in range(PIPE_BYTES >> 16):
            try:
                data = os.read(self.output_fd, 1 << 16)
            except BlockingIOError:
                return
            if not data:
                return
            self.output.add(data)

    def look(self) -> None:
        """Check what the kernel does not limit by itself."""
        if self.cpu_seconds() > self.limits.cpu_seconds:
            self.kill("cpu")
        elif time.monotonic() - self.started > self.limits.wall:
            self.kill("wall")
        elif folder_bytes(self.folder) > self.limits.folder_bytes:
            self.kill("disk")

    def cpu_seconds(self) -> float:
        """CPU time of the child with all its threads (the kernel's clock of that process)."""
        try:
            return time.clock_gettime((~self.pid << 3) | 2)
        except OSError:
            return 0.0  # it has just ended

    def kill(self, reason: str) -> None:
        """End the child, remembering the first reason."""
        self.killed = self.killed or reason
        os.kill(self.pid, signal.SIGKILL)


def output_pipe() -> tuple[int, int]:
    """A pipe with much room (where the user still has some) whose reading end does not block."""
    read, write = os.pipe()
    os.set_blocking(read, False)
    with contextlib.suppress(PermissionError):  # beyond the system's allowance for one user
        fcntl.fcntl(write, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
    return read, write


def folder_bytes(folder: Path) -> int:
    """Bytes on disk below `folder`, links not followed.

    Folders so deep that their path is too long for the kernel count as more than any limit allows.
    """
    total, stack = 0, [str(folder)]
    while stack:
        try:
            with os.scandir(stack.pop()) as found:
                entries = list(found)
        except FileNotFoundError:
            continue  # removed while we looked
        except OSError as error:
            if error.errno != errno.ENAMETOOLONG:
                raise
            return sys.maxsize
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                stack.append(entry.path)
                total += ENTRY_BYTES
            else:
                with contextlib.suppress(FileNotFoundError):  # likewise
                    total += max(entry.stat(follow_symlinks=False).st_blocks * 512, ENTRY_BYTES)
    return total


def main() -> None:
    """Entry point: descriptors come as arguments."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides
    control = socket.socket(fileno=int(sys.argv[1]))
    worker = Worker(control, int(sys.argv[2]))
    control.sendall(json.dumps({"ready": os.getpid()}).encode() + b"\n")
    worker.serve()


if __name__ == "__main__":
    main()
