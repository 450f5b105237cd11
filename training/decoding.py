"""Sampling on a CPU, whose time goes with the number of completions: those that have ended leave the batch."""

from __future__ import annotations

import functools
from typing import Any

import torch


def let_ended_go(model: Any, args: Any) -> None:
    """Let `model` generate by `sample` where a training with these arguments of GRPOTrainer does so in the usual way.

    That is on a CPU, with Qwen3's shape (that of the recipes, and tested), and without a cache or a way of generating
    that was chosen: those keep the loop of transformers. TRL itself hands no loop to what generates.
    """
    chosen = args.use_transformers_continuous_batching or args.cache_implementation or args.generation_kwargs
    if args.use_cpu and model.config.model_type == "qwen3" and not chosen:
        model.generate = functools.partial(model.generate, custom_generate=sample)


def sample(
    model: Any,
    input_ids: torch.Tensor,
    logits_processor: Any,
    stopping_criteria: Any,
    generation_config: Any,
    **inputs: Any,
) -> torch.Tensor:
    """Go on from each prompt until it ends, where the loop of transformers carries on all until the last has ended.

    `generate(custom_generate=sample)` of transformers takes it, for models whose cache lets entries be selected.
    It draws from the same distribution; the random numbers fall differently once one has ended.

    Args:
        input_ids: (prompts, tokens), padded on the left; `inputs` holds their attention mask and an empty cache.

    Returns:
        (prompts, tokens): each prompt and its completion with its end, then padding.
    """
    count, length = input_ids.shape
    ids = input_ids.new_full((count, stopping_criteria.max_length), generation_config.pad_token_id)
    ids[:, :length] = input_ids
    mask, cache = inputs["attention_mask"], inputs["past_key_values"]
    mask = torch.ones_like(input_ids) if mask is None else mask  # without padding there is none
    rows, fed, positions = torch.arange(count), input_ids, (mask.cumsum(1) - 1).clamp(min=0)
    while len(rows):
        known = {"attention_mask": mask, "position_ids": positions, "past_key_values": cache}
        output = model(input_ids=fed, **known, use_cache=True, logits_to_keep=1)
        scores = logits_processor(ids[rows, :length], output.logits[:, -1].float())
        fed = torch.multinomial(scores.softmax(-1), 1)
        ids[rows, length] = fed[:, 0]
        length += 1
        going = ~stopping_criteria(ids[rows, :length], scores)
        if not going.all():
            rows, fed, mask = rows[going], fed[going], mask[going]
            cache.batch_select_indices(going.nonzero()[:, 0])
        mask = torch.cat([mask, mask.new_ones(len(rows), 1)], dim=1)
        positions = mask.sum(1, keepdim=True) - 1
    return ids[:, :length]
