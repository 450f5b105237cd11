"""Thousands of right, wrong and hostile scripts in one pool while its workers are killed: is anything lost or left?

Every script prints a number of its own and, where it simulates, starts from a seed of its own, so that a run which was
lost or given to another script shows. Afterwards this process must have no more descriptors, processes, temporary
folders and shared memory than before, and no more resident memory than in the middle.

    python tools/endurance.py --runs 3000
"""

from __future__ import annotations

import argparse
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
    Kind("endless", "label a\njump SELF a\n", (Ending.CPU_LIMIT,), 0.1),
    Kind("disk", FLUID + "dump 1 all custom 1 d.* id x y z vx vy vz\nrun 100000\n", (Ending.DISK_LIMIT,), 0.2),
    Kind("memory", FLUID.replace("0 4 0 4 0 4", "0 200 0 200 0 200"), (Ending.MEMORY_LIMIT, Ending.ERROR), 0.5),
)


@dataclass
class Ledger:
    """What happened."""

    endings: Counter[str] = field(default_factory=Counter)
    complaints: list[str] = field(default_factory=list)
    energies: dict[int, float] = field(default_factory=dict)
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
    resident: int
    """bytes"""
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
            resident=int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE"),
        )


def open_files() -> tuple[str, ...]:
    """What every descriptor of this process leads to."""
    found = []
    for path in Path("/proc/self/fd").iterdir():
        with suppress(FileNotFoundError):  # closed meanwhile, as that of this folder
            found.append(os.readlink(path))
    return tuple(found)


def shared_memory() -> list[str]:
    """POSIX and System V shared memory on this machine, but for what is named after other living processes."""
    names = [path.name for path in Path("/dev/shm").iterdir()]
    mpich = {name: int(name.split("_")[2], 16) for name in names if name.startswith("mpich_shm_")}
    others = {name for name, pid in mpich.items() if Path(f"/proc/{pid}").exists() and pid not in children(os.getpid())}
    return [name for name in names if name not in others] + Path("/proc/sysvipc/shm").read_text().splitlines()[1:]


def children(pid: int) -> list[int]:
    """Children of a process, of all its threads."""
    found = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        found += [int(child) for child in (task / "children").read_text().split()]
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
    """Run them all; the ledger, and what this process held before, when settled and at the end."""
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
            progress.advance(bar)

        try:
            with ThreadPoolExecutor(workers) as threads:
                list(threads.map(one, range(runs // 2)))
                held["settled"] = Belongings.now()
                list(threads.map(one, range(runs // 2, runs)))
        finally:
            stop.set()
            killer.join()
    held["after"] = Belongings.now()
    return ledger, held


def leaks(held: dict[str, Belongings]) -> list[str]:
    """What was left behind, in words."""
    before, settled, after = held["before"], held["settled"], held["after"]
    found = [
        f"{name}: {getattr(before, name)} before, {getattr(after, name)} after"
        for name in ("descriptors", "processes", "folders", "shared")
        if getattr(after, name) > getattr(before, name)
    ]
    if after.descriptors > before.descriptors:
        found.append(f"open: {', '.join(after.opened)}")
    if after.resident - settled.resident > 10 * MEBIBYTE:
        found.append(f"memory: grew by {(after.resident - settled.resident) / MEBIBYTE:.1f} MiB")
    return found


def main() -> None:
    """Endure, print what happened; exit code 1 if anything was lost, mixed up or left."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=3000)
    parser.add_argument("--workers", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--kill-every", type=float, default=2.0, help="seconds between two killed workers")
    given = parser.parse_args()
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
    wrong = ledger.complaints + leaks(held)
    print("\n".join(wrong) if wrong else "nothing lost, nothing mixed up, nothing left behind")
    sys.exit(1 if wrong or sum(ledger.endings.values()) != given.runs else 0)


if __name__ == "__main__":
    main()
