"""`mdevalbench audit`: what it prints and how it ends."""

from __future__ import annotations

import json
import re

import pytest
from typer.testing import CliRunner, Result

from mdevalbench.cli.main import app

KEYS = ["attack", "group", "contained", "passed", "reward", "reason"]


def run(*args: str) -> Result:
    return CliRunner().invoke(app, ["audit", *args])


def test_a_table_that_fits_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    result = run("print_file", "quit_fault", "--jobs", "2")
    assert result.exit_code == 0, result.stdout + result.stderr
    heading, first, second, _, last = result.stdout.splitlines()
    assert heading.split() == ["attack", "contained", "passed", "reward", "reason"]
    assert re.match(r"print_file +yes +no +0\.02  Cannot open print file ", first)
    assert re.match(r"quit_fault +yes +no +0\.02  quit with exit code 96", second)
    assert last == "2 of 2 attacks came to nothing"
    assert max(map(len, result.stdout.splitlines())) <= 80


def test_json_is_a_list_of_findings() -> None:
    result = run("print_file", "--json", "--jobs", "2")
    assert result.exit_code == 0, result.stdout + result.stderr
    (finding,) = json.loads(result.stdout)
    assert list(finding) == KEYS
    assert (finding["group"], finding["contained"], finding["passed"]) == ("escape", True, False)


def test_the_list_tells_what_would_be_tried() -> None:
    lines = run("--list", "--group", "escape").stdout.splitlines()
    assert len(lines) >= 38
    assert all(re.match(r"escape  \w+ +\S.*", line) for line in lines)


def test_an_unknown_attack_is_wrong_usage() -> None:
    result = run("print_fiel")
    assert result.exit_code == 2
    assert "did you mean 'print_file'" in result.stderr
