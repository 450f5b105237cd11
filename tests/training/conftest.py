"""A recipe small enough for tests, and two workers that all tests of training share."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from mdevalbench.lammps.pool import Pool
from mdevalbench.scorers.rewards import Rewards
from mdevalbench.tasks import draw, render_reference
from mdevalbench.training.models import begin
from mdevalbench.training.recipe import Recipe, read_recipe

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ["HF_HUB_OFFLINE"] = "1"


@pytest.fixture
def tiny() -> Recipe:
    return read_recipe("tiny")


@pytest.fixture(scope="session")
def rewards() -> Iterator[Rewards]:
    with Pool(2) as pool:
        yield Rewards(pool)


@pytest.fixture(scope="session")
def writer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model made here that answers every prompt with one script that it has learnt by heart."""
    torch = pytest.importorskip("torch")
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tasks = [*draw("lattice_constant", 7, 3), *draw("lj_pressure", 7, 3)]
    lines = [" ".join(line.split()) for line in render_reference(tasks[0]).splitlines()]
    script = "\n".join(line for line in lines if line and not line.startswith("#"))
    answer = {"role": "assistant", "content": f"```lammps\n{script}\n```"}
    prompts = [prompt for task in tasks for prompt in (task.prompt, task.prompt.strip())]
    talks = [[{"role": "user", "content": prompt}, answer] for prompt in prompts]
    text = [message["content"] for talk in talks for message in talk]
    folder = Path(begin(read_recipe("tiny"), tmp_path_factory.mktemp("writer"), text))
    model, tokenizer = AutoModelForCausalLM.from_pretrained(folder), AutoTokenizer.from_pretrained(folder)
    optimiser = torch.optim.AdamW(model.parameters(), lr=5e-3)
    losses = [1.0]
    while max(losses[-len(talks) :]) > 0.01:
        talk = talks[len(losses) % len(talks)]
        chat = tokenizer.apply_chat_template(
            talk, return_tensors="pt", return_dict=True, return_assistant_tokens_mask=True
        )
        labels = chat["input_ids"].masked_fill(chat["assistant_masks"] == 0, -100)
        loss = model(input_ids=chat["input_ids"], labels=labels).loss
        loss.backward()
        optimiser.step()
        optimiser.zero_grad()
        losses.append(loss.item())
        assert len(losses) < 1000, losses[-8:]
    model.save_pretrained(folder)
    return folder
