"""Which prompt each group of completions gets: a fresh task, or one that an earlier completion failed, rewritten.

Recycling. A completion that earns less than the threshold is kept, with its diagnosis, for some steps. Slots at even
distances, `share` of them, take one at random and rewrite it; a slot that finds none takes its fresh task. What is
dealt depends on the recipe and on the rollouts of the steps before the last one only, not on how far a data loader
reads ahead, so that a training which was killed deals the same again.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from math import floor
from typing import Any

from mdevalbench.errors import UsageError
from mdevalbench.tasks import Task, load_task
from mdevalbench.tasks.chat import messages
from mdevalbench.training.recipe import Recipe
from mdevalbench.training.rewriting import rewriter
from mdevalbench.training.rollouts import Deal, Rollout, Rollouts

LAG = 2
"""generations after which every completion of one is known, however the data loader reads ahead"""


class Dealer:
    """Deals prompts to slots; a slot is one group of completions.

    Args:
        recipe: seed and recycling.
        tasks: fresh tasks, with references; dealt in turn, again from the beginning when they are used up.
        rollouts: what was dealt and what became of it.
        steps: optimiser steps of the training.
        batch: slots of one generation.
        every: optimiser steps of one generation.
    """

    def __init__(
        self, recipe: Recipe, tasks: Sequence[Task], rollouts: Rollouts, steps: int, batch: int, every: int = 1
    ) -> None:
        if not tasks:
            raise UsageError("there is no task to train on: none could be measured")
        self.recipe, self.tasks, self.rollouts = recipe, tasks, rollouts
        self.batch, self.every = batch, every
        self.slots = -(-steps // every) * batch
        self._rewrite = rewriter(recipe.grpo.recycling.rewriter)

    def dataset(self) -> Any:
        """A data set of all slots, whose prompts are dealt when they are read (columns prompt, task, slot)."""
        from datasets import Dataset

        return Dataset.from_dict({"slot": list(range(self.slots))}).with_transform(self._rows)

    def deal(self, slot: int) -> Deal:
        """The prompt of a slot, always the same."""
        with self.rollouts.locked():
            if slot not in self.rollouts.deals:
                self.rollouts.add([self._dealt(slot)])
            return self.rollouts.deals[slot]

    def _rows(self, batch: Mapping[str, Sequence[int]]) -> dict[str, list[Any]]:
        deals = [self.deal(slot) for slot in batch["slot"]]
        return {
            "prompt": [messages(deal.prompt) for deal in deals],
            "task": [deal.task for deal in deals],
            "slot": [deal.slot for deal in deals],
        }

    def _dealt(self, slot: int) -> Deal:
        step = slot // self.batch * self.every
        rng = random.Random(f"{self.recipe.seed} {slot}")
        kept = self._kept(step) if self._recycles(slot) else []
        if not kept:
            task = self.tasks[slot % len(self.tasks)]
            return Deal(slot=slot, step=step, task=task.id, prompt=task.prompt.strip())
        failed = rng.choice(kept)
        prompt = self._rewrite(load_task(failed.task).prompt, failed.completion, failed.diagnosis)
        return Deal(slot=slot, step=step, task=failed.task, prompt=prompt, parent=failed.id, depth=failed.depth + 1)

    def _recycles(self, slot: int) -> bool:
        share = self.recipe.grpo.recycling.share
        return floor((slot + 1) * share) > floor(slot * share)

    def _kept(self, step: int) -> list[Rollout]:
        """Failed completions that may be recycled at a step, the oldest first."""
        rules = self.recipe.grpo.recycling
        used = {deal.parent for deal in self.rollouts.deals.values()}
        kept = [
            rollout
            for rollout in self.rollouts.rollouts.values()
            if rollout.step + LAG * self.every <= step <= rollout.step + rules.age
            and rollout.reward is not None
            and rollout.reward < rules.threshold
            and rollout.depth < rules.depth
            and rollout.id not in used
        ]
        return sorted(kept, key=_order)[-rules.most :]


def _order(rollout: Rollout) -> tuple[int, int]:
    slot, _, number = rollout.id.partition(".")
    return int(slot), int(number)
