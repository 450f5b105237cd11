"""The published questions, read as their authors publish them: here small files of that form, written for the test."""

from __future__ import annotations

import base64
import json
import os
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from mdevalbench.errors import TaskError, UsageError
from mdevalbench.scorers.answers import score
from mdevalbench.tasks.qa.published import flags, letters, load_published
from mdevalbench.tasks.qa.suites import dealt, questions_of

OPTIONS = {"A": "a rigid body", "B": "a thermostat", "C": "a barostat", "D": "an integrator"}


def encoded(value: Any) -> str:
    return "BASE64:" + base64.b64encode(json.dumps(value, ensure_ascii=False).encode()).decode()


def row(number: str, kind: str, **more: Any) -> dict[str, Any]:
    given = {"id": number, "type": kind, "question": f"Question {number}?", "difficulty": "easy", "tags": ["some"]}
    return given | {"answer_text": None} | more


ROWS = [
    row("q001", "single_choice", options=OPTIONS, answer=encoded(["B"])),
    row("q002", "single_choice", options=OPTIONS, answer=encoded(["B"])),
    row("q003", "single_choice", options=OPTIONS, answer=encoded(["D"])),
    row("q004", "multiple_choice", options=OPTIONS, answer=encoded(["A", "C"])),
    row("q005", "multiple_choice", options=OPTIONS, answer=encoded(["A", "B", "C", "D"])),
    row("f006", "fill_blank", answer_text=encoded("mean squared displacement (MSD)")),
    row("f007", "fill_blank", answer_text=encoded("均方位移")),
    row("f010", "fill_blank", answer_text=encoded("fix ave/time g(r)")),
    row(
        "q008",
        "open_qa",
        options=None,
        answer=encoded([]),
        answer_text=encoded("- Forces come first.\n- Then velocities."),
    ),
    row("q009", "open_qa", options=None, answer=encoded([]), answer_text=None),
]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A folder as one has it after downloading; only the suite of syntax, in English."""
    write(tmp_path, "\n".join(map(json.dumps, ROWS)) + "\n")
    return tmp_path


def write(folder: Path, text: str) -> None:
    path = folder / "MD_Benchmark" / "EN" / "QA_Eval" / "LAMMPS-SyntaxEval_total.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_kinds_letters_and_answers_are_those_published(data: Path) -> None:
    found = {question.item.id: question for question in load_published("official-syntax", data, "en")}
    assert Counter(q.item.kind for q in found.values()) == {"single": 3, "multiple": 2, "fill": 3, "open": 2}
    assert letters(list(found.values())) == {"B": 2, "D": 1}
    assert [option.right for option in found["q004"].item.options] == [True, False, True, False]
    assert found["q004"].at().endswith("LAMMPS-SyntaxEval_total.jsonl:4: [3]")
    for given in ("MSD", "Mean squared displacement", "mean squared displacement (MSD)"):
        assert score(found["f006"].item, f"ANSWER: {given}", "en").score == 1
    assert score(found["f006"].item, "ANSWER: displacement", "en").score == 0
    assert found["f010"].item.answer.texts == ("fix ave/time g(r)",)
    for given in ("time", "r", "fix ave"):
        assert score(found["f010"].item, f"ANSWER: {given}", "en").score == 0
    assert score(found["q008"].item, "First the forces, of course.", "en").score == 0.5


def test_what_is_wrong_with_them_is_flagged(data: Path) -> None:
    assert flags(load_published("official-syntax", data, "en"), "official-syntax") == {
        "every option is right": 1,
        "the published answer is in Chinese": 1,
        "no answer is published": 1,
        "missing of the 324 that the paper counts": 314,
    }


def test_questions_without_an_answer_are_not_asked_and_letters_stay(data: Path) -> None:
    asked = questions_of("official-syntax", "en", data)
    assert [q.item.id for q in asked] == [entry["id"] for entry in ROWS[:-1]]
    assert dealt("official-syntax", asked, 5)["official-syntax/q001"] == asked[0].item.options


LAST = json.dumps(ROWS[-1])


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (json.dumps(ROWS[0]) + "\n" + LAST[:40], ":2: this is no valid JSON .*ends in the middle of it"),
        (json.dumps(ROWS[0])[:30] + "\n" + LAST, ":1: this is no valid JSON"),
        (json.dumps({"task": "Simulate copper", "code": "units metal"}), r":1: id: field required; a published"),
        ("[1, 2]", ":1: the line: .*a published question is an object"),
        (json.dumps(ROWS[0] | {"type": "essay"}), ":1: q001: type 'essay' is none of single_choice"),
        (json.dumps(ROWS[0] | {"answer": "BASE64:W1"}), ":1: q001: answer: is no JSON in base64"),
        ("\n", ":1: is empty: download it again"),
    ],
)  # fmt: skip
def test_a_damaged_or_wrong_file_is_named_with_its_line(tmp_path: Path, text: str, told: str) -> None:
    write(tmp_path, text)
    with pytest.raises(TaskError, match=rf"LAMMPS-SyntaxEval_total\.jsonl{told}"):
        load_published("official-syntax", tmp_path, "en")


def test_a_file_that_is_not_there(data: Path) -> None:
    with pytest.raises(UsageError, match=r"holds no \*SyntaxEval\*\.jsonl .* in a folder ZH; there is MD_Benchmark/EN"):
        load_published("official-syntax", data, "zh")
    with pytest.raises(UsageError, match=r"holds no \*KnowledgeEval\*\.jsonl .* there is nothing of that name"):
        load_published("official-knowledge", data, "en")
    with pytest.raises(UsageError, match="--data nowhere: there is no such folder"):
        load_published("official-syntax", Path("nowhere"), "en")


def test_without_a_folder_the_hub_is_asked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    constants = pytest.importorskip("huggingface_hub.constants")
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(UsageError, match=r"FredericFan/MD-EvalBench cannot be fetched .*: download it and give --data"):
        load_published("official-syntax", None, "en")


@pytest.mark.skipif("MDEVALBENCH_PUBLISHED" not in os.environ, reason="$MDEVALBENCH_PUBLISHED names no folder with it")
def test_the_published_benchmark_itself() -> None:
    data = Path(os.environ["MDEVALBENCH_PUBLISHED"])
    found = {s: load_published(s, data, "en") for s in ("official-knowledge", "official-syntax")}
    assert {suite: len(questions) for suite, questions in found.items()} == {
        "official-knowledge": 336,
        "official-syntax": 324,
    }
    assert letters(found["official-knowledge"]) == {"A": 21, "B": 55, "C": 49, "D": 26}
