"""Published code tasks: what counts as a success, and what evidence decides of the paper's rubric."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest
from inspect_ai.scorer import Score

from mdevalbench.lammps.pool import Pool
from mdevalbench.scorers import code
from mdevalbench.scorers.code import CodeOutcome, does_not_start, run_code
from mdevalbench.scorers.inspect_code import score_code
from mdevalbench.types import Limits
from mdevalbench.zoo.provider import ALWAYS_THE_SAME as MELT


@pytest.fixture(scope="module")
def pool() -> Iterator[Pool]:
    with Pool(2) as pool:
        yield pool


def outcome(pool: Pool, script: str) -> CodeOutcome:
    return run_code(f"```lammps\n{script}```\n", pool)


def test_a_script_that_runs_earns_every_point_that_can_be_decided(pool: Pool) -> None:
    found = outcome(pool, MELT)
    assert (found.executed, found.cut_off, found.steps, found.error) == (True, False, 100, None)
    assert found.points == {"A1": 3, "A6": 1, "A10": 1, "A11": 1, "A12": 2, "A13": 3}
    assert found.score == 1


@pytest.mark.parametrize(
    ("old", "new", "executed", "points"),
    [
        ("mass 1 1.0\n", "", False, {"A1": 0, "A10": 0, "A11": 1, "A12": 0, "E1": -6}),
        ("run 100\n", "run 100\nrun many\n", False, {"A1": 3, "A10": 1, "A12": 0, "A13": 3, "E2": -4}),
        ("run 100\n", "", True, {"A1": 3, "A10": 0, "A11": 1, "A12": 2}),
        ("thermo 50\n", "", True, {"A11": 0, "A12": 2, "E4": -2}),
        ("fix 1", "timestep 0.05\nfix 1", False, {"A1": 3, "A6": 0, "A12": 0, "E2": -4, "E3": -3}),
        ("fix 1 all nve", "fix 1 all nve\nfix 2 all langevin 1 1 1 1", True, {"A6": 1, "A12": 2}),
        ("fix 1 all nve", "timestep 0.03\nfix 1 all nve", True, {"A6": 0, "A12": 2, "A13": 0}),
    ],
    ids=["does-not-start", "stops", "no-run", "no-output", "blows-up", "thermostat", "energy-drifts"],
)
def test_points_follow_what_happened(pool: Pool, old: str, new: str, executed: bool, points: dict[str, int]) -> None:
    found = outcome(pool, MELT.replace(old, new))
    assert found.executed is executed
    assert points.items() <= found.points.items()
    assert "A13" not in found.points or ("langevin" not in new and found.steps)
    assert bool(found.reason) is not executed


def test_an_answer_without_a_script(pool: Pool) -> None:
    found = run_code("I would rather not.", pool)
    assert (found.script, found.executed, found.score) == (False, False, 0)
    assert "no script was found" in found.reason


def test_a_run_that_is_cut_off_counts_if_the_rest_is_right(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(code, "LIMITS", Limits(cpu_seconds=0.5, folder_bytes=1 << 20))
    long = MELT.replace("run 100", "run 10000000")
    good, bad = outcome(pool, long), outcome(pool, f"{long}fix 9 all nothing\n")
    assert (good.executed, good.cut_off) == (True, True) and good.steps > 100
    assert (bad.executed, bad.cut_off) == (False, True)
    assert "in what comes after the run was cut off: line 13" in bad.reason
    writes = outcome(pool, MELT.replace("run 100", "dump 1 all atom 1 d.txt\nrun 1000000"))
    assert (writes.executed, writes.cut_off) == (True, True)


def test_scripts_that_do_not_start(pool: Pool) -> None:
    why = does_not_start([MELT, "units lj\nread_data no.data\n"], pool)
    assert why[0] == ""
    assert "line 2, `read_data no.data`" in why[1]


def test_the_rubric_as_a_model_fills_it_in(monkeypatch: pytest.MonkeyPatch, model_server: Any) -> None:
    sheet = {"why": "fine", "points": {f"A{n}": 1 for n in range(1, 16)} | {f"E{n}": 0 for n in range(6)}}
    said = [json.dumps(sheet), "It is good."]
    with model_server(lambda prompt: (said.pop(0) if "TASK\nMelt it." in prompt else "", "stop")) as server:
        monkeypatch.setenv("LOCAL_API_KEY", server.key)
        monkeypatch.setenv("LOCAL_BASE_URL", server.url)
        judge = f"openai-api/local/{server.model}"
        sheets = [scored(None), scored(judge)]
        unscored = scored(judge)
    assert [found.value for found in sheets] == [
        {"executed": 1.0, "code_score": 1.0},
        {"executed": 1.0, "code_score": 0.5},
    ]
    assert sheets[1].metadata is not None and sheets[1].metadata["by_evidence"] == 1
    assert not isinstance(unscored.value, dict)
    assert "no sheet" in str(unscored.explanation)


def scored(judge: str | None) -> Score:
    return asyncio.run(score_code({"request": "Melt it."}, f"```lammps\n{MELT}```", judge))
