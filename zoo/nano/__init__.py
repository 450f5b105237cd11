"""`mdevalbench/nano`: a small transformer that was trained here by `make nano`; or another, by its folder.

```
mdevalbench eval --model mdevalbench/nano
mdevalbench eval --model mdevalbench/nano -M path=runs/tiny/sft/model
```
"""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

from inspect_ai.model import ChatMessage, GenerateConfig, ModelOutput, ModelUsage, get_model
from inspect_ai.tool import ToolChoice, ToolInfo

from mdevalbench.errors import UsageError

WEIGHTS = Path(__file__).parent / "weights"
"""of the nano model, in half precision, with its card"""
BEFORE_GRPO = WEIGHTS.with_name("sft")
"""of the model that MD-GRPO began with"""


def find_nano(path: str = "", **unknown: Any) -> Path:
    """The folder with the weights: `path`, by default those that come with the package.

    Raises UsageError if packages or weights are missing, the folder holds no model, or there are other arguments.
    """
    if unknown:
        raise UsageError(f"mdevalbench/nano takes the argument `path`, not {', '.join(unknown)}")
    missing = [name for name in ("torch", "transformers", "accelerate") if importlib.util.find_spec(name) is None]
    if missing:
        raise UsageError(f"mdevalbench/nano needs {', '.join(missing)}: pip install 'mdevalbench[hf]'")
    folder = Path(path).expanduser() if path else WEIGHTS
    if not (folder / "config.json").is_file():
        what = f"{folder} holds no model:" if path else "mdevalbench/nano has no weights yet: run `make nano`, or"
        raise UsageError(f"{what} give -M path=FOLDER with a model that `mdevalbench train` made")
    return folder


class Nano:
    """Inspect's provider for transformers with those weights, in single precision: a CPU is quicker so.

    Raises UsageError like `find_nano`.
    """

    def __init__(self, config: GenerateConfig, **model_args: Any) -> None:
        path = str(find_nano(**model_args))
        self.api: Any = get_model("hf/nano", config=config, memoize=False, model_path=path, dtype="float32").api

    async def generate(
        self, input: list[ChatMessage], tools: list[ToolInfo], tool_choice: ToolChoice, config: GenerateConfig
    ) -> ModelOutput:
        """An answer with its own number of tokens, and whether the limit cut it off.

        Inspect's provider counts the tokens of a whole batch, padded to the longest, and says nothing of limits. Here
        text is read into tokens again, which can be a few others than those written: near the limit is at it.
        """
        output: ModelOutput = await self.api.generate(input, tools, tool_choice, config)
        longest = output.usage.output_tokens if output.usage else 0
        read, written = self._tokens(self.api.hf_chat(input, tools)), self._tokens(output.completion)
        output.usage = ModelUsage(input_tokens=read, output_tokens=written, total_tokens=read + written)
        if config.max_tokens is not None and longest >= config.max_tokens and written > 0.94 * config.max_tokens:
            output.choices[0].stop_reason = "max_tokens"
        return output

    def max_connections(self) -> int:
        """Answers in a batch."""
        return int(self.api.max_connections())

    def _tokens(self, text: str) -> int:
        return len(self.api.tokenizer(text, add_special_tokens=False)["input_ids"])
