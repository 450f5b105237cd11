"""From a model to the leaderboard: a small transformer made here, and a server, through every suite."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from mdevalbench.cli.main import app
from mdevalbench.leaderboard.results import read_results
from mdevalbench.tasks import load_suite, render_reference

SUITES = (
    *(("codegen-v1", ()), ("demo", ()), ("codegen-train", ("--seed", "7"))),
    *(("knowledge", ()), ("syntax", ("--language", "zh")), ("official-code", ())),
)
LIMIT = 2


def run(*args: str | Path) -> Result:
    return CliRunner().invoke(app, list(map(str, args)))


def evaluated(model: str, tmp_path: Path, *more: str | Path) -> set[str]:
    """Suites of the results that come of evaluations of a few tasks of each suite."""
    data = tmp_path / "published"
    data.mkdir()
    rows = [{"task": f"Task {n}.", "standrd_code": "units lj\n"} for n in range(3)]
    (data / "LammpsCodeGenEval_sub.json").write_text(json.dumps(rows))
    assert run("tasks", "draw", "--seed", "7", "-n", str(LIMIT)).exit_code == 0  # references
    for suite, options in SUITES:
        where = ["--data", data] if suite.startswith("official") else []
        asked = ["eval", "--model", model, "--suite", suite, "--limit", LIMIT, "--log-dir", tmp_path / "logs"]
        done = run(*map(str, asked), *options, *where, *more)
        assert done.exit_code == 0, done.output
    done = run("leaderboard", "add", tmp_path / "logs", "--results", tmp_path / "results")
    assert done.exit_code == 0, done.output
    results = read_results(tmp_path / "results")
    assert all(result.model.endswith(model.rpartition("/")[2]) and not result.whole for result in results)
    assert all(result.verified.answers == len(result.answers) == LIMIT for result in results)
    done = run("leaderboard", "build", "-o", tmp_path / "site", "--results", tmp_path / "results")
    assert done.exit_code == 0, done.output
    assert (tmp_path / "site" / "index.html").read_text().count(" tasks: ") == len(SUITES)
    return {result.suite for result in results}


@pytest.mark.slow
def test_a_small_transformer(writer: Path, tmp_path: Path) -> None:
    suites = evaluated("hf/writer", tmp_path, "-M", f"model_path={writer}", "--max-tokens", "60", "-M", "device=cpu")
    assert suites == {suite for suite, _ in SUITES}


@pytest.mark.slow
def test_a_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, model_server: Any) -> None:
    script = f"```lammps\n{render_reference(load_suite('demo')[0])}```"
    with model_server(lambda prompt: (script, "stop")) as server:
        monkeypatch.setenv("LOCAL_API_KEY", server.key)
        suites = evaluated(f"openai-api/local/{server.model}", tmp_path, "--base-url", server.url)
    assert suites == {suite for suite, _ in SUITES}
