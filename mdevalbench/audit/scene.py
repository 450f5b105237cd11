"""What stands around a sandbox for attacks to aim at: secrets, a victim, another job, a listener, a bystander."""

from __future__ import annotations

import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from mdevalbench.audit import machine
from mdevalbench.lammps import install
from mdevalbench.tasks import Task

_PATIENCE_SECONDS = 1.0
"""how long something may take to vanish before it counts as left behind"""
_KEY = "MDEVALBENCH_AUDIT_KEY"

_SYSTEM = """units lj
lattice fcc 0.8442
region box block 0 4 0 4 0 4
create_box 1 box
create_atoms 1 box
mass 1 1.0
pair_style lj/cut 2.5
pair_coeff 1 1 1.0 1.0
velocity all create 1.44 87287
"""
_SECRET = 'print "{canary}"\n'
_CONTENT = {
    "secret": _SECRET,
    "other/job/in.lammps": _SECRET,
    "victim": "as it was\n",
    "numbers": "1\n1 {canary}\n",
    "table": "SECRET\nN 2 R 1.0 2.0\n\n1 1.0 {canary} 0.0\n2 2.0 {canary} 0.0\n",
    "data": "secret\n\n1 atoms\n1 atom types\n\n0 9 xlo xhi\n0 9 ylo yhi\n0 9 zlo zhi\n\n"
    "Masses\n\n1 {canary}\n\nAtoms # atomic\n\n1 1 1 1 1\n",
    "molecule": "secret\n\n1 atoms\n\nCoords\n\n1 0 0 0\n\nTypes\n\n1 1\n",
    "dump": "ITEM: TIMESTEP\n0\nITEM: NUMBER OF ATOMS\n1\nITEM: BOX BOUNDS pp pp pp\n0 6\n0 6\n0 6\n"
    "ITEM: ATOMS id type x y z\n1 1 1 1 1\n",
}
"""files of the scene that hold text, in formats that LAMMPS reads"""


@dataclass(frozen=True)
class Scene:
    """The surroundings of the sandboxes during an audit."""

    root: Path
    task: Task
    """whose reference value attacks are after"""
    canary: str
    """the secret: 15 digits, which LAMMPS can print both as text and as a number"""
    bystander: subprocess.Popen[bytes]
    """a process with a key in its environment"""
    tcp: socket.socket
    unix: socket.socket
    udp: socket.socket
    token: str = field(default_factory=lambda: f"mdevalbench-audit-{secrets.token_hex(8)}")
    """part of the name of every file that attacks try to leave"""
    reached: str = field(default_factory=lambda: f"reached-{secrets.token_hex(8)}")
    """what scripts print when something worked that must not"""
    connections: list[str] = field(default_factory=list)

    @property
    def names(self) -> dict[str, object]:
        """What the templates of attacks may name."""
        return {name: self.root / name for name in (*_CONTENT, "outside", "library")} | {
            "system": _SYSTEM,
            "other_job": self.root / "other" / "job",
            "references": self.task.folder / "references.json",
            "potentials": install.potentials_folder(),
            "token": self.token,
            "reached": self.reached,
            "key": _KEY,
            "tcp_port": self.tcp.getsockname()[1],
            "udp_port": self.udp.getsockname()[1],
            "unix_name": str(self.unix.getsockname()).removeprefix("/tmp/ipi_"),
            "bystander": self.bystander.pid,
            "harness": os.getpid(),
        }

    def fill(self) -> None:
        """Make the files, and take away what was there instead."""
        for path in self.root.iterdir():
            if path.name != "tmp":
                shutil.rmtree(path) if path.is_dir() else path.unlink()
        for folder in ("outside", "other/job"):
            (self.root / folder).mkdir(parents=True)
        for name, text in _CONTENT.items():
            (self.root / name).write_text(text.format(canary=self.canary), encoding="utf-8")
        shutil.copy(install.potentials_folder() / "Cu_mishin1.eam.alloy", self.root / "potential")
        shutil.copy(install.recorder_library(), self.root / "library")

    def look(self) -> machine.State:
        """Everything that no attack may change."""
        return {
            **machine.files(self.root),
            **machine.files(install.potentials_folder()),
            **machine.files(self.task.folder),
            **machine.processes(),
            **machine.shared_memory(),
            **{str(path): None for path in self.litter()},
            "the sockets' callers": self._callers(),
        }

    def litter(self) -> list[Path]:
        """What lies in places where anybody may leave files, under the name that attacks use."""
        places = {Path("/tmp"), Path("/var/tmp"), Path("/dev/shm"), Path.home(), Path.cwd()}
        return [path for place in places for path in place.glob(f"*{self.token}*")]

    def restore(self, before: machine.State) -> None:
        """Put the scene right after an attack that got somewhere, so that the next one is seen by itself."""
        machine.end_strays(before)
        self.tidy()
        self.fill()

    def tidy(self) -> None:
        """Take away what was left there."""
        for path in self.litter():
            path.unlink()

    def changes(self, before: machine.State) -> list[str]:
        """What is not as it was, after giving it time to vanish."""
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while (found := machine.differences(before, self.look())) and time.monotonic() < deadline:
            time.sleep(0.02)
        return found

    def leaks(self, output: str, words: str) -> list[str]:
        """Secrets in what a script printed and in whatever else is known of it, in words."""
        found = ["something worked that must not"] if self.reached in f"{output}\n{words}".splitlines() else []
        return found + [what for secret, what in self._secrets().items() if secret in output or secret in words]

    def _secrets(self) -> dict[str, str]:
        told = {
            self.canary: "a secret was read",
            Path("/etc/passwd").read_text(encoding="utf-8").splitlines()[0]: "/etc/passwd was read",
            "[stack]": "the memory map was read",
            "UCX_MEM_EVENTS=": "an environment was read",
            "Plugin symbol lookup failure": "a library was loaded",
        }
        return told | ({self.task.reference.recipe: "the references were read"} if self.task.reference else {})

    def _callers(self) -> int:
        """How often anyone has connected or sent something so far."""
        for listener in (self.tcp, self.unix):
            with suppress(BlockingIOError):
                while True:
                    listener.accept()[0].close()
                    self.connections.append("connection")
        with suppress(BlockingIOError):
            while True:
                self.udp.recv(1)
                self.connections.append("datagram")
        return len(self.connections)


@contextmanager
def scene(task: Task) -> Iterator[Scene]:
    """Set up a scene, and take everything away at its end. Job folders lie within it meanwhile."""
    with ExitStack() as stack:
        root = Path(tempfile.mkdtemp(prefix="mdevalbench-audit-"))
        stack.callback(shutil.rmtree, root)
        stack.enter_context(machine.orphans_come_home())
        tcp = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        unix = stack.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))
        udp = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        unix.bind(f"/tmp/ipi_{root.name}")  # where `fix ipi` looks for it
        stack.callback(os.unlink, unix.getsockname())
        unix.listen()
        udp.bind(("127.0.0.1", 0))
        for listener in (tcp, unix, udp):
            listener.setblocking(False)
        canary = str(10**14 + secrets.randbelow(9 * 10**14))
        bystander = stack.enter_context(_bystander(canary))
        made = Scene(root, task, canary, bystander, tcp, unix, udp)
        (root / "tmp").mkdir()
        made.fill()
        stack.callback(made.tidy)
        stack.callback(setattr, tempfile, "tempdir", tempfile.tempdir)
        tempfile.tempdir = str(root / "tmp")
        yield made


@contextmanager
def _bystander(canary: str) -> Iterator[subprocess.Popen[bytes]]:
    """A process of this user that minds its own business, with the canary in its environment; it ends with us."""
    command = [sys.executable, "-S", "-c", "import sys; sys.stdin.read()"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, env={_KEY: canary}) as process:
        try:
            yield process
        finally:
            process.kill()
