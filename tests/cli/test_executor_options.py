"""--executor and --scheduler: wrong use is told; what they choose holds for the whole command."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from mdevalbench.cli.main import app


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch) -> None:
    """The options keep the choice in the environment: put it back after each test."""
    monkeypatch.setenv("MDEVALBENCH_EXECUTOR", "")
    monkeypatch.setenv("MDEVALBENCH_SCHEDULER", "")


def run(*args: str) -> Result:
    return CliRunner().invoke(app, list(args))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--executor", "slurm"], "'local', 'dask'"),
        (["--scheduler", "tcp://127.0.0.1:8786"], "add --executor dask"),
        (["--executor", "local", "--scheduler", "tcp://127.0.0.1:8786"], "add --executor dask"),
        (["--executor", "dask", "--scheduler", "head-node"], "tcp://host:8786"),
        (["--executor", "dask", "--scheduler", "127.0.0.1:1"], "no Dask scheduler answers at tcp://127.0.0.1:1"),
    ],
)
def test_wrong_use_is_told(options: list[str], words: str) -> None:
    result = run("tasks", "verify", "--family", "lattice_constant", *options)
    assert result.exit_code == 2
    assert words in " ".join(result.stderr.replace("│", " ").split())


@pytest.mark.slow
def test_an_evaluation_on_a_local_cluster(tmp_path: Path) -> None:
    command = ["eval", "--model", "mdevalbench/reference", "--suite", "demo", "--family", "lattice_constant", "--json"]
    done = subprocess.run(
        [str(Path(sys.executable).parent / "mdevalbench"), *command, "--executor", "dask", "--log-dir", str(tmp_path)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["total"]["pass_at"]["1"]["mean"] == 1
    assert "WARNING" not in done.stderr and "Traceback" not in done.stderr
