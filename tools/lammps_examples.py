"""Fidelity over real inputs: does the static check accept what LAMMPS accepts, and does the engine end as `lmp` does?

Every input (`in.*`) of a tree, by default that of the distribution's package `lammps-examples`, is

1. checked statically, against what bare `lmp -skiprun` accepts;
2. run with `-skiprun` by the engine and by bare `lmp`: same exit code, same error message;
3. run for real by both where bare `lmp` ends within some CPU seconds: also the same last row of thermo output.

Each run gets a folder of its own with the plain files that lie beside the input; a job takes no sub-folders, so that
bare `lmp` gets none either. Potential files are those of the installed LAMMPS. Results are kept as JSON lines in the
output folder, one file per stage, and a call that was killed goes on where it was; `--redo` makes stages again. The
summary is printed and written to summary.json and summary.md; what bare `lmp` and the engine printed lies in output/.
The exit code is 1 if there is a false alarm or a difference without a known cause.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import Any

from fidelity import compare, inputs, report, sides
from fidelity.inputs import Example
from fidelity.store import STAGES, Store

from mdevalbench.lammps.job import Ending
from mdevalbench.lammps.pool import Pool

SETUP_SECONDS = 10.0
"""CPU seconds for a run whose loops are left out; those of `hyper` and `prd` are not, and do not end"""
ENGINE_SHARE = 6
"""how much more CPU time the engine may take than bare `lmp`, so that its limit never decides"""


class Sweep:
    """The stages, over some examples."""

    def __init__(self, store: Store, examples: list[Example], pool: Pool, real_seconds: float) -> None:
        self.store, self.examples, self.pool, self.real_seconds = store, examples, pool, real_seconds

    def run(self, stages: Sequence[str]) -> None:
        """Do what is missing of these stages."""
        work: dict[str, tuple[Callable[[Example], None], Callable[[str], bool]]] = {
            "check": (self.check, lambda name: True),
            "bare-skip": (lambda one: self.bare("bare-skip", one), lambda name: True),
            "engine-skip": (lambda one: self.engine("engine-skip", one), lambda name: self.ended("bare-skip", name)),
            "bare-real": (lambda one: self.bare("bare-real", one), lambda name: True),
            "engine-real": (lambda one: self.engine("engine-real", one), lambda name: self.ended("bare-real", name)),
            "bare-again": (lambda one: self.bare("bare-again", one), self.differs),
        }
        for stage in stages:
            do, wanted = work[stage]
            todo = [one for one in self.examples if self.missing(stage, one.name) and wanted(one.name)]
            self.each(stage, do, todo)

    def missing(self, stage: str, name: str) -> bool:
        """Whether a result is not there, or one of a real run that was ended sooner than it would be now."""
        found = self.store.results[stage].get(name)
        if found is None:
            return True
        cut = found.get("ending") == Ending.CPU_LIMIT and stage.endswith("-real")
        return cut and bool(found["allowed_seconds"] < self.real_seconds)

    def each(self, stage: str, do: Callable[[Example], None], todo: list[Example]) -> None:
        """Do one stage for several examples, as many at once as the pool has workers."""
        with ThreadPoolExecutor(self.pool.workers) as threads:
            futures = [threads.submit(do, one) for one in todo]
            try:
                for done, future in enumerate(as_completed(futures), 1):
                    future.result()
                    if done % 20 == 0 or done == len(todo):
                        print(f"{stage}: {done} of {len(todo)}", file=sys.stderr, flush=True)
            except BaseException:
                threads.shutdown(cancel_futures=True)
                raise

    def check(self, example: Example) -> None:
        """The static check."""
        self.store.add("check", example.name, {"findings": sides.static(example)})

    def bare(self, stage: str, example: Example) -> None:
        """Bare `lmp`."""
        skip = stage == "bare-skip"
        seconds = SETUP_SECONDS if skip else self.real_seconds
        outcome, output = sides.bare(example, skip_loops=skip, cpu_seconds=seconds)
        self.store.add(stage, example.name, outcome.record(), output)

    def engine(self, stage: str, example: Example) -> None:
        """The engine."""
        skip = stage == "engine-skip"
        seconds = ENGINE_SHARE * (SETUP_SECONDS if skip else self.real_seconds)
        outcome, output = sides.engine(self.pool, example, skip_loops=skip, cpu_seconds=seconds)
        self.store.add(stage, example.name, outcome.record(), output)

    def ended(self, stage: str, name: str) -> bool:
        """Whether bare `lmp` came to an end within its CPU seconds."""
        found = self.store.results[stage].get(name)
        return found is not None and found["ending"] not in (Ending.CPU_LIMIT, sides.WAITS)

    def differs(self, name: str) -> bool:
        """Whether a real run differs, so that bare `lmp` is tried against itself."""
        return any(one.cause == compare.UNEXPLAINED for one in compare.last_rows(self.store, [name]).differences)


def _shard(text: str) -> tuple[int, int]:
    number, _, count = text.partition("/")
    if not (number.isdigit() and count.isdigit() and 1 <= int(number) <= int(count)):
        raise argparse.ArgumentTypeError(f"'{text}' is not of the form K/N with K from 1 to N")
    return int(number), int(count)


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tree", type=Path, default=inputs.installed(), help="folder with the inputs")
    parser.add_argument("--output", type=Path, default=Path("lammps-examples"), help="folder for results")
    parser.add_argument(
        "--shard", type=_shard, default=(1, 1), metavar="K/N", help="only every N-th input from the K-th"
    )
    parser.add_argument("--called", nargs="+", default=["in.*"], metavar="GLOB", help="how inputs are named: in.*")
    parser.add_argument(
        "--only", nargs="+", default=["*"], metavar="GLOB", help="only inputs like these, e.g. 'rigid/*'"
    )
    parser.add_argument(
        "--real-seconds", type=float, default=10.0, metavar="S", help="CPU seconds; 0: nothing for real"
    )
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="how many at once")
    parser.add_argument("--redo", nargs="+", choices=STAGES, default=[], help="make these stages again")
    parser.add_argument("--report-only", action="store_true", help="run nothing, sum up what is there")
    parsed = parser.parse_args(argv)
    if parsed.tree is None or not parsed.tree.is_dir():
        parser.error("there is no tree of inputs: install the package lammps-examples, or give --tree FOLDER")
    return parsed


def main(argv: Sequence[str] | None = None) -> int:
    """Sweep, print and write the summary."""
    options = _arguments(argv)
    names = inputs.names(options.tree, options.only, options.shard, options.called)
    if not names:
        sys.exit(f"no input below {options.tree} matches: try another --only or --shard")
    store = Store(options.output)
    stages = [stage for stage in STAGES if options.real_seconds > 0 or stage in ("check", "bare-skip", "engine-skip")]
    if not options.report_only:
        store.forget(options.redo, names)
        with tempfile.TemporaryDirectory(prefix="mdevalbench-") as scratch:
            tree = Path(scratch) / "tree"
            examples = inputs.read_only_copy(options.tree, tree, names)
            try:
                with Pool(options.jobs) as pool:
                    Sweep(store, examples, pool, options.real_seconds).run(stages)
            finally:
                inputs.remove(tree)
    figures: dict[str, Any] = report.summary(store, names, options.real_seconds)
    (options.output / "summary.json").write_text(json.dumps(figures, indent=1) + "\n")
    text = report.markdown(figures)
    (options.output / "summary.md").write_text(text)
    print(text)
    unexplained = [part["causes"].get(compare.UNEXPLAINED, 0) for part in (figures["skiprun"], figures["real"])]
    return 1 if figures["static"]["false alarms"] or any(unexplained) else 0


if __name__ == "__main__":
    sys.exit(main())
