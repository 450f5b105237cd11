"""`mdevalbench tasks draw`: light tasks without end, for training."""

from __future__ import annotations

import json as jsonlib
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mdevalbench.cli.faults import FELL_SHORT
from mdevalbench.cli.options import DrawSeed, Executor, Lammps, Scheduler, TasksDir
from mdevalbench.cli.output import progress, with_uncertainty
from mdevalbench.cli.tasks import Family, Jobs

if TYPE_CHECKING:
    from mdevalbench.lammps.executor import Executor as AnyExecutor
    from mdevalbench.tasks import Task
    from mdevalbench.tasks.drawn.drawing import DrawnTask
    from mdevalbench.tasks.drawn.proof import Proof


def draw(
    family: Family = None,
    seed: DrawSeed = None,
    number: Annotated[int, typer.Option("-n", "--number", min=1, help="How many tasks.")] = 8,
    references: Annotated[
        bool, typer.Option("--references/--no-references", help="Measure reference values that are not there yet.")
    ] = True,
    prompts: Annotated[bool, typer.Option("--prompts", help="Print the prompts too.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object per line, a row of a data set.")] = False,
    check: Annotated[
        bool, typer.Option("--check", help="Judge each reference script with another seed; tell its CPU seconds.")
    ] = False,
    jobs: Jobs = None,
    executor: Executor = None,
    scheduler: Scheduler = None,
    lammps: Lammps = None,
    tasks_dir: TasksDir = None,
) -> None:
    """Draw tasks from a family, or in turn from all that can be drawn from (suite `codegen-train`).

    A task is fixed by family, seed and index, and its id is understood wherever a task is asked for. Reference values
    come from 4 seeds and are kept in the user's cache. A seed in MDEVALBENCH_SEAL, or one that is no number, is never
    shown: ids carry a short hash of it.

    Examples: `mdevalbench tasks draw --family lattice_constant --seed 7 -n 3 --prompts`,
    `mdevalbench tasks draw --seed 7 -n 1000 --json > train.jsonl`

    Exit code 1 if a reference script cannot be measured (the others are kept), if it does not pass its check, or if
    more than one run in ten takes longer than it may.
    """
    from mdevalbench.tasks import Seed
    from mdevalbench.tasks.drawn.drawing import draw_in_turn

    start = Seed.labelled(seed)
    tasks = draw_in_turn(start, number, family)
    missing: dict[str, str] = {}
    proofs: dict[str, Proof] = {}
    if references or check:
        missing, proofs = _run(tasks, check, jobs)
        tasks = draw_in_turn(start, number, family)  # now with their references
    for task in tasks:
        if task.id not in missing:
            _print(task, prompts, json, proofs.get(task.id))
    for reason in missing.values():
        typer.echo(f"left out: {reason}", err=True)
    if check:
        _print_proofs(list(proofs.values()), len(tasks))
    if missing or not all(proof.passed for proof in proofs.values()) or not _light(list(proofs.values())):
        raise typer.Exit(FELL_SHORT)


def _run(tasks: Sequence[DrawnTask], check: bool, jobs: int | None) -> tuple[dict[str, str], dict[str, Proof]]:
    """Measure missing references, then check if wanted; reasons of tasks without reference, proofs of the others."""
    from mdevalbench.lammps.executor import open_executor
    from mdevalbench.tasks.drawn.proof import prove

    if not check and all(task.reference for task in tasks):
        return {}, {}
    with open_executor(jobs) as pool:
        missing = unmeasurable(tasks, pool)
        if not check:
            return missing, {}
        with progress("checking") as advance:
            proofs = prove([task.id for task in tasks if task.id not in missing], pool, advance)
    return missing, {proof.task: proof for proof in proofs}


def unmeasurable(tasks: Sequence[Task], pool: AnyExecutor) -> dict[str, str]:
    """Measure and store references that are not there yet; why those cannot be that are still missing, by task."""
    from mdevalbench.errors import TaskError
    from mdevalbench.scorers.judge import Judge
    from mdevalbench.tasks.calibration import measure_references

    with progress("measuring") as advance:
        found = measure_references(tasks, Judge(pool), pool.workers, advance)
    return {task_id: str(value) for task_id, value in found.items() if isinstance(value, TaskError)}


def _print(task: DrawnTask, prompts: bool, json: bool, proof: Proof | None) -> None:
    if json:
        sys.stdout.write(jsonlib.dumps(row(task), ensure_ascii=False) + "\n")
        return
    found = task.reference
    value = f"{with_uncertainty(found.value, found.uncertainty)} {found.unit}" if found else "no reference yet"
    checked = f"  {'passed' if proof.passed else 'FAILED'}, {proof.longest:.2f} s" if proof else ""
    typer.echo(f"{task.id:44s} {value}{checked}")
    for reason in proof.reasons if proof else ():
        typer.echo(f"    {reason}")
    if prompts:
        typer.echo("\n" + task.prompt.strip() + "\n")


def row(task: DrawnTask) -> dict[str, Any]:
    """A task as a row of a data set; what a sealed seed is, is not in it."""
    found = task.reference
    return {
        "id": task.id,
        "prompt": task.prompt,
        "family": task.family,
        "seed": int(task.seed) if task.seed.isdecimal() else task.seed,
        "index": task.index,
        "parameters": task.instance.parameters,
        "observable": task.observable,
        "unit": task.unit,
        "reference": {"value": found.value, "uncertainty": found.uncertainty} if found else None,
    }


def _light(proofs: Sequence[Proof]) -> bool:
    """Whether runs are as short as they have to be, but for one in ten."""
    from mdevalbench.tasks.drawn.proof import LIGHT_SECONDS

    runs = [seconds for proof in proofs for seconds in proof.runs]
    return sum(seconds <= LIGHT_SECONDS for seconds in runs) >= 0.9 * len(runs)


def _print_proofs(proofs: Sequence[Proof], asked: int) -> None:
    from mdevalbench.tasks.drawn.proof import LIGHT_SECONDS

    runs = sorted(seconds for proof in proofs for seconds in proof.runs)
    passed = sum(proof.passed for proof in proofs)
    light = sum(seconds <= LIGHT_SECONDS for seconds in runs)
    families = len({proof.task.partition("/")[0] for proof in proofs})
    typer.echo(f"{passed} of {asked} references pass their task with another seed ({families} families)", err=True)
    if runs:
        typer.echo(
            f"{light} of {len(runs)} runs took at most {LIGHT_SECONDS:g} CPU seconds "
            f"(median {runs[len(runs) // 2]:.2f}, longest {runs[-1]:.2f}; each script runs in two worlds)",
            err=True,
        )
    if not _light(proofs):
        typer.echo("→ Make runs shorter or systems smaller, under `train.recipe` in family.yml", err=True)
