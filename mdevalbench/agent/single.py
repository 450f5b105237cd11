"""One request to the tool-calling loop outside of any suite: an evaluation of one sample, where alone it runs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from inspect_ai import Task, eval
from inspect_ai.dataset import Sample
from inspect_ai.log import read_eval_log
from inspect_ai.model import Model
from inspect_ai.solver import Generate, Solver, TaskState, solver

from mdevalbench.agent.budget import Budget
from mdevalbench.agent.calling import call_tools
from mdevalbench.agent.toolbox import Toolbox
from mdevalbench.agent.trajectory import Trajectory
from mdevalbench.agent.watching import Watch, unwatched
from mdevalbench.agent.writer import Unanswered
from mdevalbench.lammps.executor import Executor


def pursue(
    request: str,
    model: Model,
    executor: Executor,
    budget: Budget,
    folder: Path,
    given: Mapping[str, str],
    watch: Watch = unwatched,
) -> Trajectory:
    """Let a model that calls tools answer a request, which is in words.

    Args:
        request: what the user wants.
        model: has to be able to call tools.
        executor: runs its scripts.
        budget: what it may take.
        folder: where Inspect's log, and the pictures and structures of the tools, are written.
        given: files that lie in the folder of every run.
        watch: called with the number of each call of a tool, and its name.

    Raises Unanswered if the loop could not even begin.
    """

    @solver
    def loop() -> Solver:
        async def solve(state: TaskState, generate: Generate) -> TaskState:
            await call_tools(Toolbox(executor, folder, request, given, watch), budget, state)
            return state

        return solve

    task = Task([Sample(input=request)], solver=loop(), name="agent")
    (log,) = eval(task, model, log_dir=str(folder), display="none", log_format="eval")
    samples = read_eval_log(log.location).samples or []
    if not samples or "trajectory" not in samples[0].store:
        raise Unanswered(log.error.message if log.error else "Inspect ended without a sample")
    return Trajectory.model_validate(samples[0].store["trajectory"])
