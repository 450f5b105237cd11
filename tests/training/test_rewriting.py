"""From a failure to a new prompt: everything that helps, and never the reference."""

from __future__ import annotations

import re
from typing import Any

import pytest

from mdevalbench.errors import HarnessFault, UsageError
from mdevalbench.scorers.judge import Judge
from mdevalbench.scorers.rewards import Rewards
from mdevalbench.tasks import draw, load_task, render_reference, wrong
from mdevalbench.tasks.calibration import measure_references
from mdevalbench.tasks.scripts import breaking
from mdevalbench.training.diagnosis import diagnosis
from mdevalbench.training.rewriting import LONGEST, in_words, rewriter
from mdevalbench.types import Verdict

FAMILIES = (
    "lattice_constant",
    "surface_energy",
    "vacancy_formation_energy",
    "energy_conservation",
    "thermal_expansion",
)


def fenced(script: str) -> str:
    return f"```lammps\n{script}\n```"


@pytest.fixture(scope="module", params=FAMILIES)
def failures(request: pytest.FixtureRequest, rewards: Rewards) -> list[tuple[str, Verdict]]:
    """Wrong scripts of a drawn task with their verdicts."""
    (task,) = draw(request.param, 31, 1)
    measure_references([task], Judge(rewards.executor))
    task = load_task(task.id)
    scripts = [fenced(variant.script) for variant in (*wrong(task), *breaking(task))]
    verdicts = rewards.verdicts([task.id] * len(scripts), scripts)
    return [(script, verdict) for script, verdict in zip(scripts, verdicts, strict=True) if verdict is not None]


def test_the_reference_is_never_told(failures: list[tuple[str, Verdict]]) -> None:
    assert len(failures) >= 7
    for script, verdict in failures:
        told = diagnosis(verdict)
        assert told, verdict
        r = verdict.reference
        assert "is off by" not in told and "above the bound of" not in told
        if verdict.measured is None or abs(verdict.measured.value - r.value) > r.tolerance:
            numbers = [float(number) for number in re.findall(r"-?\d+\.?\d*(?:e[-+]?\d+)?", told)]
            near = [n for n in numbers if abs(n - r.value) < 1e-4 * abs(r.value)]
            prompt = load_task(verdict.task).prompt
            assert [n for n in near if f"{n:g}" not in prompt] == [], told
        assert script.removeprefix("```lammps\n").strip("`\n") in in_words("?", script, told)


def test_a_value_that_is_off_is_told_without_its_distance(rewards: Rewards) -> None:
    (task,) = draw("surface_energy", 31, 1)
    measure_references([task], Judge(rewards.executor))
    script = fenced(next(variant.script for variant in wrong(load_task(task.id)) if variant.name == "not_lowest"))
    (verdict,) = rewards.verdicts([task.id], [script])
    assert verdict is not None and verdict.measured is not None
    assert "is off by" in verdict.reasons[0]
    first = diagnosis(verdict).splitlines()[0]
    measured = verdict.measured
    assert first == (
        f"- {task.observable}: the simulation gives {measured.value:.6g} {measured.unit}, "
        "which is not what a right one gives"
    )


def test_what_lammps_said_is_told(rewards: Rewards) -> None:
    (verdict,) = rewards.verdicts(["lattice_constant/cu-mishin"], [fenced("units metal\npair_stile eam")])
    assert verdict is not None
    assert "Unknown command" in diagnosis(verdict) and "pair_stile" in diagnosis(verdict)


def test_a_right_answer_has_no_diagnosis(rewards: Rewards) -> None:
    task = load_task("lattice_constant/cu-mishin")
    (verdict,) = rewards.verdicts([task.id], [fenced(render_reference(task))])
    assert verdict is not None and diagnosis(verdict) == ""


def test_words_for_answers_without_or_with_endless_scripts() -> None:
    assert "held no LAMMPS input script" in in_words("The task.", "I cannot.", "- no script")
    long = in_words("The task.", fenced("print a\n" * 5000), "- too long")
    assert "# (shortened)" in long and len(long) < LONGEST + 1000


def test_a_model_as_rewriter_needs_a_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with pytest.raises(UsageError, match="needs OPENAI_API_KEY"):
        rewriter("gpt-5")


def test_a_model_rewrites_what_it_is_told(monkeypatch: pytest.MonkeyPatch, model_server: Any) -> None:
    with model_server(lambda prompt: (f"Mind this. {prompt}", "stop")) as server:
        monkeypatch.setenv("OPENAI_API_KEY", server.key)
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        rewrite = rewriter(server.model)
        given = in_words("The task.", fenced("run 0"), "- too short")
        assert rewrite("The task.", fenced("run 0"), "- too short") == f"Mind this. {given}"
        server.answer = lambda prompt: ("  ", "stop")
        assert rewrite("The task.", fenced("run 0"), "- too short") == given  # nothing said: the deterministic words
        with pytest.raises(HarnessFault, match="does not exist"):
            rewriter("another")("The task.", fenced("run 0"), "- too short")


def test_a_model_that_does_not_answer_is_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "x")
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
    with pytest.raises(HarnessFault, match="did not answer"):
        rewriter("some-model")("?", "answer", "- wrong")
