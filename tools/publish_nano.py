"""`make nano`, its end: two models of a run go into the package, in half precision; their cards stay.

The last one becomes `mdevalbench/nano`. That after SFT is where MD-GRPO began, and where others may begin.
"""

from __future__ import annotations

import sys
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from mdevalbench.zoo.nano import BEFORE_GRPO, WEIGHTS


def main(run: Path) -> None:
    """Write the models of `run`, the folder of a training, to where the package keeps them."""
    for stage, folder in (("sft", BEFORE_GRPO), ("grpo", WEIGHTS)):
        source = run / stage / "model"
        AutoModelForCausalLM.from_pretrained(source, dtype=torch.float16).save_pretrained(folder)
        AutoTokenizer.from_pretrained(source).save_pretrained(folder)
        for path in folder.iterdir():
            path.chmod(0o644)  # weights are written for their owner alone
        print(f"{folder}: {sum(path.stat().st_size for path in folder.iterdir()) / 2**20:.1f} MiB")
    print("evaluate with `make demo-nano`, then bring README.md in both folders up to date")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
