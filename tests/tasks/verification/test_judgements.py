"""The file of judgements: what is read back, what a killed writer leaves behind, who may write."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import pytest

from mdevalbench.errors import UsageError
from mdevalbench.tasks.verification.judgements import Judgement, open_book, read_judgements

Make = Callable[..., Judgement]


def test_judgements_come_back_as_they_were(judgement: Make, tmp_path: Path) -> None:
    path = tmp_path / "new" / "record.jsonl"
    kept = [
        judgement("reseed", seed=7, dof=math.inf, reasons=("a\nb", "±")),
        judgement("wrong", False, uncertainty=math.inf),
        judgement("benign", value=None, script_seconds=None),
    ]
    with open_book(path) as book:
        assert book.known == {}
        for one in kept:
            book.add(one)
            assert read_judgements(path)[-1] == one
    assert read_judgements(path) == kept
    with open_book(path) as book:
        assert list(book.known.values()) == kept


def test_a_torn_last_line_is_dropped_and_the_next_one_is_whole(judgement: Make, tmp_path: Path) -> None:
    path = tmp_path / "record.jsonl"
    with open_book(path) as book:
        book.add(judgement(name="first"))
        book.add(judgement(name="second"))
    content = path.read_bytes()
    for length in (1, 40, len(content) // 2 - 1):
        path.write_bytes(content[:-length])
        assert [one.name for one in read_judgements(path)] == ["first"]
        with open_book(path) as book:
            assert [one.name for one in book.known.values()] == ["first"]
            book.add(judgement(name="third"))
        assert [one.name for one in read_judgements(path)] == ["first", "third"]
        assert path.read_bytes().count(b"\n") == 2


def test_lines_of_another_format_do_not_count_and_the_newest_judgement_does(judgement: Make, tmp_path: Path) -> None:
    path = tmp_path / "record.jsonl"
    with open_book(path) as book:
        book.add(judgement("wrong", True))
    path.write_bytes(b'{"task": "of another version"}\nnonsense\n\xff\n' + path.read_bytes())
    with open_book(path) as book:
        assert [one.passed for one in book.known.values()] == [True]
        book.add(judgement("wrong", False))
    with open_book(path) as book:
        assert [one.passed for one in book.known.values()] == [False]


def test_two_may_not_write_at_once(judgement: Make, tmp_path: Path) -> None:
    path = tmp_path / "record.jsonl"
    with open_book(path) as book:
        book.add(judgement())
        with pytest.raises(UsageError, match="another verification is writing"), open_book(path):
            pass
        assert len(read_judgements(path)) == 1
    with open_book(path) as book:
        assert len(book.known) == 1


def test_files_that_cannot_be_used_are_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"cannot be read: No such file.*verify --full --record"):
        read_judgements(tmp_path / "none.jsonl")
    with pytest.raises(UsageError, match="cannot be written"), open_book(tmp_path):
        pass


@pytest.mark.parametrize(
    ("kind", "passed", "seed", "good", "group", "label"),
    [
        ("reference", True, None, True, "references", "x"),
        ("solution", False, None, False, "solutions", "x"),
        ("solution", True, 5, True, "reseeds", "x, seed 5"),
        ("reseed", True, 5, True, "reseeds", "x"),
        ("wrong", False, 5, True, "wrong", "x, seed 5"),
        ("breaking", True, None, False, "breaking", "x"),
        ("benign", True, None, True, "benign", "x"),
    ],
)
def test_what_a_judgement_counts_as(
    judgement: Make, kind: str, passed: bool, seed: int | None, good: bool, group: str, label: str
) -> None:
    one = judgement(kind, passed, seed=seed, name="x")
    assert (one.good, one.group, one.label, one.family) == (good, group, label, "pressure")
