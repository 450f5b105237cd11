"""`make nano`, its end: the last model of a run becomes `mdevalbench/nano`, in half precision; the model card stays."""

from __future__ import annotations

import sys
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from mdevalbench.zoo.nano import WEIGHTS


def main(source: Path) -> None:
    """Write what is in `source`, the folder of a model, to where `mdevalbench/nano` looks."""
    AutoModelForCausalLM.from_pretrained(source, dtype=torch.float16).save_pretrained(WEIGHTS)
    AutoTokenizer.from_pretrained(source).save_pretrained(WEIGHTS)
    for path in WEIGHTS.iterdir():
        path.chmod(0o644)  # weights are written for their owner alone
    size = sum(path.stat().st_size for path in WEIGHTS.iterdir())
    print(f"{WEIGHTS}: {size / 2**20:.1f} MiB; evaluate it with `make demo-nano`, then bring its README.md up to date")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
