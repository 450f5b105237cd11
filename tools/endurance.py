"""Thousands of right, wrong and hostile scripts in one pool while its workers are killed: is anything lost or left?

Every script prints a number of its own and, where it simulates, starts from a seed of its own, so that a run which was
lost or given to another script shows. Afterwards this process must have no more descriptors, processes, temporary
folders and shared memory than before, and in the last quarter of the runs no more memory in use than in the second one.

Memory is what malloc has given out and not got back, with Python's own objects taken from malloc, too. Resident memory
would not do: it scatters by 10 MiB without a trend (over 8,000 runs), since evidence of tens of MB comes and goes.

    python tools/endurance.py --runs 3000
"""

from __future__ import annotations

import argparse
import ctypes
import gc
import os
import random
import signal
import sys
import tempfile
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console
from rich.progress import Progress

from mdevalbench.lammps.job import Ending, Job, Run
from mdevalbench.lammps.pool import Pool
from mdevalbench.types import Limits

FLUID = """units lj
lattice fcc 0.8442
region box block 0 4 0 4 0 4
create_box 1 box
create_atoms 1 box
mass 1 1.0
velocity all create 1.44 {seed}
pair_style lj/cut 2.5
pair_coeff 1 1 1.0 1.0
fix 1 all nve
run 20
"""
LIMITS = Limits(cpu_seconds=1, folder_bytes=4 << 20, memory_bytes=256 << 20)
SEEDS = 40
MEBIBYTE = 1 << 20
MOST_GROWTH = 2.0
"""MiB"""
STARTED: set[int] = set()
"""children that this process was seen to have"""
SETTLED = 200
"""runs after which this process has met every kind of script and loaded what it needs"""


@dataclass(frozen=True)
class Kind:
    """One kind of script, how it has to end, and how often it comes."""

    name: str
    script: str
    endings: tuple[Ending, ...]
    weight: float = 1.0


KINDS = (
    Kind("right", FLUID, (Ending.COMPLETED,), 12),
    Kind("empty", "", (Ending.COMPLETED,)),
    Kind("wrong command", FLUID.replace("pair_coeff", "pair_coef"), (Ending.ERROR,), 3),
    Kind("atoms lost", FLUID.replace("1.44", "1e6"), (Ending.ERROR, Ending.CRASHED), 2),
    Kind("quit", "quit 97\n", (Ending.QUIT,)),
    Kind("shell", "variable c string shell\n${c} touch /tmp/endurance\n", (Ending.ERROR,)),
    Kind("file outside", 'print "x" file ../../endurance\n', (Ending.ERROR,)),
    Kind("stack overflow", f"variable a equal {'-' * 20_000}1\nprint $(v_a)\n", (Ending.CRASHED,)),
    Kind(
        "flood", 'label a\nprint "........................"\njump SELF a\n', (Ending.CPU_LIMIT, Ending.DISK_LIMIT), 0.1
    ),
    # it goes on until its time is over, or until LAMMPS's log of it is too long
    Kind("endless", "label a\njump SELF a\n", (Ending.CPU_LIMIT, Ending.DISK_LIMIT), 0.1),
    Kind(
        "disk",
        FLUID + "dump 1 all custom 1 d.* id x y z vx vy vz\nrun 100000\n",
        (Ending.DISK_LIMIT, Ending.CPU_LIMIT),
        0.2,
    ),
    Kind("memory", FLUID.replace("0 4 0 4 0 4", "0 200 0 200 0 200"), (Ending.MEMORY_LIMIT, Ending.ERROR), 0.5),
)


@dataclass
class Ledger:
    """What happened."""

    endings: Counter[str] = field(default_factory=Counter)
    complaints: list[str] = field(default_factory=list)
    energies: dict[int, float] = field(default_factory=dict)
    memory: list[int] = field(default_factory=list)
    """in use after each run, bytes"""
    killed: int = 0
    under_way: set[int] = field(default_factory=set)

    def enter(self, number: int, kind: Kind, seed: int, run: Run) -> None:
        """Check one run against what its script must do."""
        self.endings[f"{kind.name}: {run.ending.value}"] += 1
        if run.ending not in kind.endings:
            self.complaints.append(f"run {number} ({kind.name}) ended as {run.ending}: {run.error}")
        if f"this is run {number}\n" not in run.output:
            self.complaints.append(f"run {number} ({kind.name}) has the output of another one")
        if kind.name == "right" and run.ending is Ending.COMPLETED:
            final = run.evidence.final
            energy = final.potential_energy if final is not None else float("nan")
            if energy != self.energies.setdefault(seed, energy):
                self.complaints.append(f"run {number}: the evidence is that of another script")


@dataclass(frozen=True)
class Belongings:
    """What this process holds, looked at from outside."""

    descriptors: int
    processes: int
    folders: int
    shared: int
    opened: tuple[str, ...] = field(default=(), repr=False)
    """what the descriptors lead to"""

    @classmethod
    def now(cls) -> Belongings:
        """Count."""
        gc.collect()
        return cls(
            descriptors=len(opened := open_files()),
            opened=opened,
            processes=len(children(os.getpid())),
            folders=len(list(Path(tempfile.gettempdir()).iterdir())),
            shared=len(shared_memory()),
        )


class _MallocInfo(ctypes.Structure):
    """`struct mallinfo2` of malloc.h."""

    _fields_ = [
        (name, ctypes.c_size_t)
        for name in "arena ordblks smblks hblks hblkhd usmblks fsmblks uordblks fordblks keepcost".split()
    ]


def memory_in_use() -> int:
    """Bytes that malloc has given out to this process."""
    ask = ctypes.CDLL(None).mallinfo2
    ask.restype = _MallocInfo
    found = ask()
    return int(found.uordblks + found.hblkhd)


def open_files() -> tuple[str, ...]:
    """What every descriptor of this process leads to."""
    found = []
    for path in Path("/proc/self/fd").iterdir():
        with suppress(FileNotFoundError):  # closed meanwhile, as that of this folder
            found.append(os.readlink(path))
    return tuple(found)


def shared_memory() -> list[str]:
    """POSIX shared memory that is named after processes started here, and System V shared memory of this machine."""
    names = [path.name for path in Path("/dev/shm").glob("mpich_shm_*")]
    ours = [name for name in names if int(name.split("_")[2], 16) in STARTED]
    return ours + Path("/proc/sysvipc/shm").read_text().splitlines()[1:]


def children(pid: int) -> list[int]:
    """Children of a process, of all its threads."""
    found = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        found += [int(child) for child in (task / "children").read_text().split()]
    if pid == os.getpid():
        STARTED.update(found)
    return found


def kill_workers(ledger: Ledger, stop: threading.Event, every: float) -> None:
    """Kill a worker now and then, whatever it is doing, but no run's twice: the pool gives up on a run after three."""
    met: set[int] = set()
    while not stop.wait(every):
        if met & ledger.under_way:
            continue
        met = set(ledger.under_way)
        workers = [pid for pid in children(os.getpid()) if b"mdevalbench.lammps.worker" in command_line(pid)]
        if workers:
            os.kill(random.choice(workers), signal.SIGKILL)
            ledger.killed += 1


def command_line(pid: int) -> bytes:
    """Command line of a process; empty if it has just ended."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def endure(runs: int, workers: int, kill_every: float, seed: int = 0) -> tuple[Ledger, dict[str, Belongings]]:
    """Run them all; the ledger, and what this process held before and after."""
    chance, ledger, held = random.Random(seed), Ledger(), {"before": Belongings.now()}
    kinds = chance.choices(KINDS, [kind.weight for kind in KINDS], k=runs)
    seeds = [chance.randrange(1, SEEDS + 1) for _ in range(runs)]
    stop = threading.Event()
    with Pool(workers) as pool, Progress(console=Console(stderr=True)) as progress:
        bar = progress.add_task("enduring", total=runs)
        killer = threading.Thread(target=kill_workers, args=(ledger, stop, kill_every))
        killer.start()

        def one(number: int) -> None:
            kind, its = kinds[number], seeds[number]
            script = f'print "this is run {number}"\n' + kind.script.replace("{seed}", str(its))
            ledger.under_way.add(number)
            ledger.enter(number, kind, its, pool.run(Job(script, LIMITS)))
            ledger.under_way.remove(number)
            ledger.memory.append(memory_in_use())
            children(os.getpid())
            progress.advance(bar)

        try:
            with ThreadPoolExecutor(workers) as threads:
                numbers = iter(range(runs))
                list(threads.map(lambda _: [one(number) for number in numbers], range(workers)))
        finally:
            stop.set()
            killer.join()
    held["after"] = Belongings.now()
    return ledger, held


def growth(memory: list[int]) -> float | None:
    """By how many MiB memory has grown from the second quarter of the runs to the last one; None if it is too early."""
    quarter = len(memory) // 4
    if quarter < SETTLED:
        return None
    return (min(memory[-quarter:]) - min(memory[quarter : 2 * quarter])) / MEBIBYTE


def leaks(ledger: Ledger, held: dict[str, Belongings]) -> list[str]:
    """What was left behind, in words."""
    before, after = held["before"], held["after"]
    found = [
        f"{name}: {getattr(before, name)} before, {getattr(after, name)} after"
        for name in ("descriptors", "processes", "folders", "shared")
        if getattr(after, name) > getattr(before, name)
    ]
    if after.descriptors > before.descriptors:
        found.append(f"open: {', '.join(after.opened)}")
    if (grown := growth(ledger.memory)) is not None and grown > MOST_GROWTH:
        found.append(f"memory: grew by {grown:.1f} MiB")
    return found


def main() -> None:
    """Endure, print what happened; exit code 1 if anything was lost, mixed up or left."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=3000)
    parser.add_argument("--workers", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--kill-every", type=float, default=2.0, help="seconds between two killed workers")
    given = parser.parse_args()
    if os.environ.get("PYTHONMALLOC") != "malloc":
        os.execve(sys.executable, [sys.executable, *sys.argv], {**os.environ, "PYTHONMALLOC": "malloc"})
    start = time.monotonic()
    with tempfile.TemporaryDirectory() as ours:
        tempfile.tempdir = ours  # so that what others leave in the common place is not counted
        ledger, held = endure(given.runs, given.workers, given.kill_every)
    for name, count in sorted(ledger.endings.items()):
        print(f"{count:6d}  {name}")
    print(f"{sum(ledger.endings.values())} of {given.runs} runs in {time.monotonic() - start:.0f} s")
    print(f"{ledger.killed} workers killed meanwhile")
    for when, what in held.items():
        print(f"{when}: {what}")
    grown = growth(ledger.memory)
    print(f"memory: {'too few runs to tell' if grown is None else f'{grown:+.1f} MiB from second to last quarter'}")
    wrong = ledger.complaints + leaks(ledger, held)
    print("\n".join(wrong) if wrong else "nothing lost, nothing mixed up, nothing left behind")
    sys.exit(1 if wrong or sum(ledger.endings.values()) != given.runs else 0)


if __name__ == "__main__":
    main()
