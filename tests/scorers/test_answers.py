"""What a completion chose, filled in or said, however it is put."""

from __future__ import annotations

import pytest

from mdevalbench.scorers.answers import letters, number, score
from mdevalbench.tasks.qa.schema import Fill, Item, Option, Text

OPTIONS = tuple(
    Option(text=Text(en=name, zh=name), right=name in ("two", "four")) for name in ("one", "two", "three", "four")
)


def item(kind: str, **more: object) -> Item:
    return Item.model_validate(
        {"id": "x", "kind": kind, "difficulty": "easy", "tags": ["t"], "question": "Which ____?", **more}
    )


CHOICE = item("multiple", options=OPTIONS)


@pytest.mark.parametrize(
    ("completion", "chosen"),
    [
        ("ANSWER: B", "B"),
        ("The answer is (B).", "B"),
        ("b", "B"),
        ("**Answer:** B, D", "BD"),
        ("A is tempting, but wrong.\nANSWER: BD", "BD"),
        ("ANSWER: A\n\nNo, wait.\n\nANSWER: C", "C"),
        ("答案：B", "B"),
        ("正确答案是 A、C。", "AC"),
        ("Answer: B. two", "B"),
        ("The correct options are A and C.", "AC"),
        ("B) two", "B"),
        ("A. one\nB. two\nThe answer is C", "C"),
        ("I do not know", None),
        ("ANSWER: none", None),
        ("A. one\nB. two", None),
        ("ANSWER: F", None),
        ("", None),
    ],
)
def test_letters_are_found(completion: str, chosen: str | None) -> None:
    assert letters(completion, 4, many=True) == chosen


def test_a_set_counts_only_as_a_whole_and_partial_credit_stands_apart() -> None:
    found = {given: score(CHOICE, f"ANSWER: {given}", "en", OPTIONS) for given in ("BD", "B", "BC", "ABCD", "AC")}
    assert {given: (one.score, one.partial) for given, one in found.items()} == {
        "BD": (1, 1),
        "B": (0, 0.5),
        "BC": (0, 0),
        "ABCD": (0, 0),
        "AC": (0, 0),
    }
    assert found["B"].reasons == ("B was chosen, right is BD",)
    single = item("single", options=[o.model_copy(update={"right": o.text.en == "two"}) for o in OPTIONS])
    assert score(single, "ANSWER: B", "en", single.options).score == 1
    assert score(single, "ANSWER: AB", "en", single.options).partial == 0


@pytest.mark.parametrize(
    ("text", "value", "unit"),
    [
        ("1.6 × 10^-19 J", 1.6e-19, "J"),
        ("10⁻¹⁹ J", 1e-19, "J"),
        (r"$3.6\times 10^{-3}$ eV", 3.6e-3, "eV"),
        ("about 3.615 Å", 3.615, "Å"),
        ("1,000 K", 1000, "K"),
        ("−0.5", -0.5, ""),
        (".5 nm", 0.5, "nm"),
        ("约 2.5 eV。", 2.5, "eV"),
        ("1.0 埃", 1.0, "angstrom"),
        ("12 毫电子伏每原子", 12, "meV/atom"),
        ("3.2 千焦/摩尔", 3.2, "kJ/mol"),
    ],
)
def test_numbers_are_read_as_people_write_them(text: str, value: float, unit: str) -> None:
    found = number(text)
    assert found is not None
    assert found[0] == pytest.approx(value) and found[1].rstrip("。") == unit


@pytest.mark.parametrize(
    ("given", "right"),
    [
        ("3.6 angstrom", True),
        ("ANSWER: 0.36 nm", True),
        ("3.6", True),
        ("ANSWER: `3.61 Å`", True),
        ("3.7", False),
        ("3.6 eV", False),
        ("three point six", False),
        ("It follows from the lattice.\nThat gives 3.6", False),
    ],
)
def test_a_blank_takes_a_number_in_any_unit_of_the_quantity(given: str, right: bool) -> None:
    blank = item("fill", answer=Fill(number=3.6, unit="angstrom", relative=0.01))
    found = score(blank, given, "en")
    assert (found.score == 1) is right
    assert bool(found.reasons) is not right


@pytest.mark.parametrize(
    ("given", "right"), [("Fix NVT", True), ("`fix nvt`", True), ("ANSWER: 正则系综。", True), ("fix npt", False)]
)
def test_a_blank_takes_a_text_in_any_case(given: str, right: bool) -> None:
    blank = item("fill", answer=Fill(texts=("fix nvt", "正则系综")))
    assert (score(blank, given, "zh").score == 1) is right


def test_an_open_answer_earns_the_share_of_its_points() -> None:
    words = {"en": [["scal", "multipl"], ["velocit"]], "zh": [["缩放"], ["速度"]], "never": ["adds a force"]}
    rest = {"en": [["rest", "still"]], "zh": [["静止"]]}
    points = [
        {"text": {"en": "velocities are scaled", "zh": "缩放速度"}, "words": words},
        {"text": {"en": "the atoms rest", "zh": "原子静止"}, "words": rest},
    ]
    asked = item("open", points=points, example="Velocities are scaled; the atoms rest.")
    assert score(asked, "The velocities are multiplied by a factor. They stay at rest.", "en").score == 1
    assert score(asked, "It scales\n\n\nsomething. And the rest. What a velocity.", "en").score == 0.5
    assert score(asked, "It scales velocities and adds a force.", "en").reasons == (
        "missing: velocities are scaled",
        "missing: the atoms rest",
    )
    assert score(asked, "它只缩放速度。原子保持静止。", "zh").score == 1
    assert score(asked, "", "en").reasons == ("there is no sentence in the answer",)
    code = "```lammps\n# velocities are scaled; the atoms rest\n```"
    assert score(asked, code, "en").reasons == ("there is no sentence in the answer, only code",)
    assert score(asked, f"As here:\n{code}", "en").score == 1
