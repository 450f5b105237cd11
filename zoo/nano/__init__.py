"""`mdevalbench/nano`: the model that `make nano` trains from nothing, opened by transformers.

```
mdevalbench eval --model mdevalbench/nano                                 # the weights that come with the package
mdevalbench eval --model mdevalbench/nano -M path=runs/nano/sft/model     # those of another stage or training
```
"""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

from inspect_ai.model import GenerateConfig, ModelAPI, get_model

from mdevalbench.errors import UsageError

WEIGHTS = Path(__file__).parent / "weights"


def find_nano(path: str | None = None, **unknown: Any) -> Path:
    """The folder with the weights.

    Raises UsageError if packages are missing, the folder holds no model, or there are other arguments than `path`.
    """
    if unknown:
        raise UsageError(f"mdevalbench/nano takes the argument `path`, not {', '.join(unknown)}")
    missing = [name for name in ("torch", "transformers", "accelerate") if importlib.util.find_spec(name) is None]
    if missing:
        raise UsageError(f"mdevalbench/nano needs {', '.join(missing)}: pip install 'mdevalbench[hf]'")
    folder = Path(path).expanduser() if path else WEIGHTS
    if not (folder / "config.json").is_file():
        how = "give -M path=FOLDER with a trained model, for example runs/nano/grpo/model"
        raise UsageError(f"{folder} holds no model: {how if path else f'train it with `make nano`, or {how}'}")
    return folder


def open_nano(config: GenerateConfig, **model_args: Any) -> ModelAPI:
    """Inspect's provider for transformers, with the weights of `find_nano`."""
    return get_model("hf/nano", config=config, memoize=False, model_path=str(find_nano(**model_args))).api
