"""Numbers, JSON and the scale drawing."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from mdevalbench.cli.output import print_json, with_uncertainty
from mdevalbench.cli.report import WIDTH, scale
from mdevalbench.tasks import Task, load_task
from mdevalbench.types import Claim, Measurement, Outcome, Reference, Stage, Verdict


@pytest.mark.parametrize(
    ("value", "uncertainty", "text"),
    [
        (3.61503, 0.00123, "3.6150 ± 0.0012"),
        (3.61503, 0.0999, "3.62 ± 0.10"),
        (3.61503, 0.0, "3.61503"),
        (123456.0, 789.0, "123456 ± 789"),
        (2.5e-9, 1.2e-10, "(2.50 ± 0.12)e-9"),
        (-0.75, 0.02, "-0.750 ± 0.020"),
        (0.0, 0.5, "0.00 ± 0.50"),
        (5.2576884958, 1e-17, "5.2576885"),
        (1.0, math.inf, "1"),
        (math.nan, 1.0, "nan"),
    ],
)
def test_a_value_is_cut_where_its_uncertainty_begins(value: float, uncertainty: float, text: str) -> None:
    assert with_uncertainty(value, uncertainty) == text


def test_json_has_no_numbers_that_json_does_not_know(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({"a": math.nan, "b": [math.inf, 1.5], "c": ("Å",)})
    assert json.loads(capsys.readouterr().out) == {"a": None, "b": [None, 1.5], "c": ["Å"]}


def verdict(value: float, uncertainty: float, claim: float | None = None) -> Verdict:
    return Verdict(
        task="argon_lattice/ar",
        outcome=Outcome.SCORED,
        stage=Stage.MEASURED,
        passed=False,
        reward=0.5,
        measured=Measurement(value=value, uncertainty=uncertainty, unit="angstrom"),
        reference=Reference(value=5.0, uncertainty=0.01, tolerance=0.1, unit="angstrom"),
        claim=None if claim is None else Claim(value=claim, unit="angstrom"),
        setup=False,
        analysis=False,
        reasons=(),
        seconds=0.0,
    )


@pytest.fixture
def task(toy_root: Path) -> Task:
    return load_task("argon_lattice/ar")


def test_a_value_inside_lies_between_the_brackets(task: Task) -> None:
    line, claim, ticks = scale(task, verdict(5.05, 0.01, claim=4.95))
    assert len(line) == len(ticks) == WIDTH
    assert line.index("[") < line.index("┿") < line.index("●") < line.index("]")
    assert "═" in line
    assert line.index("[") < claim.index("▲") < line.index("┿")
    assert float(ticks.split()[0]) < 4.9
    assert float(ticks.split()[-1]) > 5.1


@pytest.mark.parametrize("value", [4.0, 6.0, -100.0, 1e9])
def test_a_value_far_away_is_still_on_the_drawing(task: Task, value: float) -> None:
    line, *_ = scale(task, verdict(value, 0.0))
    assert len(line) == WIDTH
    assert (line.index("●") < line.index("]")) is (value < 5)


def test_nothing_measured_gives_no_drawing(task: Task) -> None:
    assert scale(task, verdict(math.nan, 0.0)) == []
    assert scale(task, verdict(5.0, 0.0).model_copy(update={"measured": None})) == []


def test_an_upper_bound_is_open_below(task: Task) -> None:
    spec = task.spec.model_copy(update={"compare": task.spec.compare.model_copy(update={"kind": "upper-bound"})})
    bounded = Task(task.id, spec, task.prompt, task.folder, task.source, task.layers)
    line, _ = scale(bounded, verdict(2.0, 0.0))
    assert line.startswith("━")
    assert "[" not in line
    assert line.index("●") < line.index("]")
