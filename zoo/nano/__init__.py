"""`mdevalbench/nano`: a model that was trained here (`mdevalbench train`), opened by transformers.

```
mdevalbench eval --model mdevalbench/nano -M path=runs/tiny/sft/model
```
"""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

from inspect_ai.model import GenerateConfig, ModelAPI, get_model

from mdevalbench.errors import UsageError


def find_nano(path: str = "", **unknown: Any) -> Path:
    """The folder with the weights.

    Raises UsageError if packages are missing, no folder is given or it holds no model, or there are other arguments.
    """
    if unknown:
        raise UsageError(f"mdevalbench/nano takes the argument `path`, not {', '.join(unknown)}")
    missing = [name for name in ("torch", "transformers", "accelerate") if importlib.util.find_spec(name) is None]
    if missing:
        raise UsageError(f"mdevalbench/nano needs {', '.join(missing)}: pip install 'mdevalbench[hf]'")
    folder = Path(path).expanduser()
    if not path or not (folder / "config.json").is_file():
        what = f"{folder} holds no model" if path else "mdevalbench/nano comes without weights"
        raise UsageError(f"{what}: give -M path=FOLDER with a model that `mdevalbench train` made")
    return folder


def open_nano(config: GenerateConfig, **model_args: Any) -> ModelAPI:
    """Inspect's provider for transformers, with the weights of `find_nano`."""
    return get_model("hf/nano", config=config, memoize=False, model_path=str(find_nano(**model_args))).api
