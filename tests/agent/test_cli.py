"""`mdevalbench agent`: what it writes and says, in both modes, and what is left when a provider dies."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from inspect_ai.log import read_eval_log
from typer.testing import CliRunner

from mdevalbench.cli.main import app
from mdevalbench.tasks import load_task, render_reference


def command(*arguments: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["agent", *arguments])
    return done.exit_code, done.output


def test_the_command_line(tmp_path: Path) -> None:
    out = str(tmp_path / "made")
    code, said = command("elastic constants of silicon", "-o", out, "--json")
    found = json.loads(said[said.index("{") :])
    assert code == 0 and found["done"] and (tmp_path / "made" / "index.html").is_file()
    code, said = command("--task", "lattice_constant/cu-mishin", "-o", str(tmp_path / "task"))
    assert code == 0 and "judged  passed" in said
    code, said = command("--task", "lattice_constant/cu-mishin", "--rounds", "1", "-o", str(tmp_path / "once"))
    assert code == 1 and "judged  " in said and "judged  passed" not in said
    for arguments, words in (
        ((), "give a request in quotes"),
        (("x", "--task", "lattice_constant/cu-mishin"), "give a request in quotes"),
        (("melting of tin", "-o", out), "not empty"),
        (("who won the football match",), "does not read like a question"),
        (("melting of tin", "--model", "mdevalbench/nobody"), "no such built-in model"),
        (("--task", "lattice_constant/cu-mishn"), "cu-mishin"),
    ):
        code, said = command(*arguments)
        assert code == 2 and words in " ".join(said.split()), said


def test_a_model_that_calls_tools(tmp_path: Path) -> None:
    made = tmp_path / "made"
    code, said = command("--mode", "tools", "--task", "lattice_constant/cu-mishin", "-o", str(made))
    assert code == 0 and "call 1: check_script" in said and "judged  passed" in said
    found = json.loads((made / "trajectory.json").read_text())
    assert [one["tool"] for one in found["calls"]] == ["check_script", "run_script"]  # and then it submitted
    assert found["chosen"] == 1 and found["done"] and found["further_tokens"] > 0
    page = (made / "index.html").read_text()
    assert "Tools that were called" in page and 'class="structure"' in page and "inspect.eval" in page
    assert read_eval_log(str(made / "inspect.eval")).status == "success"
    code, said = command(
        "--mode", "tools", "elastic constants of silicon", "--rounds", "1", "-o", str(tmp_path / "one")
    )
    assert code == 1 and "the limit of 1 answers was reached" in said


@pytest.mark.parametrize("mode", ["workflow", "tools"])
def test_a_provider_that_dies(mode: str, model_server: type, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = render_reference(load_task("lattice_constant/cu-mishin")).replace("minimize", "minimise")

    def answer(prompt: str) -> tuple[str, str]:
        server.failing = True
        return f"```lammps\n{wrong}```", "stop"

    monkeypatch.setenv("LOCAL_API_KEY", "a-key")
    with model_server(answer) as server:
        arguments = ["lattice constant of copper", "--model", f"openai-api/local/{server.model}", "--mode", mode]
        code, said = command(*arguments, "--base-url", server.url, "-o", str(tmp_path / "made"))
    assert code == 3 and "does not answer any more" in said and "the weights have been lost" in said
    found = json.loads((tmp_path / "made" / "trajectory.json").read_text())
    assert found["failed"] and not found["done"]
    assert len(found["rounds"]) == (1 if mode == "workflow" else 0)
    assert (tmp_path / "made" / "index.html").is_file()
