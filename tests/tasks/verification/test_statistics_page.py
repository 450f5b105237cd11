"""The page on statistics: what it shows of judgements, and what it says where something is missing."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from mdevalbench.tasks.schema import Published
from mdevalbench.tasks.verification.judgements import Judgement
from mdevalbench.tasks.verification.published import Comparison
from mdevalbench.tasks.verification.statistics_page import as_json, page, statistics_of

Make = Callable[..., Judgement]


def comparison(*, checked: bool, value: float = 1.1, known_error: float = 0.2, explanation: str = "") -> Comparison:
    published = Published(
        value=value,
        unit="bar",
        source="A. Author | J. Phys. 1, 2 (1999)",
        checked=checked,
        known_error=known_error,
        explanation=explanation,
    )
    return Comparison("pressure/dense", "bar", 1.0, 0.01, 0.03, value, known_error, published)


@pytest.fixture
def judged(judgement: Make) -> list[Judgement]:
    """A family that depends on seeds and one that does not; one right script rejected, one wrong one accepted."""
    fresh = [judgement("reseed", n > 0, name=f"seed {n}", seed=n, value=1 + 0.02 * n) for n in range(20)]
    fresh[0] = fresh[0].model_copy(update={"reasons": ("off by 0.4 where 0.3 is allowed", "a | b\nc")})
    lattice = {"task": "lattice/cu", "stochastic": False, "script_seconds": 0.5}
    return [
        judgement(),
        judgement("solution"),
        *fresh,
        judgement("wrong", True, name="no_tail", seed=5),
        judgement("wrong", False, name="no_tail"),
        judgement("breaking", False, name="hot"),
        judgement(**lattice),
        judgement("benign", name="larger", **lattice),
    ]


def rows(text: str) -> list[list[str]]:
    return [[cell.strip() for cell in line.split(" | ")] for line in text.splitlines() if line.startswith("| ")]


def row(text: str, *beginning: str) -> list[str]:
    """The one table row that begins so, without the bars."""
    found = [one for one in rows(text) if one[: len(beginning)] == [f"| {beginning[0]}", *beginning[1:]]]
    if len(found) != 1:
        raise ValueError(f"{len(found)} rows begin with {beginning}")
    return [cell.removesuffix(" |") for cell in found[0][len(beginning) :]]


def test_tables_hold_what_was_judged(judged: list[Judgement]) -> None:
    text = page(statistics_of(judged, len(judged), 0, ([], [])))
    right, wrong = text.split("## Wrong scripts")
    # 1 of 20: the Clopper-Pearson bound is 21.61 %
    assert row(right, "pressure") == ["1", "0 of 1", "0 of 1", "1 of 20", "-", "21.6%", "2 s", "2 s"]
    assert row(right, "lattice") == ["1", "0 of 1", "-", "-", "0 of 1", "95.0%", "0.5 s", "0.5 s"]
    assert row(right, "**all**")[:5] == ["2", "0 of 2", "0 of 1", "1 of 20", "0 of 1"]
    assert row(wrong, "pressure", "1 of 2") == ["97.5%", "0 of 1", "95.0%"]
    assert row(wrong, "pressure", "wrong", "no_tail") == ["1 of 2", "97%"]
    assert "1 of 20 were rejected: at most 21.61%" in text
    assert "27; tasks: 2; families: 2" in text
    assert "None is missing." in text


def test_wrong_judgements_are_listed_with_reasons(judged: list[Judgement]) -> None:
    text = page(statistics_of(judged, len(judged), 0, ([], []))).split("## Every wrong judgement")[1].split("##")[0]
    assert len(rows(text)) == 2 + 2
    assert "| pressure/dense | seed 0 | rejected | off by 0.4 where 0.3 is allowed; a \\| b c |" in text
    assert "| pressure/dense | wrong no_tail, seed 5 | accepted | measured 1 +- 0.1 bar" in text


def test_what_is_not_reached_or_missing_stands_out(judged: list[Judgement]) -> None:
    found = statistics_of(judged, 30, 4, ([], []))
    text = page(found)
    assert "**3 of 30 scripts are not judged yet.**" in text
    assert "4 were judged by an earlier state of the judge." in text
    assert row(text, "wrong scripts fail") == [">= 98%", "50.0% (1 of 2)", "**no**"]
    assert not found.ok


def test_the_suite_is_fine_if_everything_is_judged_and_every_criterion_met(judgement: Make) -> None:
    judged = [judgement("reseed", seed=n, value=1 + n / 1000) for n in range(99)]
    judged += [judgement(), judgement("solution"), judgement("wrong", False), judgement("breaking", False)]
    compared = [comparison(checked=True)] * 20
    assert statistics_of(judged, 103, 0, (compared, [])).ok
    assert not statistics_of(judged, 104, 0, (compared, [])).ok
    assert not statistics_of(judged, 103, 0, (compared[1:], [])).ok
    assert not statistics_of(judged, 103, 0, (compared, ["is off"])).ok


def test_the_check_of_tolerances(judged: list[Judgement]) -> None:
    """z = 0, 0.2, ... 3.8: seven of twenty are beyond 2.576, the mean is 1.9."""
    text = page(statistics_of(judged, len(judged), 0, ([], [])))
    assert "In 20 runs of right scripts with fresh seeds" in text
    assert "has the mean +1.90 and the standard deviation 1.18" in text
    assert "lie 7 of 20, that is 35.0%" in text
    assert row(text, "pressure", "20") == ["+1.90", "1.18", "7 of 20", "63%", "120%", "127%"]
    assert "half of the runs use at most 63%, 95 % at most 120%; the largest is 127%" in text


def test_published_values_and_what_is_to_be_put_right(judged: list[Judgement]) -> None:
    compared = [
        comparison(checked=True),
        comparison(checked=False, value=1.5),
        comparison(checked=False, value=1.5, explanation="measured at 10 K"),
    ]
    text = page(statistics_of(judged, len(judged), 0, (compared, ["pressure/dense: is off"])))
    assert "Recomputed or read in their source: 1; not so: 2." in text
    assert (
        "| pressure/dense | bar | 1 ± 0.01 | 1.1 | -0.1 | 0.2 | yes | A. Author \\| J. Phys. 1, 2 (1999) |  |" in text
    )
    assert "| 1.5 | -0.5 | 0.2 | no | A. Author \\| J. Phys. 1, 2 (1999) | **missing** |" in text
    assert "| measured at 10 K |" in text
    assert "- pressure/dense: is off" in text


def test_nothing_judged_is_told() -> None:
    text = page(statistics_of([], 12, 0, ([], [])))
    assert "**None of 12 scripts is judged yet.**" in text
    assert "No run with a fresh seed was measured." in text
    assert "There is none." in text


def test_json_has_the_figures_and_the_wrong_judgements_only(judged: list[Judgement]) -> None:
    content = json.loads(json.dumps(as_json(statistics_of(judged, 30, 0, ([comparison(checked=True)], [])))))
    assert (content["judged"], content["planned"], content["ok"]) == (27, 30, False)
    assert [one["name"] for one in content["misjudged"]] == ["seed 0", "no_tail"]
    assert content["whole"]["rejected"] == {"events": 1, "trials": 21}
    assert content["published"][0]["deviation"] == pytest.approx(-0.1)
    assert content["published"][0]["agrees"] is True
