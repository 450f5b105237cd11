"""The benchmark as Inspect tasks: `inspect eval mdevalbench/codegen --model ...`."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence

import inspect_ai
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.model import ChatMessageSystem, ChatMessageUser
from inspect_ai.solver import Generate, Solver, TaskState, solver

from mdevalbench import __version__
from mdevalbench.lammps import install
from mdevalbench.scorers.inspect import physics
from mdevalbench.tasks import budget
from mdevalbench.tasks.chat import lammps_version, system_message
from mdevalbench.tasks.loading import Task
from mdevalbench.tasks.suites import load_suite


@solver
def answer() -> Solver:
    """Ask the model once, unless the spending limit of the run is reached."""

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        async with budget.turn():
            state = await generate(state)
            budget.add(state.output.usage)
        return state

    return solve


@inspect_ai.task
def codegen(
    suite: str = "codegen", family: str | None = None, seed: str | int | None = None, count: int | None = None
) -> inspect_ai.Task:
    """Write a LAMMPS script that measures an observable; the judge measures it again.

    Args:
        suite: name of a suite (`mdevalbench tasks list`).
        family: only the tasks of this family.
        seed: seed of a suite that is drawn (`codegen-train`). A sealed one is never given here, where it would stand in
            the log, but in the environment variable MDEVALBENCH_SEAL.
        count: tasks of a suite that is drawn.
    """
    tasks = spread(load_suite(suite, family, seed=seed, count=count))
    system = system_message()
    digest = suite_digest(tasks, system)
    return inspect_ai.Task(
        dataset=MemoryDataset([sample(task, system) for task in tasks], name=suite),
        solver=answer(),
        scorer=physics(),
        headline_metric="physics.physics",
        # Inspect resumes a log only if name, arguments, model and this version agree: never across a change of tasks.
        version=digest[:12],
        metadata={
            "suite": suite,
            "suite_digest": digest,
            "mdevalbench": __version__,
            "lammps": lammps_version(),
            "tasks": {task.id: task.digest for task in tasks},
        },
    )


def spread(tasks: Sequence[Task]) -> tuple[Task, ...]:
    """The same tasks in an order that takes one of each family in turn, so that a limit leaves no family out."""
    turn = Counter[str]()
    order: list[tuple[int, Task]] = []
    for task in tasks:
        order.append((turn[task.family], task))
        turn[task.family] += 1
    return tuple(task for _, task in sorted(order, key=lambda item: item[0]))


def sample(task: Task, system: str) -> Sample:
    """One task as Inspect sees it; the scorer finds the task again by the id."""
    return Sample(
        id=task.id,
        input=[ChatMessageSystem(content=system), ChatMessageUser(content=task.prompt)],
        metadata={
            "family": task.family,
            "level": task.level,
            "observable": task.observable,
            "unit": task.unit,
            "compare": task.spec.compare.kind,
            "claim_tolerance": task.spec.compare.claim_tolerance,
            "digest": task.digest,
        },
    )


def suite_digest(tasks: Sequence[Task], system: str) -> str:
    """SHA-256 over everything that decides the scores of a suite: tasks, system message and LAMMPS version."""
    content = "\n".join([system, install.identity(), *(f"{task.id} {task.digest}" for task in tasks)])
    return hashlib.sha256(content.encode()).hexdigest()
