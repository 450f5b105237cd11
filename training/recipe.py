"""Recipes: one YAML file says what is trained, on what, and how; a run keeps the recipe that made it.

`args` of a stage are fields of the trainer's own configuration (`trl.SFTConfig`, `trl.GRPOConfig`), with the trainer's
names and defaults, so that whatever TRL can do can be asked for here: vLLM generation (`use_vllm: true`), reporters
(`report_to: [tensorboard]`), gradient checkpointing and the rest.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import Field, model_validator

from mdevalbench.errors import UsageError
from mdevalbench.tasks.source import Source, did_you_mean, read_value
from mdevalbench.types import Record

RECIPES = Path(__file__).parent / "recipes"
Stage = Literal["cpt", "sft", "grpo"]
STAGES: tuple[Stage, ...] = ("cpt", "sft", "grpo")


class Model(Record):
    """Where training begins."""

    path: str = ""
    """a model of the hub, or a folder; empty for a model from nothing, of the shape in `config`"""
    config: dict[str, Any] = {}
    """fields of transformers' Qwen3Config"""
    vocabulary: int = Field(2048, ge=300)
    """tokens of the tokenizer that is made for a model from nothing"""
    dtype: Literal["float32", "bfloat16"] = "float32"

    @model_validator(mode="after")
    def _something(self) -> Model:
        if not self.path and not self.config:
            raise ValueError("a model needs a `path`, or a `config` to make one from nothing")
        return self


class Draw(Record):
    """The first tasks of the suite `codegen-train` with a seed."""

    seed: int = Field(ge=0)
    tasks: int = Field(ge=1)


class Data(Record):
    """Tasks are drawn by seeds: `seed` gives those of CPT and SFT, `seed + 1` those of GRPO."""

    seed: int = Field(100, ge=0)
    tasks: int = Field(1000, ge=1)
    """drawn tasks whose scripts are shown"""
    scripts: int = Field(1, ge=1)
    """scripts for each of these tasks, in different styles and by different methods"""
    repairs: float = Field(0.0, ge=0, le=1)
    """share of the scripts that are asked for by the same script with a mistake and its diagnosis"""
    held_out: tuple[str, ...] = ()
    """families of which nothing is ever shown"""
    spared: Draw | None = None
    """tasks of which none is ever shown, so that a model can be evaluated on them"""
    files: tuple[str, ...] = ()
    """further text for CPT, as patterns of files"""


class Training(Record):
    """A stage."""

    args: dict[str, Any] = {}
    """fields of the trainer's configuration"""


class Tuning(Training):
    """A stage on `trl.SFTTrainer`."""

    muon: bool = False
    """update the matrices of the layers by Muon instead of AdamW; see optimizer.py"""


class Recycling(Record):
    """What becomes of completions that earn little; see dealing.py."""

    share: float = Field(0.25, ge=0, le=1)
    """of the prompts of a batch, at most; 0 recycles nothing"""
    threshold: float = Field(0.5, gt=0, le=1)
    """completions that earn less are kept"""
    most: int = Field(256, ge=1)
    """that are kept at once; the oldest go first"""
    age: int = Field(20, ge=1)
    """steps after which one is too old, since the policy has changed"""
    depth: int = Field(2, ge=1)
    """times that a prompt may be rewritten"""
    rewriter: str = "words"
    """`words` for the deterministic one, or an OpenAI-compatible model"""


class Grpo(Training):
    """A stage on `trl.GRPOTrainer`."""

    tasks: int = Field(1000, ge=1)
    """different drawn tasks, dealt in turn"""
    reward: Literal["physics", "paper"] = "physics"
    recycling: Recycling = Recycling()


class Recipe(Record):
    """A whole training."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9.\-]*$")
    about: str = ""
    seed: int = Field(1, ge=0)
    """of weights, of the order of data and of sampling"""
    model: Model
    lora: dict[str, Any] = {}
    """fields of peft's LoraConfig; empty to train all weights"""
    data: Data = Data()
    cpt: Tuning = Tuning()
    sft: Tuning = Tuning()
    grpo: Grpo = Grpo()


def known() -> tuple[str, ...]:
    """Names of the recipes that come with the package."""
    return tuple(sorted(path.stem for path in RECIPES.glob("*.yml")))


def read_recipe(name: str, changes: Sequence[str] = ()) -> Recipe:
    """A recipe by its name or file, with changes such as `grpo.args.max_steps=5`.

    Raises UsageError: there is no such recipe, or something in it or in a change is not understood.
    """
    path = Path(name) if name.endswith((".yml", ".yaml")) else RECIPES / f"{name}.yml"
    if not path.is_file():
        near = did_you_mean(name, known(), "those of the package are")
        raise UsageError(f"there is no recipe {name!r}{near}; or give the path of a .yml file")
    source = Source.read(path)
    if not isinstance(source.data, Mapping):
        raise UsageError(f"{path}: a recipe is a mapping with the keys name, model, ...")
    data = dict(source.data)
    for change in changes:
        data = _changed(data, change)
    return source.validate(Recipe, data)


def _changed(data: Mapping[str, Any], change: str) -> dict[str, Any]:
    where, equals, text = change.partition("=")
    keys = where.strip().split(".")
    if not equals or not all(keys):
        raise UsageError(f"--set {change}: changes look like grpo.args.max_steps=5")
    try:
        value = read_value(text)
    except yaml.YAMLError as error:
        raise UsageError(f"--set {change}: {text!r} is no YAML value") from error
    return _with(data, keys, value if value is not None else "")


def _with(data: Mapping[str, Any], keys: Sequence[str], value: Any) -> dict[str, Any]:
    first, *rest = keys
    if not rest:
        return {**data, first: value}
    inner = data.get(first)
    return {**data, first: _with(inner if isinstance(inner, Mapping) else {}, rest, value)}
