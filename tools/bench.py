"""Speed as ratios, measured side by side in interleaved pairs: `make bench`.

Absolute times say more about the machine than about the code, so that only medians of paired ratios are printed.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from mdevalbench.lammps import install
from mdevalbench.lammps.job import Job
from mdevalbench.lammps.pool import Pool

FLUID = """units lj
lattice fcc 0.8442
region box block 0 {cells} 0 {cells} 0 {cells}
create_box 1 box
create_atoms 1 box
mass 1 1.0
velocity all create 1.44 87287
pair_style lj/cut 2.5
pair_coeff 1 1 1.0 1.0 2.5
fix 1 all nve
thermo 1000
"""
SHORT = FLUID.format(cells=4) + "run 10\n"
LONG = FLUID.format(cells=8) + "run 4000\n"
MANY_LOOPS = FLUID.format(cells=4) + "run 1000 every 1 NULL\n"


@dataclass(frozen=True)
class Pairing:
    """Two ways of doing the same thing."""

    name: str
    ours: Callable[[], object]
    theirs: Callable[[], object]
    pairs: int


def fresh_lmp(script: str) -> Callable[[], object]:
    """A new `lmp` process, the real binary without its Python wrapper."""

    def run() -> object:
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / "in").write_text(script)
            command = [install.executable(), "-in", "in", "-screen", "none"]
            return subprocess.run(command, cwd=folder, env=install.executable_environment(), check=True)

    return run


def ratios(pairing: Pairing) -> list[float]:
    """Time of ours over theirs, pair by pair, the first of the two changing places."""
    found = []
    for number in range(pairing.pairs):
        seconds = {}
        for side in ("ours", "theirs") if number % 2 else ("theirs", "ours"):
            start = time.perf_counter()
            getattr(pairing, side)()
            seconds[side] = time.perf_counter() - start
        found.append(seconds["ours"] / seconds["theirs"])
    return found


def pairings(one: Pool, two: Pool) -> list[Pairing]:
    """What is compared."""
    batch = [Job(SHORT.replace("87287", str(seed))) for seed in range(1, 33)]
    return [
        Pairing("short script: pool / fresh lmp", lambda: one.run(Job(SHORT)), fresh_lmp(SHORT), 15),
        Pairing("run of seconds: recorded and sandboxed / bare lmp", lambda: one.run(Job(LONG)), fresh_lmp(LONG), 5),
        Pairing(
            "1000 x run 1: recorded and sandboxed / bare lmp",
            lambda: one.run(Job(MANY_LOOPS)),
            fresh_lmp(MANY_LOOPS),
            7,
        ),
        Pairing("batch of 32: two workers / one worker", lambda: two.map(batch), lambda: one.map(batch), 5),
    ]


def main() -> None:
    """Measure, print a table, write JSON for comparing two versions."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, default=Path("bench.json"))
    output = parser.parse_args().output
    table = Table("what", "median ratio", "lowest", "highest", title="Speed as ratios (below 1: faster)")
    found = {}
    with Pool(1) as one, Pool(2) as two:
        two.map([Job(""), Job("")])
        one.run(Job(""))
        for pairing in pairings(one, two):
            print(f"measuring {pairing.name} ...", file=sys.stderr)
            values = ratios(pairing)
            found[pairing.name] = {"median": statistics.median(values), "ratios": values}
            table.add_row(pairing.name, *(f"{v:.2f}" for v in (statistics.median(values), min(values), max(values))))
    output.write_text(json.dumps(found, indent=1) + "\n")
    Console().print(table)
    print(f"written to {output}")


if __name__ == "__main__":
    main()
