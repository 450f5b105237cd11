"""Speed and memory as ratios, measured side by side in interleaved pairs: `make bench`.

Absolute times say more about the machine than about the code, so that medians of paired ratios are printed; the two
sides change places from pair to pair. A fresh `lmp` is the real binary without its Python wrapper, its output captured
as a harness would. The result is also written as JSON; `--compare OLD.json` shows an earlier version beside it.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.table import Table

from mdevalbench import __version__
from mdevalbench.extract import extract
from mdevalbench.lammps import install
from mdevalbench.lammps.job import Job
from mdevalbench.lammps.pool import Pool
from mdevalbench.scorers.judge import Judge
from mdevalbench.scorers.rewards import Rewards
from mdevalbench.tasks import Task, load_suite, mutations, reference, wrong
from mdevalbench.training.recipe import read_recipe
from mdevalbench.training.run import Run
from mdevalbench.training.stages import train
from mdevalbench.zoo.nano import WEIGHTS

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
LONG = FLUID.format(cells=8) + "run 10000\n"
MANY_LOOPS = FLUID.format(cells=4) + "run 1000 every 1 NULL\n"
MIB = 1 << 20


@dataclass(frozen=True)
class Pairing:
    """Two ways of doing the same thing; each gives the quantity that is compared (seconds or bytes)."""

    name: str
    ours: Callable[[], float]
    theirs: Callable[[], float]
    pairs: int


def timed(call: Callable[[], object]) -> Callable[[], float]:
    """Wall seconds of a call."""

    def measure() -> float:
        start = time.perf_counter()
        call()
        return time.perf_counter() - start

    return measure


def fresh_lmp(script: str, must_end_well: bool = True) -> Callable[[], object]:
    """A new `lmp` process."""

    def run() -> object:
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / "in").write_text(script)
            command = [install.executable(), "-in", "in"]
            return subprocess.run(
                command, cwd=folder, env=install.executable_environment(), capture_output=True, check=must_end_well
            )

    return run


def python(*arguments: str) -> Callable[[], object]:
    """A new process of this Python."""
    return lambda: subprocess.run([sys.executable, *arguments], capture_output=True, check=True)


def memory_of_fresh_lmp(script: str) -> float:
    """Largest resident memory of a new `lmp` process, bytes; asked by a small process, whose own size would count."""
    code = "import resource, subprocess, sys; subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, check=True); "
    code += "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "in").write_text(script)
        command = [sys.executable, "-S", "-c", code, str(install.executable()), "-in", "in"]
        told = subprocess.check_output(command, cwd=folder, env=install.executable_environment())
    return float(told) * 1024


def mixed_completions(count: int = 64) -> list[tuple[Task, str]]:
    """Right, wrong, broken and empty answers to light tasks, in an order that is always the same."""
    found: list[tuple[Task, str]] = []
    for task in load_suite("codegen", "lattice_constant"):
        variants = [reference(task), *wrong(task), *mutations(task)]
        found += [(task, variant.script) for variant in variants]
        script = reference(task).script
        found += [(task, script.replace("pair_coeff", "pair_coef")), (task, "I cannot help with that.")]
    random.Random(0).shuffle(found)
    return [found[i % len(found)] for i in range(count)]


def judging(judge: Judge, batch: list[tuple[Task, str]]) -> Callable[[], object]:
    """Judge a batch with as many threads as there are workers."""

    def run() -> object:
        with ThreadPoolExecutor(judge.pool.workers) as threads:
            return list(threads.map(lambda pair: judge.judge(*pair), batch))

    return run


def bare(batch: list[tuple[Task, str]], workers: int) -> Callable[[], object]:
    """The scripts of a batch in new `lmp` processes, as many at once as there are workers."""
    scripts = [script for _, completion in batch if (script := extract(completion).script)]

    def run() -> object:
        with ThreadPoolExecutor(workers) as threads:
            return list(threads.map(lambda script: fresh_lmp(script, must_end_well=False)(), scripts))

    return run


def pairings(one: Pool, two: Pool) -> list[Pairing]:
    """What is compared."""

    def pooled(script: str) -> Callable[[], float]:
        return timed(lambda: one.run(Job(script)))

    def fresh(script: str) -> Callable[[], float]:
        return timed(fresh_lmp(script))

    batch = mixed_completions()
    bare_python, command = timed(python("-c", "pass")), str(Path(sys.executable).with_name("mdevalbench"))
    return [
        Pairing("short script: pool / fresh lmp", pooled(SHORT), fresh(SHORT), 40),
        Pairing("10 s run: recorded and sandboxed / fresh lmp", pooled(LONG), fresh(LONG), 15),
        Pairing("1000 x run 1: recorded and sandboxed / fresh lmp", pooled(MANY_LOOPS), fresh(MANY_LOOPS), 30),
        Pairing(
            "64 mixed completions: one worker / two workers",
            timed(judging(Judge(one), batch)),
            timed(judging(Judge(two), batch)),
            5,
        ),
        Pairing(
            "reward of 64 mixed completions / their scripts by fresh lmp, both two at once",
            timed(lambda: Rewards(two).verdicts([task.id for task, _ in batch], [text for _, text in batch])),
            timed(bare(batch, 2)),
            5,
        ),
        Pairing("import of the package / bare Python", timed(python("-c", "import mdevalbench")), bare_python, 15),
        Pairing("mdevalbench --help / bare Python", timed(python(command, "--help")), bare_python, 15),
        Pairing(
            "peak memory: child of the pool / fresh lmp",
            lambda: one.run(Job(LONG.replace("10000", "100"))).peak_bytes,
            lambda: memory_of_fresh_lmp(LONG.replace("10000", "100")),
            3,
        ),
    ]


def measure(pairing: Pairing) -> list[float]:
    """Ratios of ours to theirs, pair by pair, the first of the two changing places."""
    found = []
    for number in range(pairing.pairs):
        sides = {}
        for side in ("ours", "theirs") if number % 2 else ("theirs", "ours"):
            sides[side] = getattr(pairing, side)()
        found.append(sides["ours"] / sides["theirs"])
    return found


def share_of_the_reward(steps: int = 6) -> list[float]:
    """Of each step of MD-GRPO on the nano model: seconds in the reward over all seconds, the first step left out."""
    with tempfile.TemporaryDirectory() as folder:
        changes = [f"grpo.args.max_steps={steps}", "grpo.tasks=18"]
        stage = Run.open(read_recipe("nano", changes), Path(folder), "grpo")
        train(stage, given=str(WEIGHTS))
        history = json.loads((stage.home / "record.json").read_text())["history"]
    return [row["seconds in the reward"] / row["step_time"] for row in history if "step_time" in row][1:]


def resident_bytes() -> int:
    """Resident memory of this process now."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def growth(pool: Pool) -> dict[str, float]:
    """Memory of the parent after 50 and after 500 runs, MiB, and what the loop costs around LAMMPS."""
    at, seconds = {}, []
    for number in range(1, 501):
        start = time.perf_counter()
        pool.run(Job(""))
        seconds.append(time.perf_counter() - start)
        pool.run(Job(SHORT)) if number % 5 == 0 else None
        if number in (50, 500):
            at[number] = resident_bytes() / MIB
    return {
        "resident memory of the parent after 50 runs, MiB": at[50],
        "its growth from run 50 to run 500, MiB": at[500] - at[50],
        "its largest resident memory, MiB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "an empty script through the pool, ms": 1e3 * statistics.median(seconds),
    }


@contextmanager
def warm(workers: int) -> Iterator[Pool]:
    """A pool whose workers are all started."""
    with Pool(workers) as pool:
        pool.map([Job("")] * workers)
        yield pool


def main() -> None:
    """Measure, print tables, write JSON for comparing two versions."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, default=Path("bench.json"), help="where the JSON goes")
    parser.add_argument("--compare", type=Path, help="JSON of an earlier run to show beside this one")
    parser.add_argument("--only", default="", help="measure what has this word in its name")
    given = parser.parse_args()
    before = json.loads(given.compare.read_text())["ratios"] if given.compare else {}
    table = Table("what", "median ratio", "lowest", "highest", *(["before"] if before else []))
    ratios: dict[str, dict[str, object]] = {}
    with warm(1) as one, warm(2) as two:
        absolute = growth(one) if not given.only else {}
        measures = {pairing.name: partial(measure, pairing) for pairing in pairings(one, two)}
        measures["reward / whole step of MD-GRPO, nano, 32 completions"] = share_of_the_reward
        for name, ratios_of in measures.items():
            if given.only not in name:
                continue
            print(f"measuring {name} ...", file=sys.stderr)
            values = ratios_of()
            ratios[name] = {"median": statistics.median(values), "ratios": values}
            row = [f"{v:.3f}" for v in (statistics.median(values), min(values), max(values))]
            earlier = [f"{before[name]['median']:.3f}" if name in before else "-"] if before else []
            table.add_row(name, *row, *earlier)
    content = {"mdevalbench": __version__, "lammps": install.version(), "ratios": ratios, "absolute": absolute}
    given.output.write_text(json.dumps(content, indent=1) + "\n")
    console = Console()
    console.print(table)
    for name, value in absolute.items():
        console.print(f"{name}: {value:.1f}")
    print(f"written to {given.output}")


if __name__ == "__main__":
    main()
