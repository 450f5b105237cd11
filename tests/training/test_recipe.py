"""Recipes: those of the package are sound; what is wrong in one is told with its line."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from mdevalbench.errors import UsageError
from mdevalbench.training.corpus import families
from mdevalbench.training.recipe import known, read_recipe
from mdevalbench.training.run import Run

GOOD = "name: mine\nmodel: {config: {hidden_size: 32}}\n"


@pytest.mark.parametrize("name", known())
def test_recipes_of_the_package_fit_the_trainers(name: str) -> None:
    trl = pytest.importorskip("trl")
    from transformers import Qwen3Config

    recipe = read_recipe(name)
    assert set(recipe.model.config) <= set(vars(Qwen3Config()))
    assert recipe.name == name and recipe.about
    assert set(families(recipe.data)).isdisjoint(recipe.data.held_out)
    for stage, kind in ((recipe.cpt, trl.SFTConfig), (recipe.sft, trl.SFTConfig), (recipe.grpo, trl.GRPOConfig)):
        assert set(stage.args) <= {field.name for field in dataclasses.fields(kind)}


def test_changes_reach_any_depth() -> None:
    recipe = read_recipe("tiny", ["grpo.args.max_steps=7", "seed=3", "lora={r: 4}", "grpo.recycling.share=0"])
    assert (recipe.grpo.args["max_steps"], recipe.seed, recipe.lora, recipe.grpo.recycling.share) == (7, 3, {"r": 4}, 0)
    assert recipe.grpo.args["num_generations"] == 4  # what stands beside a change stays
    assert read_recipe("tiny", ["sft.args.learning_rate=1e-3"]).sft.args["learning_rate"] == 1e-3


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (GOOD + "gpro: {}\n", r"mine.yml:3: gpro: unknown key; did you mean 'grpo'"),
        (GOOD + "grpo:\n  reward: money\n", r"mine.yml:4: .*one of physics, paper, got 'money'"),
        (
            GOOD + "grpo: {recycling: {share: 2}}\n",
            r"mine.yml:3: grpo.recycling.share: must be less than or equal to 1",
        ),
        ("name: mine\nmodel: {dtype: float32}\n", r"a `path`, or a `config`"),
        ("- a\n", "a recipe is a mapping"),
    ],
)
def test_mistakes_are_told_with_their_place(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "mine.yml"
    path.write_text(text)
    with pytest.raises(UsageError, match=says):
        read_recipe(str(path))


@pytest.mark.parametrize(
    ("name", "change", "says"),
    [
        ("nanno", "", "no recipe 'nanno'; did you mean 'nano'"),
        ("nowhere.yml", "", "no recipe"),
        ("tiny", "grpo.args", "changes look like"),
        ("tiny", "=3", "changes look like"),
        ("tiny", "seed=[", "no YAML value"),
        ("tiny", "seed=many", "expected a whole number, got 'many'"),
    ],
)
def test_wrong_names_and_changes(name: str, change: str, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        read_recipe(name, [change] if change else [])


def test_a_stage_does_not_pass_over_one_that_was_not_finished(tmp_path: Path) -> None:
    recipe = read_recipe("tiny")
    assert Run(recipe, tmp_path, "grpo").start(None, "base") == "base"
    Run(recipe, tmp_path, "sft").checkpoints.mkdir(parents=True)
    assert Run(recipe, tmp_path, "grpo").start("mine", "base") == "mine"
    with pytest.raises(UsageError, match="sft was begun and is not done: give its command again"):
        Run(recipe, tmp_path, "grpo").start(None, "base")
