"""What is wrong with an `eval` command is said before anything runs; a dry run asks nothing."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from mdevalbench.cli.main import app
from mdevalbench.tasks import StoredReference, load_family, load_suite
from mdevalbench.tasks.references import SeedValue, write_references

LOCAL = "openai-api/local/right-or-wrong"
Command = Callable[..., Result]


@pytest.fixture
def command(tmp_path: Path, toy_root: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Command]:
    """Run `mdevalbench eval` on the small family, and see that it wrote no log."""
    made = {"value": 5.26, "uncertainty": 0.0, "unit": "angstrom", "natoms": 4, "version": 1, "lammps": "", "date": ""}
    seed = SeedValue(seed=1, value=5.26, uncertainty=0.0, natoms=4)
    references = {
        t.instance.id: StoredReference(**made, recipe="", seeds=(seed,)) for t in load_family("argon_lattice")
    }
    write_references(toy_root / "codegen" / "argon_lattice", references)
    for name in [name for name in os.environ if name.endswith(("_API_KEY", "_BASE_URL"))]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    yield lambda *arguments, **env: CliRunner().invoke(app, ["eval", *arguments], env=env)
    assert not list(tmp_path.glob("**/*.eval"))


@pytest.mark.parametrize(
    ("model", "words"),
    [
        ("gpt-55", ["provider/model", "openai/", "did you mean 'gpt-5'"]),
        ("gpt-5", ["OPENAI_API_KEY", "export"]),
        ("nobody/x", ["nobody", "not recognized"]),
        ("mdevalbench/best", ["mdevalbench/reference", "mdevalbench/wrong", "mdevalbench/template"]),
        ("openai/gpt-5", ["OPENAI_API_KEY", "export"]),
        (LOCAL, ["LOCAL_API_KEY", "export"]),
    ],
)
def test_unknown_models_and_missing_keys(command: Command, model: str, words: list[str]) -> None:
    result = command("--model", model)
    assert result.exit_code == 2
    assert all(word in result.stderr for word in words), result.stderr
    assert "Traceback" not in result.stderr


def test_missing_address(command: Command) -> None:
    result = command("--model", LOCAL, LOCAL_API_KEY="x")
    assert result.exit_code == 2
    assert "LOCAL_BASE_URL" in result.stderr
    assert "--base-url" in result.stderr


def test_server_that_is_not_there(command: Command) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}/v1"
        result = command("--model", LOCAL, "--base-url", url, LOCAL_API_KEY="x")
    assert result.exit_code == 2
    assert url in result.stderr
    assert "cannot be reached" in result.stderr


@pytest.mark.parametrize(
    ("model", "key", "words"),
    [
        (LOCAL, "another", ["refuses the API key", "401"]),
        ("openai-api/local/no-such", "a-key", ["does not know it", "404"]),
    ],
)
def test_server_that_refuses(command: Command, model_server: Any, model: str, key: str, words: list[str]) -> None:
    with model_server(lambda prompt: ("", "stop")) as server:
        result = command("--model", model, "--base-url", server.url, LOCAL_API_KEY=key)
    assert result.exit_code == 2
    assert all(word in result.stderr for word in words), result.stderr
    assert not server.asked


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--suite", "no_such"], "no suite 'no_such'"),
        (["--family", "argon_latice"], "argon_lattice"),
        (["--max-cost", "1"], "--prices"),
    ],
)
def test_settings_that_cannot_be(command: Command, arguments: list[str], words: str) -> None:
    result = command("--model", "mdevalbench/wrong", *arguments)
    assert result.exit_code == 2
    assert words in result.stderr


def test_dry_run_asks_nothing(command: Command, model_server: Any) -> None:
    arguments = ["--model", LOCAL, "--epochs", "3", "--limit", "2", "--dry-run"]
    with model_server(lambda prompt: ("", "stop")) as server:
        shown = command(*arguments, "--base-url", server.url)
        plan = json.loads(command(*arguments, "--json").stdout)
    assert shown.exit_code == 0
    assert "6 answers" in shown.stdout
    assert not server.asked
    assert plan["tasks"] == [task.id for task in load_suite("codegen")]
    assert (plan["model"], plan["epochs"], plan["answers"]) == (LOCAL, 3, 6)
    characters = 3 * sum(len(task.prompt) for task in load_suite("codegen"))
    assert characters / 5 < plan["prompt_tokens_estimate"] < characters


def test_help_shows_examples() -> None:
    text = CliRunner().invoke(app, ["eval", "--help"], env={"COLUMNS": "100"}).stdout
    assert "mdevalbench eval --model" in text
    assert "--max-cost" in text
