"""Dealing prompts: the same again after a kill, recycled ones at the share, age and depth that the recipe says."""

from __future__ import annotations

from pathlib import Path

import pytest

from mdevalbench.errors import UsageError
from mdevalbench.tasks import Task, draw
from mdevalbench.tasks.chat import messages
from mdevalbench.training.dealing import LAG, Dealer
from mdevalbench.training.recipe import Recipe
from mdevalbench.training.rollouts import Rollout, Rollouts

STEPS, BATCH = 12, 4


def changed(recipe: Recipe, **rules: object) -> Recipe:
    recycling = recipe.grpo.recycling.model_copy(update=rules)
    return recipe.model_copy(update={"grpo": recipe.grpo.model_copy(update={"recycling": recycling})})


@pytest.fixture(scope="module")
def tasks() -> list[Task]:
    return [*draw("lattice_constant", 3, 3), *draw("cohesive_energy", 3, 2)]


def play(
    recipe: Recipe, tasks: list[Task], path: Path, reward: float = 0.1, until: int = STEPS, ahead: int = 1
) -> Rollouts:
    """A training in which every completion earns `reward`, with a data loader that reads so many steps ahead."""
    rollouts = Rollouts(path)
    dealer = Dealer(recipe, tasks, rollouts, STEPS, BATCH)
    begin = max((r.step + 1 for r in rollouts.rollouts.values()), default=0)
    for step in range(begin, until):
        for slot in range(step * BATCH, min(dealer.slots, (step + 1 + ahead) * BATCH)):
            dealer.deal(slot)
        for slot in range(step * BATCH, (step + 1) * BATCH):
            deal = rollouts.deals[slot]
            rollouts.add([
                Rollout(
                    id=f"{slot}.{number}", slot=slot, step=step, task=deal.task, parent=deal.parent, depth=deal.depth,
                    completion=f"```lammps\nprint {slot}.{number}\n```", reward=reward, diagnosis="- it failed",
                )
                for number in range(2)
            ])  # fmt: skip
    return rollouts


def test_prompts_are_recycled_at_even_distances(tiny: Recipe, tasks: list[Task], tmp_path: Path) -> None:
    rollouts = play(changed(tiny, share=0.25, depth=1), tasks, tmp_path / "a.jsonl")
    recycled = [deal.slot for deal in rollouts.deals.values() if deal.parent]
    assert recycled == [slot for slot in range(LAG * BATCH, STEPS * BATCH) if slot % 4 == 3]
    for slot in recycled:
        deal = rollouts.deals[slot]
        failed = rollouts.rollouts[str(deal.parent)]
        assert deal.task == failed.task and deal.step >= failed.step + LAG
        assert f"print {failed.id}" in deal.prompt and "- it failed" in deal.prompt
        assert next(task for task in tasks if task.id == deal.task).prompt.strip() in deal.prompt
    assert len({deal.parent for deal in rollouts.deals.values() if deal.parent}) == len(recycled)  # each once
    fresh = [deal.task for deal in rollouts.deals.values() if not deal.parent]
    assert set(fresh) == {task.id for task in tasks}


def test_rules_of_recycling_hold(tiny: Recipe, tasks: list[Task], tmp_path: Path) -> None:
    def deals(name: str, reward: float = 0.1, **rules: object) -> list[tuple[int, int, str | None]]:
        found = play(changed(tiny, **rules), tasks, tmp_path / f"{name}.jsonl", reward)
        return [(d.step, d.depth, d.parent) for d in found.deals.values() if d.parent]

    assert deals("none", share=0) == []
    assert deals("good", reward=0.9, share=0.5) == []
    deep = deals("deep", share=1, depth=2)
    assert {depth for _, depth, _ in deep} == {1, 2}
    assert {depth for _, depth, _ in deals("flat", share=1, depth=1)} == {1}
    young = deals("young", share=1, age=LAG, depth=9)
    assert young and all(int(str(parent).partition(".")[0]) // BATCH == step - LAG for step, _, parent in young)
    few = deals("few", share=1, most=1, depth=9, age=99)
    assert few and all(int(str(parent).partition(".")[0]) // BATCH == step - LAG for step, _, parent in few)


@pytest.mark.parametrize("kill", [3, 7])
def test_a_killed_training_deals_the_same_again(tiny: Recipe, tasks: list[Task], tmp_path: Path, kill: int) -> None:
    recipe = changed(tiny, share=0.5)
    whole = play(recipe, tasks, tmp_path / "whole.jsonl")
    path = tmp_path / "killed.jsonl"
    play(recipe, tasks, path, until=kill + 2)
    Rollouts(path).forget_after(kill)  # the last checkpoint was before the kill
    again = play(recipe, tasks, path, ahead=0)
    assert again.deals == whole.deals
    assert again.rollouts == whole.rollouts


def test_the_data_set_deals_when_it_is_read(tiny: Recipe, tasks: list[Task], tmp_path: Path) -> None:
    pytest.importorskip("datasets")
    rollouts = Rollouts(tmp_path / "rollouts.jsonl")
    rows = Dealer(tiny, tasks, rollouts, STEPS, BATCH).dataset()
    assert len(rows) == STEPS * BATCH and not rollouts.deals
    row = rows[2]
    assert (row["task"], row["slot"]) == (tasks[2].id, 2)
    assert row["prompt"] == messages(tasks[2].prompt.strip())
    assert list(rollouts.deals) == [2]


def test_steps_are_counted_where_a_generation_serves_several(tiny: Recipe, tasks: list[Task], tmp_path: Path) -> None:
    recipe = changed(tiny, share=1, age=99)
    rollouts = Rollouts(tmp_path / "rollouts.jsonl")
    dealer = Dealer(recipe, tasks, rollouts, 12, BATCH, every=3)
    assert dealer.slots == 4 * BATCH
    failed = dealer.deal(0)
    rollouts.add([Rollout(id="0.0", slot=0, step=0, task=failed.task, completion="", reward=0.0, diagnosis="- no")])
    found = [dealer.deal(slot) for slot in (BATCH, 2 * BATCH)]
    assert [(deal.step, deal.parent) for deal in found] == [(3, None), (6, "0.0")]


def test_without_tasks_nothing_begins(tiny: Recipe, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no task to train on"):
        Dealer(tiny, [], Rollouts(tmp_path / "rollouts.jsonl"), STEPS, BATCH)
