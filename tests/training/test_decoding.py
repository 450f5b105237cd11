"""The decoding loop of MD-GRPO on a CPU: what transformers' own writes, without carrying on what has ended."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

from mdevalbench.training.decoding import let_ended_go, sample  # noqa: E402
from mdevalbench.zoo.nano import WEIGHTS  # noqa: E402


@pytest.fixture(scope="module")
def nano() -> tuple[Any, Any]:
    tokenizer = transformers.AutoTokenizer.from_pretrained(WEIGHTS, padding_side="left")
    return transformers.AutoModelForCausalLM.from_pretrained(WEIGHTS).float().eval(), tokenizer


def prompts(tokenizer: Any) -> Any:
    asked = ["Write a LAMMPS script: argon at 90 K.", "Copper, its lattice constant, please, with EAM.", "Water?"]
    return tokenizer(asked, return_tensors="pt", padding=True)


def settings(tokenizer: Any, **more: Any) -> Any:
    return transformers.GenerationConfig(
        do_sample=True, top_p=1.0, pad_token_id=tokenizer.pad_token_id, eos_token_id=tokenizer.eos_token_id, **more
    )


def test_writes_what_transformers_writes(nano: tuple[Any, Any]) -> None:
    model, tokenizer = nano
    likeliest = settings(tokenizer, top_k=1, max_new_tokens=600)  # which leaves nothing to chance
    plain = model.generate(**prompts(tokenizer), generation_config=likeliest)
    rows = []
    seen = model.register_forward_pre_hook(lambda _, __, given: rows.append(len(given["input_ids"])), with_kwargs=True)
    ours = model.generate(**prompts(tokenizer), generation_config=likeliest, custom_generate=sample)
    seen.remove()
    assert torch.equal(ours, plain)
    lengths = (plain[:, prompts(tokenizer)["input_ids"].shape[1] :] != tokenizer.pad_token_id).sum(1).tolist()
    assert len(set(lengths)) == 3, "they end at different lengths"
    assert sum(rows) == sum(lengths), "one pass for each token of each completion, none beyond its end"


def test_stops_at_the_greatest_length(nano: tuple[Any, Any]) -> None:
    model, tokenizer = nano
    given = prompts(tokenizer)
    ours = model.generate(**given, generation_config=settings(tokenizer, max_new_tokens=5), custom_generate=sample)
    assert ours.shape == (3, given["input_ids"].shape[1] + 5)


def test_draws_from_the_distribution(nano: tuple[Any, Any]) -> None:
    """Of two tokens that are left to choose from, each comes as often as the model says, within four deviations."""
    model, tokenizer = nano
    given = tokenizer(["Write a LAMMPS script: argon at 90 K."] * 400, return_tensors="pt")
    torch.manual_seed(3)
    hot = settings(tokenizer, temperature=8.0, top_k=2, max_new_tokens=1)
    drawn = model.generate(**given, generation_config=hot, custom_generate=sample)[:, -1]
    with torch.no_grad():
        likely = (
            model(**tokenizer(["Write a LAMMPS script: argon at 90 K."], return_tensors="pt")).logits[0, -1] / 8
        ).topk(2)
    expected = float(likely.values.softmax(0)[0])
    share = float((drawn == likely.indices[0]).float().mean())
    assert abs(share - expected) < 4 * (expected * (1 - expected) / 400) ** 0.5


@pytest.mark.parametrize(
    ("chosen", "ours"),
    [
        ({}, True),
        ({"use_cpu": False}, False),
        ({"cache_implementation": "static"}, False),
        ({"generation_kwargs": {"num_beams": 2}}, False),
        ({"use_transformers_continuous_batching": True}, False),
    ],
)
def test_what_was_chosen_is_kept(chosen: dict[str, Any], ours: bool, tmp_path: Path) -> None:
    trl = pytest.importorskip("trl")
    args = trl.GRPOConfig(**{"output_dir": str(tmp_path), "use_cpu": True, "bf16": False, **chosen})
    model = transformers.AutoModelForCausalLM.from_pretrained(WEIGHTS)
    let_ended_go(model, args)
    assert ("generate" in vars(model)) == ours
