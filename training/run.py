"""The folder of a training run: where each stage keeps its checkpoints, its model and its record.

```
runs/tiny/base/                 a model from nothing, untrained
          cpt/ sft/ grpo/       model/, checkpoints/, record.json, curves.png; grpo also rollouts.jsonl; recipe.yml
                                says what the stage depends on: another recipe is refused
```
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from mdevalbench import __version__
from mdevalbench.errors import UsageError
from mdevalbench.lammps import install
from mdevalbench.training.recipe import STAGES, Recipe, Stage

_PACKAGES = ("torch", "transformers", "trl", "peft", "accelerate", "datasets", "tokenizers", "lammps", "vllm")


@dataclass(frozen=True)
class Run:
    """One stage of a recipe in a folder."""

    recipe: Recipe
    folder: Path
    stage: Stage

    @classmethod
    def open(cls, recipe: Recipe, folder: Path, stage: Stage) -> Run:
        """Raises UsageError if the folder was made by a recipe that differs in this stage or one before it."""
        for one in STAGES[: STAGES.index(stage) + 1]:
            run = cls(recipe, folder, one)
            kept, wanted = run.home / "recipe.yml", run._concerned()
            if kept.is_file() and (there := yaml.safe_load(kept.read_text())) != wanted:
                raise UsageError(
                    f"{run.home} was made by another recipe ({_difference(there, wanted)}): "
                    "give another --output, or remove it"
                )
        run.home.mkdir(parents=True, exist_ok=True)
        _write(kept, yaml.safe_dump(wanted, sort_keys=False))
        return run

    @property
    def home(self) -> Path:
        return self.folder / self.stage

    @property
    def base(self) -> Path:
        return self.folder / "base"

    @property
    def model(self) -> Path:
        return self.home / "model"

    @property
    def checkpoints(self) -> Path:
        return self.home / "checkpoints"

    @property
    def rollouts(self) -> Path:
        return self.home / "rollouts.jsonl"

    @property
    def done(self) -> bool:
        """Whether the stage came to its end."""
        return (self.home / "record.json").is_file()

    def start(self, given: str | None, base: str) -> str:
        """Where the weights come from: what the user gave, else the last stage before, else `base`.

        Raises UsageError if that stage was begun and is not done.
        """
        if given:
            return given
        for stage in reversed(STAGES[: STAGES.index(self.stage)]):
            before = Run(self.recipe, self.folder, stage)
            if before.done:
                return str(before.model)
            if before.checkpoints.is_dir():
                how = "give its command again, or another model by --model"
                raise UsageError(f"{before.home} was begun and is not done: {how}")
        return base

    def checkpoint(self) -> Path | None:
        """The last checkpoint that is complete: its trainer state is written last."""
        found = []
        for path in self.checkpoints.glob("checkpoint-*"):
            try:
                json.loads((path / "trainer_state.json").read_text())
            except (OSError, ValueError):
                continue
            found.append((int(path.name.rpartition("-")[2]), path))
        return max(found)[1] if found else None

    def finish(self, history: Sequence[Mapping[str, Any]], seconds: float, **more: Any) -> None:
        """Leave the record of the stage and pictures of its curves."""
        record = {
            "stage": self.stage,
            "finished": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "seconds": round(seconds, 1),
            **more,
            "recipe": self.recipe.model_dump(),
            "versions": versions(),
            "history": list(history),
        }
        _draw(history, self.home / "curves.png", f"{self.recipe.name}: {self.stage}")
        _write(self.home / "record.json", json.dumps(record, indent=1))

    def _concerned(self) -> dict[str, Any]:
        """The part of the recipe that this stage depends on."""
        later = STAGES[STAGES.index(self.stage) + 1 :]
        return self.recipe.model_dump(mode="json", exclude={"about", *later})


def versions() -> dict[str, str]:
    """Of everything that decides what a training does."""
    found = {"mdevalbench": __version__, "python": platform.python_version()}
    for name in _PACKAGES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found | {"lammps used": install.identity()[:12]}


def _difference(there: Any, wanted: Any, where: str = "") -> str:
    """The first place in which two recipes differ."""
    if isinstance(there, Mapping) and isinstance(wanted, Mapping):
        for key in dict.fromkeys([*there, *wanted]):
            if there.get(key) != wanted.get(key):
                return _difference(there.get(key), wanted.get(key), f"{where}.{key}" if where else str(key))
    return f"{where} is {there!r} there and {wanted!r} here"


def _write(path: Path, text: str) -> None:
    """All or nothing."""
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    part.write_text(text, encoding="utf-8")
    part.replace(path)


def _draw(history: Sequence[Mapping[str, Any]], path: Path, title: str) -> None:
    """Every number that was logged against the step, a panel each."""
    from matplotlib.figure import Figure

    names = dict.fromkeys(
        name
        for row in history
        for name, value in row.items()
        if isinstance(value, int | float) and name not in ("step", "epoch")
    )
    curves = {name: [(row["step"], row[name]) for row in history if name in row] for name in names}
    curves = {name: points for name, points in curves.items() if len(points) > 1}
    if not curves:
        return
    columns = 3
    rows = -(-len(curves) // columns)
    figure = Figure(figsize=(4 * columns, 2.2 * rows), layout="constrained")
    figure.suptitle(title)
    for axes, (name, points) in zip(figure.subplots(rows, columns, squeeze=False).flat, curves.items(), strict=False):
        axes.plot(*zip(*points, strict=True), linewidth=1)
        axes.set_title(name, fontsize=9)
        axes.tick_params(labelsize=8)
    figure.savefig(path, dpi=110)
