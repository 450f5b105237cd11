"""The judge as the reward function of MD-GRPO, which also writes down every completion."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from typing import Any

from mdevalbench.reward import Values, reward_function
from mdevalbench.scorers.rewards import Completion, Rewards, completion_text
from mdevalbench.training.diagnosis import diagnosis
from mdevalbench.training.rollouts import Rollout, Rollouts
from mdevalbench.types import Verdict


class Rewarder:
    """A reward function as TRL wants it, for rows of `Dealer.dataset`.

    Args:
        name: which reward trains; the verdict of the judge is written down with either.
        rollouts: where completions are written down.
        rewards: where scripts run.
    """

    def __init__(self, name: str, rollouts: Rollouts, rewards: Rewards) -> None:
        self.__name__ = name
        self.rollouts, self.rewards = rollouts, rewards
        self._function = reward_function(name, rewards)

    def __call__(
        self, completions: Sequence[Completion], slot: Sequence[int], trainer_state: Any, **columns: Any
    ) -> Values:
        """Raises TaskError like `Rewards.verdicts`."""
        begin = time.monotonic()
        values = self._function(completions=completions, **columns)
        verdicts = self.rewards.verdicts(columns["task"], completions)  # all known by now
        if log_metric := columns.get("log_metric"):
            log_metric("seconds in the reward", time.monotonic() - begin)
        with self.rollouts.locked():
            count = Counter(rollout.slot for rollout in self.rollouts.rollouts.values())
            lines = []
            for where, completion, value, verdict in zip(slot, completions, values, verdicts, strict=True):
                deal = self.rollouts.deals[where]
                lines.append(
                    Rollout(
                        id=f"{where}.{count[where]}",
                        slot=where,
                        step=trainer_state.global_step,
                        task=deal.task,
                        parent=deal.parent,
                        depth=deal.depth,
                        completion=completion_text(completion),
                        reward=value,
                        **_told(verdict),
                    )
                )
                count[where] += 1
            self.rollouts.add(lines)
        return values


def _told(verdict: Verdict | None) -> dict[str, Any]:
    if verdict is None:
        return {}
    return {
        "stage": verdict.stage.value,
        "components": verdict.components,
        "reasons": verdict.reasons,
        "diagnosis": diagnosis(verdict),
    }
