"""What a model is shown: fixed by the recipe, right whatever its style, and nothing of what is held out."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from mdevalbench.errors import UsageError
from mdevalbench.extract import extract
from mdevalbench.scorers.rewards import Rewards
from mdevalbench.tasks import Seed, load_suite, render_reference
from mdevalbench.tasks.drawn.drawing import draw_in_turn
from mdevalbench.training.corpus import digest, documents, examples, families, tasks
from mdevalbench.training.recipe import Data, Draw
from mdevalbench.training.styles import answer, restyled

HELD_OUT = ("thermal_expansion", "vacancy_formation_energy")


def test_examples_are_fixed_by_the_recipe() -> None:
    data = Data(seed=5, tasks=12, scripts=2)
    assert digest(examples(data)) == digest(examples(data))
    assert digest(examples(data)) != digest(examples(data.model_copy(update={"seed": 6})))
    assert len(list(examples(data))) == 24
    assert list(examples(data.model_copy(update={"tasks": 6}))) == list(examples(data))[:12]


def test_nothing_of_a_family_that_is_held_out_is_shown() -> None:
    data = Data(tasks=30, held_out=HELD_OUT)
    shown = {example.task.partition("/")[0] for example in examples(data)}
    assert shown == set(families(data)) and shown.isdisjoint(HELD_OUT)
    frozen = {task.prompt.strip() for task in load_suite("codegen-v1")}
    assert frozen.isdisjoint(example.prompt for example in examples(data))


def test_tasks_that_are_spared_are_not_shown() -> None:
    data = Data(seed=5, tasks=45)
    shown = [example.prompt for example in examples(data)]
    spared = data.model_copy(update={"spared": Draw(seed=5, tasks=22)})
    apart = {task.prompt.strip() for task in draw_in_turn(Seed.open(5), 22)}
    assert not apart.isdisjoint(shown)
    left = [example.prompt for example in examples(spared)]
    assert apart.isdisjoint(left) and len(left) == len(shown)


def test_styles_leave_scripts_right(rewards: Rewards) -> None:
    data = Data(seed=9, tasks=9, scripts=3)
    shown = [example for example in examples(data) if not example.task.startswith(("energy", "lj", "heat", "thermal"))]
    verdicts = rewards.verdicts([example.task for example in shown], [example.completion for example in shown])
    assert len(shown) >= 15
    assert [(e.task, v.reasons) for e, v in zip(shown, verdicts, strict=True) if v is None or not v.passed] == []


def test_styles_differ_and_keep_quoted_text() -> None:
    (task,) = tasks(Data(held_out=HELD_OUT), 3, 1)
    script = render_reference(task) + 'print           "two  blanks  stay"\n'
    spellings = {restyled(script, random.Random(seed)) for seed in range(40)}
    assert len(spellings) >= 8
    assert all('"two  blanks  stay"' in spelling for spelling in spellings)
    for seed in range(40):
        styled = restyled(script, random.Random(seed))
        assert (extract(answer(styled, random.Random(seed))).script or "").strip() == styled.strip()


def test_files_of_the_user(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("first text\n")
    (tmp_path / "b.txt").write_text("first text")
    (tmp_path / "c.txt").write_text("another")
    found = list(documents(Data(tasks=1, files=(f"{tmp_path}/*.txt",))))
    assert found[-2:] == ["first text\n", "another\n"]
    assert found[0].startswith(next(examples(Data(tasks=1))).prompt)
    (tmp_path / "d.bin").write_bytes(b"\xff\xfe\x00")
    for pattern, says in ((f"{tmp_path}/*.md", "no file is called"), (f"{tmp_path}/*.bin", "cannot be read as text")):
        with pytest.raises(UsageError, match=says):
            list(documents(Data(tasks=1, files=(pattern,))))


@pytest.mark.parametrize(
    ("held_out", "says"),
    [(("vacancy_energy",), "did you mean 'vacancy_formation_energy'"), (families(Data()), "nothing is left")],
)
def test_held_out_families_have_to_exist(held_out: tuple[str, ...], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        families(Data(held_out=held_out))
