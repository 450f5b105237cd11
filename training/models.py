"""The model that a recipe begins with: from a folder or the hub, or from nothing with a tokenizer of its own.

transformers and torch are imported where they are used, so that recipes can be read and checked without them.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from mdevalbench.errors import UsageError
from mdevalbench.training.recipe import Recipe

END, START, STOP = "<|endoftext|>", "<|im_start|>", "<|im_end|>"
CHAT_TEMPLATE = (
    "{%- for message in messages if message.role != 'system' -%}"
    "{{ '<|im_start|>' + message.role + '\n' }}"
    "{%- if message.role == 'assistant' -%}"
    "{% generation %}{{ message.content + '<|im_end|>' }}{% endgeneration %}{{ '\n' }}"
    "{%- else -%}{{ message.content + '<|im_end|>\n' }}{%- endif -%}"
    "{%- endfor -%}"
    "{%- if add_generation_prompt -%}{{ '<|im_start|>assistant\n' }}{%- endif -%}"
)

LONGEST_TOKEN = 20
"""characters; longer ones are whole lines, which a small change of a prompt would break into unknown pieces"""


def begin(recipe: Recipe, folder: Path, text: Iterable[str]) -> str:
    """Where the model of a recipe lies; one from nothing is made in `folder` first, its tokenizer from `text`.

    Raises UsageError if the recipe's configuration is none.
    """
    if recipe.model.path:
        return recipe.model.path
    if not (folder / "config.json").is_file():
        tokenizer = make_tokenizer(text, recipe.model.vocabulary)
        model = _make_model(recipe, tokenizer)
        part = folder.with_name(f"{folder.name}.part")  # a kill leaves no half a model
        tokenizer.save_pretrained(part)
        model.save_pretrained(part)
        part.replace(folder)
    return str(folder)


def make_tokenizer(text: Iterable[str], vocabulary: int) -> Any:
    """A byte-level BPE tokenizer whose tokens may span words of a line, since scripts and prompts repeat whole phrases:
    sequences are half as long. Digits stand alone, so that a number can be copied digit by digit.

    Its chat template leaves out what is the same for every task, the system message: a small model has no room for it.
    """
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    bpe = Tokenizer(models.BPE())
    lines = pre_tokenizers.Split("\n", "merged_with_previous")
    digits = pre_tokenizers.Digits(individual_digits=True)
    phrases = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    bpe.pre_tokenizer = pre_tokenizers.Sequence([lines, digits, phrases])
    bpe.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        max_token_length=LONGEST_TOKEN,
        special_tokens=[END, START, STOP],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    bpe.train_from_iterator(text, trainer)
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=bpe, eos_token=STOP, pad_token=END)
    tokenizer.chat_template = CHAT_TEMPLATE
    return tokenizer


def _make_model(recipe: Recipe, tokenizer: Any) -> Any:
    from transformers import Qwen3Config, Qwen3ForCausalLM, set_seed

    unknown = set(recipe.model.config) - set(vars(Qwen3Config()))
    if unknown:
        raise UsageError(f"model.config: {', '.join(sorted(unknown))} is no field of transformers' Qwen3Config")
    fields = {"tie_word_embeddings": True, **recipe.model.config}
    fields |= {"vocab_size": len(tokenizer), "eos_token_id": tokenizer.eos_token_id}
    fields |= {"pad_token_id": tokenizer.pad_token_id, "bos_token_id": None}
    set_seed(recipe.seed)
    model = Qwen3ForCausalLM(Qwen3Config(**fields))
    model.generation_config.do_sample = True  # servers decode greedily otherwise, whatever temperature is asked for
    return model
