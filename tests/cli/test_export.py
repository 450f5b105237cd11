"""`mdevalbench tasks export`: the rows of every format, and that the reward judges by them on real LAMMPS."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from typer.testing import CliRunner, Result

from mdevalbench import reward
from mdevalbench.cli.main import app
from mdevalbench.errors import TaskError
from mdevalbench.lammps.pool import Pool
from mdevalbench.reward import Rewards, areward_function, reward_function
from mdevalbench.tasks import DrawnTask, Task, calibration, load_task, messages, reference_value, render_reference
from mdevalbench.web.reward_server import create_app

DRAWN = ("--family", "lattice_constant", "--seed", "7", "-n", "2", "--no-references")
COLUMNS = {
    "trl": {"prompt", "task", "digest"},
    "verl": {"data_source", "prompt", "ability", "reward_model", "extra_info"},
    "openrlhf": {"input", "label"},
    "verifiers": {"id", "prompt", "task", "digest"},
}


@pytest.fixture(scope="module")
def rewards() -> Iterator[Rewards]:
    with Pool(2) as pool:
        yield Rewards(pool)


@pytest.fixture(autouse=True)
def no_reference_is_there_yet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("MDEVALBENCH_SEAL", "")  # what a command sets is undone after the test


def run(*args: str) -> Result:
    return CliRunner().invoke(app, ["tasks", "export", *args])


def exported(trainer: str, folder: Path, *args: str) -> list[dict[str, Any]]:
    output = folder / f"{trainer}.jsonl"
    result = run("--format", trainer, "--output", str(output), *args)
    assert result.exit_code == 0, result.output
    return [json.loads(line) for line in output.read_text().splitlines()]


def answers(*task_ids: str) -> list[str]:
    """A right one, then nothing."""
    scripts = [render_reference(load_task(task_id)) for task_id in task_ids]
    return [f"```lammps\n{scripts[0]}```", *("no idea" for _ in scripts[1:])]


def task_of(row: dict[str, Any]) -> Task:
    return load_task(row.get("task") or row.get("label") or row["reward_model"]["ground_truth"])


@pytest.mark.parametrize("trainer", COLUMNS)
def test_rows_hold_the_question_and_no_answer(trainer: str, tmp_path: Path) -> None:
    rows = exported(trainer, tmp_path, "--suite", "codegen", "--family", "lattice_constant")
    assert len(rows) == 5
    for row in rows:
        task, text = task_of(row), json.dumps(row)
        prompt = row.get("input") or row["prompt"]
        assert prompt in (task.prompt, messages(task.prompt))
        assert row.keys() == COLUMNS[trainer]
        assert f"{reference_value(task).value:.4f}" not in text and "minimize" not in text


def test_rows_of_trl_feed_the_reward_function(rewards: Rewards, tmp_path: Path) -> None:
    rows = exported("trl", tmp_path, *DRAWN)
    columns = {name: [row[name] for row in rows] for name in ("task", "digest")}
    messages = [[{"role": "assistant", "content": answer}] for answer in answers(*columns["task"])]
    physics = reward_function(rewards=rewards)
    assert physics(prompts=[row["prompt"] for row in rows], completions=messages, **columns) == [1.0, 0.0]
    with pytest.raises(TaskError, match="has changed since this row was written"):
        physics(completions=messages, **columns | {"digest": columns["digest"][::-1]})


async def test_rows_of_verl_feed_compute_score(
    rewards: Rewards, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reward, "shared", lambda: rewards)
    rows = exported("verl", tmp_path, *DRAWN)
    tasks = [row["reward_model"]["ground_truth"] for row in rows]
    for row, answer, score in zip(rows, answers(*tasks), (1.0, 0.0), strict=True):
        given = (row["data_source"], answer, row["reward_model"]["ground_truth"], row["extra_info"])
        assert (await reward.compute_score(*given))["score"] == score
    with pytest.raises(TaskError, match="has changed"):
        await reward.compute_score("mdevalbench", "x", tasks[0], rows[1]["extra_info"])


def test_rows_of_openrlhf_feed_the_server(rewards: Rewards, tmp_path: Path) -> None:
    rows = exported("openrlhf", tmp_path, *DRAWN)
    prompts, labels = [row["input"] for row in rows], [row["label"] for row in rows]
    queries = [prompt + answer for prompt, answer in zip(prompts, answers(*labels), strict=True)]
    reply = TestClient(create_app(rewards)).post(
        "/openrlhf", json={"query": queries, "prompts": prompts, "labels": labels}
    )
    assert reply.json()["rewards"] == [1.0, 0.0]


async def test_rows_of_verifiers_feed_a_coroutine(rewards: Rewards, tmp_path: Path) -> None:
    rows = exported("verifiers", tmp_path, *DRAWN)
    for row, answer, score in zip(rows, answers(*(row["id"] for row in rows)), (1.0, 0.0), strict=True):
        judged = areward_function(rewards=rewards)(completions=[answer], task=[row["task"]], digest=[row["digest"]])
        assert await judged == [score]


def test_parquet_holds_the_same_rows(tmp_path: Path) -> None:
    pandas = pytest.importorskip("pandas")
    pytest.importorskip("pyarrow")
    rows = exported("verl", tmp_path, *DRAWN)
    output = tmp_path / "train.parquet"
    assert run("--format", "verl", "--output", str(output), *DRAWN).exit_code == 0
    found = pandas.read_parquet(output).to_dict("records")
    assert [row | {"prompt": list(row["prompt"])} for row in found] == rows


def test_without_pyarrow_parquet_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    result = run("--format", "verl", "--output", str(tmp_path / "train.parquet"), *DRAWN)
    assert result.exit_code == 2 and "pip install pyarrow, or write .jsonl" in result.stderr
    assert not (tmp_path / "train.parquet").exists()


def test_tasks_whose_reference_cannot_be_measured_are_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(task: DrawnTask, *more: Any) -> str:
        return "bogus 1\n" if task.index == 1 else render_reference(task, *more)

    monkeypatch.setattr(calibration, "render_reference", broken)
    output = tmp_path / "rows.jsonl"
    result = run("--format", "openrlhf", "--output", str(output), *DRAWN[:-1], "-n", "3", "--jobs", "1")
    assert result.exit_code == 0 and "2 tasks of suite codegen-train" in result.stderr
    assert "left out: lattice_constant/draw-7-1: the reference script" in result.stderr
    labels = [json.loads(line)["label"] for line in output.read_text().splitlines()]
    assert labels == ["lattice_constant/draw-7-0", "lattice_constant/draw-7-2"]
    assert all(load_task(label).reference for label in labels)
    monkeypatch.setattr(calibration, "render_reference", lambda *given: "bogus 1\n")
    result = run("--format", "trl", "--output", str(tmp_path / "none.jsonl"), *DRAWN[:2], "--seed", "8", "-n", "1")
    assert result.exit_code == 2 and "no task is left" in result.stderr and not (tmp_path / "none.jsonl").exists()


def test_a_suite_that_measures_models_is_no_data_to_train_on(tmp_path: Path) -> None:
    frozen = run("--format", "trl", "--suite", "demo", "--output", str(tmp_path / "frozen.jsonl"))
    drawn = run("--format", "trl", *DRAWN, "--output", str(tmp_path / "drawn.jsonl"))
    assert "Warning: models are measured by these tasks" in frozen.stderr and "Warning" not in drawn.stderr


def test_a_sealed_seed_is_in_no_row(tmp_path: Path) -> None:
    exported("trl", tmp_path, *DRAWN, "--seed", "seven sealed seeds")
    assert "seven sealed seeds" not in (tmp_path / "trl.jsonl").read_text()


@pytest.mark.parametrize(
    ("args", "told"),
    [
        (("--format", "trll", "--suite", "demo"), "no format 'trll'; did you mean 'trl'?"),
        (("--format", "ppo", "--suite", "demo"), "there are: trl, verl, openrlhf, verifiers"),
        (("--format", "trl", "--suite", "demmo"), "no suite 'demmo'; did you mean 'demo'?"),
        (("--format", "trl", "--suite", "demo", "--seed", "7"), "need no seed; drawn suites: codegen-train"),
        (("--format", "trl", "-n", "3"), "need a seed: give --seed"),
    ],
)
def test_wrong_usage_is_told(args: tuple[str, ...], told: str, tmp_path: Path) -> None:
    result = run(*args, "--output", str(tmp_path / "rows.jsonl"))
    assert result.exit_code == 2 and told in result.stderr
    assert not (tmp_path / "rows.jsonl").exists()


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("there.jsonl", "is there already: remove it"),
        ("rows.csv", "written as .jsonl or .parquet"),
        ("nowhere/rows.jsonl", "cannot be written: there is no folder"),
    ],
)
def test_files_that_cannot_be_written(name: str, told: str, tmp_path: Path) -> None:
    (tmp_path / "there.jsonl").write_text("precious\n")
    result = run("--format", "trl", "--suite", "demo", "--output", str(tmp_path / name))
    assert result.exit_code == 2 and told in " ".join(result.stderr.split())
    assert (tmp_path / "there.jsonl").read_text() == "precious\n"
