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

from inspect_ai.model import GenerateConfig, ModelAPI, get_model

from mdevalbench.errors import UsageError

WEIGHTS = Path(__file__).parent / "weights"
"""of the nano model, in half precision, with its card"""


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


def open_nano(config: GenerateConfig, **model_args: Any) -> ModelAPI:
    """Inspect's provider for transformers with those weights, in single precision: a CPU is quicker so."""
    path = str(find_nano(**model_args))
    return get_model("hf/nano", config=config, memoize=False, model_path=path, dtype="float32").api
