"""Labels of a reader against what is found: counted right, and good enough to be used."""

from __future__ import annotations

from pathlib import Path

import pytest

from mdevalbench.errors import TaskError
from mdevalbench.leaderboard.agreement import LABELS, by_words, measure_agreement


def test_words_agree_with_the_reader_on_three_points_in_four_and_far_beyond_chance() -> None:
    found = measure_agreement(by_words)
    assert found.answers == 60
    assert found.share >= 0.75 and found.kappa >= 0.5
    assert len(found.errors) == found.missed + found.invented
    assert set(found.by_language) == {"en", "zh"}


def test_kappa_of_those_who_always_or_never_agree() -> None:
    always = measure_agreement(lambda question, answer, language: [True] * len(question.item.points))
    assert always.kappa == pytest.approx(0)
    assert always.missed == always.neither == 0


def test_labels_that_do_not_fit_are_named_with_their_line(tmp_path: Path) -> None:
    broken = tmp_path / "labels.yml"
    broken.write_text(LABELS.read_text().replace("syntax/thermo-energy-before-a-run", "syntax/thermo-energy"))
    with pytest.raises(TaskError, match=r"labels\.yml:3: \[0\]: syntax/thermo-energy is no question: label it anew"):
        measure_agreement(by_words, broken)
