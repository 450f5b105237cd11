"""`mdevalbench eval` as a user runs it: in a process of its own, against a server that speaks OpenAI's protocol."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from inspect_ai.log import EvalSampleSummary, list_eval_logs, read_eval_log, read_eval_log_sample_summaries
from typer.testing import CliRunner

from mdevalbench.cli.main import app
from mdevalbench.tasks import load_family, render_reference, wrong
from mdevalbench.zoo.provider import recognise

FAMILY = "lattice_constant"
MODEL = "openai-api/local/right-or-wrong"
TASKS = load_family(FAMILY)
RIGHT = {task.id for task in TASKS[::2]}
CUT = TASKS[-2].id


def answer(prompt: str) -> tuple[str, str]:
    """Right for every second task of the family, wrong for the others, one of them by being cut off."""
    task = recognise(prompt)
    if task.id == CUT:
        return f"This should do.\n```lammps\n{render_reference(task)[:100]}", "length"
    script = render_reference(task) if task.id in RIGHT else wrong(task)[0].script
    return f"This should do.\n```lammps\n{script}```\n", "stop"


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """Keys, and folders for caches and logs of its own."""
    return {
        **os.environ,
        "LOCAL_API_KEY": "a-key",
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
        "XDG_DATA_HOME": str(tmp_path / "data"),
        "COLUMNS": "120",
    }


Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def start(tmp_path: Path, environment: dict[str, str]) -> Start:
    """Start `mdevalbench` with arguments; keyword arguments change the environment (None removes)."""

    def begin(*arguments: str, **changes: str | None) -> subprocess.Popen[str]:
        variables = {name: value for name, value in {**environment, **changes}.items() if value is not None}
        command = [sys.executable, "-c", "from mdevalbench.cli.main import app; app()", *arguments]
        pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        return subprocess.Popen(command, env=variables, cwd=tmp_path, text=True, **pipes)

    return begin


def finish(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    out, err = process.communicate(timeout=300)
    return process.returncode, out, err


def judged(folder: Path) -> list[EvalSampleSummary]:
    """Samples in the newest log that have a score on disk; none while the log is just being replaced."""
    logs = list_eval_logs(str(folder)) if folder.exists() else []
    try:
        return [sample for sample in read_eval_log_sample_summaries(logs[0]) if sample.scores] if logs else []
    except ValueError:
        return []


def wait_until(condition: Callable[[], Any], process: subprocess.Popen[str]) -> None:
    """Wait for a condition that a running process will make true."""
    while not condition():
        assert process.poll() is None, process.communicate()
        time.sleep(0.05)


def test_killed_and_resumed_run_is_complete(start: Start, tmp_path: Path, model_server: Any) -> None:
    arguments = ["eval", "--model", MODEL, "--family", FAMILY, "--max-connections", "1", "--log-dir", "logs", "--json"]
    with model_server(answer, hold_after=3) as server:
        arguments += ["--base-url", server.url]
        killed = start(*arguments)
        wait_until(server.held.is_set, killed)
        wait_until(lambda: len(judged(tmp_path / "logs")) == 3, killed)
        before = {(sample.id, sample.epoch): sample.uuid for sample in judged(tmp_path / "logs")}
        killed.kill()
        killed.wait()
        server.release.set()

        code, out, err = finish(start(*arguments))
        assert code == 0, err
        summary = json.loads(out)
        # only what had not been judged was asked again
        kept = {recognise(prompt).id: count for prompt, count in server.asked.items()}
        assert {task for task, _ in before} <= {task for task, count in kept.items() if count == 1}
        assert sum(kept.values()) <= len(TASKS) + 1

        log = read_eval_log(summary["log"])
        assert log.status == "success"
        assert [Path(info.name).name for info in list_eval_logs(str(tmp_path / "logs"))] == [Path(summary["log"]).name]
        assert log.samples is not None
        assert sorted(str(sample.id) for sample in log.samples) == sorted(task.id for task in TASKS)
        assert before.items() <= {(sample.id, sample.epoch): sample.uuid for sample in log.samples}.items()
        assert all(sample.error is None for sample in log.samples)
        # no zero that is not the model's, and no one that is not either
        assert {a["task"]: a["scores"]["physics"] for a in summary["answers"]} == {
            task.id: float(task.id in RIGHT) for task in TASKS
        }
        assert (summary["complete"], summary["total"]["unscored"], summary["total"]["errors"]) == (True, 0, 0)
        assert [a["task"] for a in summary["answers"] if a["truncated"]] == [CUT]
        assert Path(tmp_path, summary["report"]).read_text().count("<article>") == len(TASKS)


def test_answers_that_the_provider_fails_to_give_are_asked_again(
    environment: dict[str, str], tmp_path: Path, model_server: Any
) -> None:
    arguments = ["eval", "--model", MODEL, "--family", FAMILY, "--limit", "2", "--log-dir", str(tmp_path), "--json"]
    with model_server(answer) as server:
        arguments += ["--base-url", server.url]
        server.failing = True
        result = CliRunner().invoke(app, arguments, env=environment)
        failed = json.loads(result.stdout)
        assert result.exit_code == 3
        assert (failed["total"]["errors"], failed["total"]["unscored"], failed["complete"]) == (2, 0, False)
        assert all(a["scores"] is None and "weights have been lost" in a["error"] for a in failed["answers"])
        server.failing = False
        result = CliRunner().invoke(app, arguments, env=environment)
        assert result.exit_code == 0
        scores = {a["task"]: a["scores"]["physics"] for a in json.loads(result.stdout)["answers"]}
        assert scores == {task.id: float(task.id in RIGHT) for task in TASKS[:2]}
