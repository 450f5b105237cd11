"""Examples of repairing: the diagnosis that is written without a run is the one that the judge gives."""

from __future__ import annotations

import random

from mdevalbench.scorers.rewards import Rewards
from mdevalbench.tasks import render_reference
from mdevalbench.training.corpus import examples, families, tasks
from mdevalbench.training.diagnosis import diagnosis
from mdevalbench.training.recipe import Data
from mdevalbench.training.spoiling import spoilt
from mdevalbench.training.styles import answer, restyled


def test_diagnoses_are_those_of_the_judge(rewards: Rewards) -> None:
    drawn = list(tasks(Data(), 17, 3 * len(families(Data()))))
    made = []
    for task in drawn:
        rng = random.Random(task.id)
        made.append(spoilt(restyled(render_reference(task), rng), rng))
    verdicts = rewards.verdicts([task.id for task in drawn], [answer(script, random.Random(1)) for script, _ in made])
    kinds = {why.splitlines()[0].split(":")[0] for _, why in made}
    assert len(kinds) == 3
    for task, (script, why), verdict in zip(drawn, made, verdicts, strict=True):
        assert verdict is not None and not verdict.passed
        assert set(why.splitlines()) <= set(diagnosis(verdict).splitlines()), (task.id, script)


def test_a_share_of_the_prompts_asks_for_a_repair() -> None:
    data = Data(seed=5, tasks=40, scripts=2)
    assert not any("An earlier answer" in example.prompt for example in examples(data))
    asked = list(examples(data.model_copy(update={"repairs": 0.3})))
    repairs = [example for example in asked if "An earlier answer" in example.prompt]
    assert 12 <= len(repairs) <= 40
    assert all(example.completion not in example.prompt for example in repairs)
