"""All that is published, on the command line: small files of the published form, asked of the built-in models."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from mdevalbench.cli.main import app

SCRIPT = "units lj\nregion b block 0 4 0 4 0 4\ncreate_box 1 b\ncreate_atoms 1 single 1 1 1\nmass 1 1\n"
LOOP = f"{SCRIPT}pair_style zero 2.5\npair_coeff * *\nfix 1 all nve\nthermo 5\nrun 10\n"
OPTIONS = {"A": "a rigid body", "B": "a thermostat", "C": "a barostat", "D": "an integrator"}


def encoded(value: Any) -> str:
    return "BASE64:" + base64.b64encode(json.dumps(value).encode()).decode()


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("published")
    for name, right in (("MD-KnowledgeEval_total.jsonl", "BBD"), ("LAMMPS-SyntaxEval_total.jsonl", "ACC")):
        rows = [
            {"id": f"q{n}", "type": "single_choice", "question": f"{name} {n}?", "options": OPTIONS}
            | {"answer": encoded([letter]), "difficulty": "easy", "tags": ["some"]}
            for n, letter in enumerate(right)
        ]
        write(folder / "EN" / "QA_Eval" / name, "\n".join(map(json.dumps, rows)))
    tasks = {
        "Let it move.": LOOP,
        "Let it fly.": LOOP,
        "Read it.": "units lj\nread_data my.data\nrun 1\n",
        "Box it.": SCRIPT,
    }
    rows = [{"task": task, "standrd_code": encoded(script)} for task, script in tasks.items()]
    write(folder / "EN" / "Code_Eval" / "LammpsCodeGenEval_sub.json", json.dumps(rows))
    return folder


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def run(model: str, data: Path, folder: Path, *more: str) -> Result:
    args = ["eval", "--model", model, "--suite", "official", "--data", str(data), "--log-dir", str(folder), *more]
    return CliRunner().invoke(app, args)


def test_the_reference_earns_all_but_what_does_not_run(data: Path, tmp_path: Path) -> None:
    result = run("mdevalbench/reference", data, tmp_path, "--json", "--epochs", "2")
    assert result.exit_code == 0, result.stderr
    found = json.loads(result.stdout)
    assert list(found) == ["official-knowledge", "official-syntax", "official-code"]
    assert (
        found["official-knowledge"]["total"]["score"]["mean"] == found["official-syntax"]["total"]["score"]["mean"] == 1
    )
    code = found["official-code"]
    assert code["complete"] and code["epochs"] == 2
    assert (code["total"]["exec_1"]["mean"], code["total"]["exec_k"]["mean"]) == (0.75, 0.75)
    assert code["total"]["simulated"]["mean"] == 0.5
    assert (code["sound"]["tasks"], code["sound"]["exec_1"]["mean"], code["sound"]["score"]["mean"]) == (2, 1, 1)
    assert code["flags"] == {
        "the reference does not run": 1,
        "performs no run": 1,
        "needs files that were not published": 1,
        "of the 167 that the paper counts, not in these files": 163,
    }
    assert "hold the published answers" in result.stderr
    page = Path(code["report"]).read_text()
    for words in (
        "Exec-Success@2",
        "1 task: performs no run",
        "Cannot open file my.data",
        "Flags: the reference does not",
    ):
        assert words in page


def test_one_script_for_every_task_runs_always(data: Path, tmp_path: Path) -> None:
    """What an execution rate says of the tasks: nothing."""
    result = run("mdevalbench/majority", data, tmp_path)
    assert result.exit_code == 0, result.stderr
    words = " ".join(result.stdout.split())
    assert "on suite official-knowledge (en)" in words and "on suite official-code (en)" in words
    assert "all 4 100" in words
    found = json.loads(run("mdevalbench/majority", data, tmp_path, "--json").stdout)
    by_hand = {"official-knowledge": 2 / 3, "official-syntax": 2 / 3}
    assert {suite: found[suite]["total"]["score"]["mean"] for suite in by_hand} == pytest.approx(by_hand)


def test_ways_of_answering(data: Path, tmp_path: Path) -> None:
    asked = ["--suite", "official-code", "--solver", "mdagent", "--rounds", "2", "--limit", "2"]
    result = run("mdevalbench/apprentice", data, tmp_path, *asked)
    assert result.exit_code == 0, result.stderr
    assert "mdevalbench/apprentice by mdagent on suite official-code" in " ".join(result.stdout.split())
    (page,) = tmp_path.glob("*mdagent-official-code*.html")
    assert "by mdagent" in page.read_text()


def test_a_plan_asks_nothing(data: Path, tmp_path: Path) -> None:
    result = run("openai/gpt-5", data, tmp_path / "none", "--dry-run")
    assert result.exit_code == 0, result.stderr
    words = " ".join(result.stdout.split())
    assert "3 questions of suite official-syntax" in words and "4 tasks of suite official-code" in words
    assert not (tmp_path / "none").exists()
    plans = json.loads(run("openai/gpt-5", data, tmp_path, "--dry-run", "--json", "--limit", "2").stdout)
    assert [len(plan.get("questions", plan.get("tasks"))) for plan in plans.values()] == [2, 2, 2]


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (("--family", "water"), "--family: suite official-knowledge has no families"),
        (("--seed", "3"), "--seed: the letters of suite official-knowledge stay as published"),
        (("--language", "zh"), "in a folder ZH; there is EN/QA_Eval/MD-KnowledgeEval_total.jsonl"),
        (("--suite", "official-code", "--seed", "3"), "suite official-code has no letters"),
        (("--suite", "official-coed"), "did you mean 'official-code'"),
    ],
)
def test_what_cannot_be_is_said(data: Path, tmp_path: Path, more: tuple[str, ...], says: str) -> None:
    result = run("mdevalbench/majority", data, tmp_path, *more)
    assert result.exit_code == 2
    assert says in " ".join(result.stderr.split())
