"""The three stages: continued pre-training, supervised fine-tuning, MD-GRPO; each takes up where it was killed.

TRL does the training. What is here is what feeds it: data of the recipe, the judge as reward, recycled prompts, and the
record that a stage leaves. A checkpoint holds weights, optimiser, schedule and random states; after a kill the stage
goes on from the last one that is complete.
"""

from __future__ import annotations

import dataclasses
import logging
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, closing, nullcontext
from typing import Any

from mdevalbench.errors import TaskError, UsageError
from mdevalbench.scorers.judge import Judge
from mdevalbench.scorers.rewards import Rewards
from mdevalbench.tasks import Task, load_task
from mdevalbench.tasks.calibration import measure_references
from mdevalbench.tasks.chat import messages
from mdevalbench.tasks.source import did_you_mean
from mdevalbench.training import corpus, models
from mdevalbench.training.dealing import Dealer
from mdevalbench.training.recipe import Recipe
from mdevalbench.training.rewarding import Rewarder
from mdevalbench.training.rollouts import Rollouts
from mdevalbench.training.run import Run

_log = logging.getLogger(__name__)
Measuring = Callable[[], AbstractContextManager[Callable[[int, int], None] | None]]
_OURS = ("output_dir", "seed", "data_seed", "resume_from_checkpoint")
"""settings of a trainer that follow from the recipe and the run"""


def train(
    run: Run, given: str | None = None, rewards: Rewards | None = None, measuring: Measuring = nullcontext
) -> None:
    """Train one stage to its end, from its beginning or its last checkpoint; nothing happens if it is done.

    Args:
        run: recipe, folder and stage.
        given: a model to begin with, instead of what the recipe or the stage before gives.
        rewards: where scripts of MD-GRPO run; by default as the environment asks for.
        measuring: entered while reference values of its tasks are measured; gives what is called with (done, total).

    Raises:
        UsageError: the recipe does not fit the trainer, or the model cannot be found.
    """
    if run.done:
        return
    args = _arguments(run)
    with args.main_process_first():  # of several processes one makes what all of them need
        path = run.start(given, models.begin(run.recipe, run.base, corpus.documents(run.recipe.data)))
    begin, checkpoint = time.monotonic(), run.checkpoint()
    with nullcontext(rewards) if rewards else closing(Rewards()) as rewards:
        if run.stage == "grpo":
            trainer, facts = _grpo(run, args, path, rewards, measuring)
        else:
            trainer, facts = _cpt(run, args, path) if run.stage == "cpt" else _sft(run, args, path)
        trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
    _save(trainer, run)
    if trainer.is_world_process_zero():
        run.finish(trainer.state.log_history, time.monotonic() - begin, start=path, **facts)


def _cpt(run: Run, args: Any, path: str) -> tuple[Any, dict[str, Any]]:
    from datasets import Dataset
    from trl import SFTTrainer

    documents = list(corpus.documents(run.recipe.data))
    rows = Dataset.from_dict({"text": documents})
    facts = {"documents": len(documents), "data_digest": corpus.digest(documents)}
    return SFTTrainer(args=args, train_dataset=rows, **_model(run.recipe, path), **_muon(run, args)), facts


def _sft(run: Run, args: Any, path: str) -> tuple[Any, dict[str, Any]]:
    from datasets import Dataset
    from trl import SFTTrainer

    examples = list(corpus.examples(run.recipe.data))
    prompts = [messages(example.prompt) for example in examples]
    completions = [[{"role": "assistant", "content": example.completion}] for example in examples]
    rows = Dataset.from_dict({"prompt": prompts, "completion": completions})
    facts = {"examples": len(examples), "data_digest": corpus.digest(examples)}
    return SFTTrainer(args=args, train_dataset=rows, **_model(run.recipe, path), **_muon(run, args)), facts


def _grpo(run: Run, args: Any, path: str, rewards: Rewards, measuring: Measuring) -> tuple[Any, dict[str, Any]]:
    from trl import GRPOTrainer

    from mdevalbench.training.decoding import let_ended_go

    checkpoint = run.checkpoint()
    with args.main_process_first():
        tasks = _measured(run.recipe, rewards, measuring)
        rollouts = Rollouts(run.rollouts)
        if args.process_index == 0:
            rollouts.forget_after(int(checkpoint.name.rpartition("-")[2]) if checkpoint else 0)
    batch = args.generation_batch_size // args.num_generations
    every = max(1, args.num_iterations * args.steps_per_generation // args.gradient_accumulation_steps)
    dealer = Dealer(run.recipe, tasks, rollouts, args.max_steps, batch, every)
    rewarder = Rewarder(run.recipe.grpo.reward, rollouts, rewards)
    given = _model(run.recipe, path)
    let_ended_go(given["model"], args)
    trainer = GRPOTrainer(args=args, train_dataset=dealer.dataset(), reward_funcs=[rewarder], **given)
    return trainer, {"tasks": len(tasks), "prompts": dealer.slots, "data_seed": run.recipe.data.seed + 1}


def _measured(recipe: Recipe, rewards: Rewards, measuring: Measuring) -> list[Task]:
    """Fresh tasks of MD-GRPO whose references are known or could be measured now; the others are left out."""
    drawn = list(corpus.tasks(recipe.data, recipe.data.seed + 1, recipe.grpo.tasks))
    with measuring() as advance:
        found = measure_references(drawn, Judge(rewards.executor), rewards.executor.workers, advance)
    return [load_task(task.id) for task in drawn if not isinstance(found[task.id], TaskError)]


def _save(trainer: Any, run: Run) -> None:
    """Leave a whole model, whatever was trained of it; an adapter also stands beside it by itself."""
    if not run.recipe.lora:
        trainer.save_model(str(run.model))  # gathers what is spread over processes
    elif trainer.is_world_process_zero():
        adapted = trainer.accelerator.unwrap_model(trainer.model)
        adapted.save_pretrained(run.home / "adapter")
        adapted.merge_and_unload().save_pretrained(run.model)
    if trainer.is_world_process_zero():
        trainer.processing_class.save_pretrained(run.model)


def _arguments(run: Run) -> Any:
    """The trainer's configuration; on a CPU without the half precision that is the default of TRL."""
    import torch
    from trl import GRPOConfig, SFTConfig

    from mdevalbench.training.precision import has_bfloat16

    kind = GRPOConfig if run.stage == "grpo" else SFTConfig
    given = getattr(run.recipe, run.stage).args
    known = {field.name: field.default for field in dataclasses.fields(kind) if field.name not in _OURS}
    for name, value in given.items():
        if name not in known:
            raise UsageError(f"{run.stage}.args: {kind.__name__} has no setting {name!r}{did_you_mean(name, known)}")
        if isinstance(known[name], int | float) and isinstance(value, str):
            raise UsageError(f"{run.stage}.args: {name} is a number (or true, false), not {value!r}")
    usual = {"report_to": [], **({"max_steps": 100} if run.stage == "grpo" else {})}
    if given.get("bf16") and not has_bfloat16():
        _log.warning(
            "%s: single precision, since this CPU has no instructions for bfloat16 (it takes longer)", run.stage
        )
        given = {**given, "bf16": False}
    if not torch.cuda.is_available():
        usual |= {"use_cpu": True, "bf16": False, "gradient_checkpointing": False, "dataloader_pin_memory": False}
    ours = {"output_dir": str(run.checkpoints), "seed": run.recipe.seed}
    if run.stage == "grpo":
        ours["shuffle_dataset"] = False  # the dealer has chosen the order
    try:
        return kind(**{**usual, **given, **ours})
    except (TypeError, ValueError) as error:
        raise UsageError(f"{run.stage}.args: {error}") from error


def _model(recipe: Recipe, path: str) -> dict[str, Any]:
    """Model, tokenizer and adapter as arguments of a trainer. Raises UsageError if there is no such model."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    try:
        tokenizer = AutoTokenizer.from_pretrained(path)
        model = AutoModelForCausalLM.from_pretrained(path, dtype=recipe.model.dtype)
    except (OSError, ValueError) as error:
        raise UsageError(f"the model {path} cannot be opened: {error}") from error
    return {"model": model, "processing_class": tokenizer, "peft_config": _adapter(recipe)}


def _muon(run: Run, args: Any) -> dict[str, Any]:
    """The optimizer as an argument of a trainer, if the stage asks for one that transformers does not bring."""
    if not getattr(run.recipe, run.stage).muon:
        return {}
    from mdevalbench.training.optimizer import MuonAndAdamW

    betas = (args.adam_beta1, args.adam_beta2)
    settings = {"lr": args.learning_rate, "betas": betas, "weight_decay": args.weight_decay}
    return {"optimizer_cls_and_kwargs": (lambda: MuonAndAdamW, settings)}  # a factory is given the model


def _adapter(recipe: Recipe) -> Any:
    if not recipe.lora:
        return None
    from peft import LoraConfig

    try:
        return LoraConfig(**{"task_type": "CAUSAL_LM", **recipe.lora})
    except TypeError as error:
        raise UsageError(f"lora: {error}") from error
