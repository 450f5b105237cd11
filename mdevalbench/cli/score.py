"""`mdevalbench score`: judge one script or one answer of a model."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mdevalbench.cli import completion
from mdevalbench.cli.faults import FELL_SHORT, HARNESS
from mdevalbench.cli.options import Executor, Lammps, Scheduler, TasksDir, warn_of_other_lammps
from mdevalbench.cli.output import print_json
from mdevalbench.errors import HarnessFault, UsageError

if TYPE_CHECKING:
    from mdevalbench.tasks import Task
    from mdevalbench.types import Verdict


def score(
    task_id: Annotated[
        str, typer.Argument(help="Task id, e.g. lattice_constant/cu-mishin", autocompletion=completion.task_ids)
    ],
    script: Annotated[
        str, typer.Argument(help="File with a LAMMPS script or a model's whole answer; - for standard input.")
    ],
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    unsafe: Annotated[
        bool, typer.Option("--unsafe", help="Run without isolation. Only for scripts that you wrote yourself.")
    ] = False,
    executor: Executor = None,
    scheduler: Scheduler = None,
    lammps: Lammps = None,
    tasks_dir: TasksDir = None,
) -> None:
    """Run a script in the sandbox, measure what it simulated and compare with the reference.

    Examples: `mdevalbench score lattice_constant/cu-mishin answer.md`,
    `mdevalbench tasks show lattice_constant/cu-mishin --script | mdevalbench score lattice_constant/cu-mishin -`

    Exit code 0: passed. 1: not passed. 2: wrong usage. 3: the harness failed, which says nothing about the script.
    """
    from mdevalbench.lammps.executor import open_executor
    from mdevalbench.scorers.judge import Judge
    from mdevalbench.tasks import load_task, reference_value

    task, answer = load_task(task_id), read_answer(script)
    reference_value(task)
    warn_of_other_lammps([task])
    try:
        with open_executor(1, unsafe=unsafe) as pool:
            verdict = Judge(pool).judge(task, answer)
    except HarnessFault as fault:
        if not json:
            raise
        print_json({"task": task.id, "outcome": "harness_fault", "reasons": [str(fault)]})
        raise typer.Exit(HARNESS) from fault
    if json:
        print_json(as_json(verdict))
    else:
        _print(task, verdict, answer, script)
    if not verdict.passed:
        raise typer.Exit(FELL_SHORT)


def read_answer(path: str) -> str:
    """Content of a file, or of standard input for `-`. Raises UsageError if it cannot be read, or is a template."""
    if path.endswith(".j2"):
        name = Path(path).name.removesuffix(".j2").removesuffix(".lmp")
        raise UsageError(
            f"{path} is a template; a script of a task is made of it by `mdevalbench tasks show TASK --script {name}`"
        )
    try:
        return sys.stdin.buffer.read().decode() if path == "-" else Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise UsageError(f"cannot read {path}: {reason}") from error


def as_json(verdict: Verdict) -> dict[str, Any]:
    """The verdict as others' scripts read it."""
    content = verdict.model_dump(mode="json", exclude={"components", "error"})
    if content["measured"]:
        content["measured"] = {key: content["measured"][key] for key in ("value", "uncertainty", "unit")}
    return content


def _print(task: Task, verdict: Verdict, answer: str, name: str) -> None:
    from mdevalbench.cli.report import print_report
    from mdevalbench.extract import extract

    print_report(task, verdict, extract(answer).script or "", name)
