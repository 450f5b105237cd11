"""The report: nothing of a model's answer may act in it, and it shows what was measured."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from mdevalbench.leaderboard.drawing import DECADES, WIDTH, deviations_svg, position
from mdevalbench.leaderboard.report import accepted, earning, number, script_lines, write_report
from mdevalbench.leaderboard.summary import Answer, RunSummary, group_answers
from mdevalbench.types import Claim, Measurement, Outcome, Reference, ScriptError, Stage, Verdict

VIEWER = "http://127.0.0.1:7575/#/logs/"
"""what is linked to is a place on the reader's own machine"""
EVIL = "</code><script>alert(1)</script><img src=http://x.example/y onerror=alert(2)>\" onload='alert(3)' {{ 7*7 }}"


def verdict(task: str, value: float | None, *reasons: str, line: int | None = None) -> Verdict:
    reference = Reference(value=3.615, uncertainty=0.0001, tolerance=0.002, unit="angstrom")
    right = value is not None and abs(value - 3.615) <= 0.002
    return Verdict(
        task=task,
        outcome=Outcome.MODEL_FAULT if value is None else Outcome.SCORED,
        stage=Stage.FOUND if value is None else Stage.PASSED if right else Stage.MEASURED,
        passed=right,
        reward=0.02 if value is None else 1.0 if right else 0.6,
        measured=None
        if value is None
        else Measurement(value=value, uncertainty=0.0004, unit="angstrom", how="relaxed"),
        reference=reference,
        claim=None if value is None else Claim(value=value, unit="angstrom", derived=right),
        setup=right,
        analysis=right,
        reasons=reasons,
        error=ScriptError(message="Unknown command", line=line) if line else None,
        seconds=0.5,
    )


def answered(task: str, judged: Verdict | None, completion: str = "units metal\nrun 0\n", **changes: object) -> Answer:
    scores = None
    if judged is not None:
        rungs = dict.fromkeys(("found", "accepted", "started", "executed"), 1.0)
        scores = rungs | {"physics": float(judged.passed), "reward": judged.reward}
    content: dict[str, object] = {
        "task": task,
        "family": task.partition("/")[0],
        "epoch": 1,
        "completion": completion,
        "truncated": False,
        "scores": scores,
        "verdict": judged,
        "unscored": None if judged else "a worker died three times",
        "error": None,
        "compare": "two-sided",
        "input_tokens": 1200,
        "output_tokens": 340,
        "dollars": None,
    }
    return Answer.model_validate(content | changes)


def summary(*answers: Answer, model: str = "provider/model") -> RunSummary:
    families = dict.fromkeys(answer.family for answer in answers)
    return RunSummary(
        model=model,
        suite="codegen",
        suite_digest="0123456789abcdef",
        mdevalbench="0.1.0",
        lammps="22 Jul 2025",
        created="2026-01-02T03:04:05+00:00",
        settings={"temperature": "0.7"},
        epochs=1,
        planned=len(answers),
        complete=all(answer.scores for answer in answers),
        log="logs/x.eval",
        total=group_answers("all", answers, 1),
        families=tuple(group_answers(f, [a for a in answers if a.family == f], 1) for f in families),
        answers=answers,
    )


class Inventory(HTMLParser):
    """Tags, attributes and text of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str | None]] = []
        self.words: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        self.words.append(data)


@pytest.fixture
def page(tmp_path: Path) -> str:
    answers = (
        answered("lattice_constant/cu", verdict("lattice_constant/cu", 3.6153)),
        answered(
            "lattice_constant/al",
            verdict("lattice_constant/al", None, f"LAMMPS stopped with an error: line 2, `{EVIL}`", line=2),
            completion=f"```lammps\nunits metal\nprint '{EVIL}'\n```",
        ),
        answered("lattice_constant/si", verdict("lattice_constant/si", 3.7, "off by 0.085", EVIL), completion=EVIL),
        answered("pressure/lj", None, unscored=EVIL),
    )
    path = tmp_path / "report.html"
    write_report(summary(*answers, model=f"provider/{EVIL}"), path)
    return path.read_text()


def test_nothing_from_a_model_acts(page: str) -> None:
    inventory = Inventory(page)
    assert not inventory.tags & {
        "script",
        "img",
        "iframe",
        "object",
        "embed",
        "link",
        "base",
        "form",
        "image",
        "use",
    }
    for name, value in inventory.attributes:
        assert not name.startswith("on"), name
        assert name not in ("src", "xlink:href", "srcset", "action", "data")
        assert name != "href" or (value or "").startswith(VIEWER)
        assert name in ("content", "viewbox") or "alert" not in (value or "")
    assert "{{ 7*7 }}" in "".join(inventory.words)
    assert "49" not in "".join(inventory.words)


def test_needs_no_network(page: str) -> None:
    assert not re.search(r"url\(|@import|https?://(?!x\.example)", page.replace(VIEWER, ""))
    assert "default-src 'none'" in page


def test_shows_what_was_measured_and_why_not(page: str) -> None:
    words = " ".join("".join(Inventory(page).words).split())
    assert "3.61530 ± 0.00040 angstrom" in words
    assert "33 %" in words  # one of three scored
    assert "not scored: " + " ".join(EVIL.split()) in words
    assert "1 of 4 answers" not in words
    assert "1 could not be judged" in words
    assert words.count("1 of 1 passed") == 1
    assert page.count("<article>") == 4
    assert page.count('<li class="named">') == 1
    assert "What goes wrong" in words and "LAMMPS stopped with an error" in words


def test_says_how_a_reward_is_made_up() -> None:
    """The rungs add up to the most that a script earns which fails by nothing but what it prints, and to one."""
    said = [float(number) for number in re.findall(r"\d\.\d+", earning())]
    assert said[2:7] == [0.1, 0.15, 0.3, 0.3, 0.15] and sum(said[2:7]) == pytest.approx(1.0)


def test_names_the_lines_that_reasons_name() -> None:
    judged = verdict("a/b", None, "line 3: too hot", "lines of no number", line=1)
    completion = "```\nunits lj\nrun 0\nrun 1\n```"
    lines = script_lines(completion, judged.reasons, judged.error)
    assert lines == [
        (1, "units lj", True),
        (2, "run 0", False),
        (3, "run 1", True),
    ]


def test_scale_is_linear_inside_the_tolerance_and_logarithmic_outside() -> None:
    middle = WIDTH / 2
    assert position(0) == middle
    assert position(-0.5) - middle == middle - position(0.5)
    assert position(10) - position(1) == pytest.approx(position(100) - position(10))
    assert position(0.5) - middle == pytest.approx((position(1) - middle) / 2)
    assert position(1e30) == position(10**DECADES) < WIDTH
    places = [position(z) for z in (-1e9, -30, -2, -1, -0.1, 0, 0.1, 1, 2, 30)]
    assert places == sorted(places)


def test_drawing_puts_values_where_they_belong() -> None:
    right, wrong = (answered("a/b", verdict("a/b", value)) for value in (3.616, 3.635))
    drawing = str(deviations_svg([right, wrong]))
    circles = re.findall(r'<circle class="measured (\w+)" cx="([\d.]+)"', drawing)
    assert [state for state, _ in circles] == ["right", "wrong"]
    assert [float(x) for _, x in circles] == pytest.approx([position(0.5), position(10)], abs=0.06)
    assert not deviations_svg([answered("a/b", None)])


def test_drawing_of_an_upper_bound_accepts_everything_below() -> None:
    answer = answered("a/b", verdict("a/b", 3.0), compare="upper-bound")
    drawing = str(deviations_svg([answer]))
    band = re.search(r'class="accepted" x="([\d.]+)" y="8" width="([\d.]+)"', drawing)
    assert band is not None
    left, width = map(float, band.groups())
    assert left <= position(-1e9)
    assert left + width == pytest.approx(position(1), abs=0.1)


@pytest.mark.parametrize(
    ("value", "uncertainty", "text"),
    [
        (3.615, 0.0012, "3.6150 ± 0.0012"),
        (2.43e-5, 6.1e-7, "2.43e-05 ± 6.1e-07"),
        (12.3, 0, "12.3"),
        (3.6149251, 2e-16, "3.61493"),
        (float("nan"), 1, "nan"),
    ],
)
def test_numbers_show_their_uncertainty(value: float, uncertainty: float, text: str) -> None:
    assert number(value, uncertainty) == text


@pytest.mark.parametrize(
    ("value", "tolerance", "compare", "words"),
    [
        (425.7, 4.3, "two-sided", "accepted 421.4 to 430.0"),
        (3.615, 0.001, "two-sided", "accepted 3.6140 to 3.6160"),
        (-74000.0, 1500.0, "two-sided", "accepted -75500 to -72500"),
        (0.0, 0.12, "upper-bound", "accepted up to 0.12"),
    ],
)
def test_says_what_is_accepted(value: float, tolerance: float, compare: str, words: str) -> None:
    assert accepted(Reference(value=value, uncertainty=0, tolerance=tolerance, unit="GPa"), compare) == words
