"""The stages, in processes of their own: killed in the middle, they end where an undisturbed training ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mdevalbench.errors import UsageError
from mdevalbench.scorers.rewards import Rewards
from mdevalbench.training.recipe import Stage, read_recipe
from mdevalbench.training.rollouts import Rollouts
from mdevalbench.training.run import Run
from mdevalbench.training.stages import train

pytest.importorskip("trl")

CHANGES = {
    "cpt": ["cpt.args.max_steps=24"],
    "sft": ["sft.args.max_steps=24"],
    "grpo": ["grpo.args.max_steps=16", "grpo.tasks=6"],
}


def command(stage: str, folder: Path, *more: str) -> list[str]:
    changes = [text for change in (*CHANGES[stage], *more) for text in ("--set", change)]
    return [sys.executable, "-m", "mdevalbench", "train", stage, "--config", "tiny", "--output", str(folder), *changes]


def environment() -> dict[str, str]:
    return {**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}


def kill_after(stage: str, folder: Path, step: int) -> None:
    """Begin a stage and kill it, children and all, when a checkpoint of this step is complete."""
    process = subprocess.Popen(
        command(stage, folder),
        env=environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    state = folder / stage / "checkpoints" / f"checkpoint-{step}" / "trainer_state.json"
    deadline = time.monotonic() + 300
    while not state.is_file():
        assert process.poll() is None, f"{stage} ended by itself with {process.returncode}"
        assert time.monotonic() < deadline, f"{stage} wrote no checkpoint"
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert not (folder / stage / "record.json").exists()


@pytest.mark.slow
@pytest.mark.parametrize("stage", ["cpt", "sft", "grpo"])
def test_a_stage_that_was_killed_ends_as_if_it_had_not_been(stage: Stage, tmp_path: Path) -> None:
    from safetensors.numpy import load_file

    whole, killed = tmp_path / "whole", tmp_path / "killed"
    done = subprocess.run(command(stage, whole), env=environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    kill_after(stage, killed, step=6)
    again = subprocess.run(command(stage, killed), env=environment(), capture_output=True, text=True, check=False)
    assert again.returncode == 0, again.stderr
    first, second = (load_file(folder / stage / "model" / "model.safetensors") for folder in (whole, killed))
    assert set(first) == set(second)
    assert max(abs(first[name] - second[name]).max() for name in first) < 1e-6
    record = json.loads((killed / stage / "record.json").read_text())
    steps = [row["step"] for row in record["history"] if "loss" in row]
    assert steps == list(range(1, len(steps) + 1))
    assert (killed / stage / "curves.png").stat().st_size > 5000
    if stage == "grpo":
        one, other = (Rollouts(folder / stage / "rollouts.jsonl") for folder in (whole, killed))
        assert one.deals == other.deals
        assert {r.id: r.completion for r in one.rollouts.values()} == {
            r.id: r.completion for r in other.rollouts.values()
        }
        assert any(deal.parent for deal in one.deals.values())


@pytest.mark.slow
def test_two_processes_share_prompts_and_rollouts(tmp_path: Path) -> None:
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2"]
    arguments = command("grpo", tmp_path, "grpo.args.max_steps=4")[1:]
    done = subprocess.run([*launch, *arguments], env=environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = Rollouts(tmp_path / "grpo" / "rollouts.jsonl")
    assert sorted(found.deals) == list(range(8))  # two groups a step
    assert sorted(found.rollouts) == sorted(f"{slot}.{number}" for slot in range(8) for number in range(4))
    assert sorted(deal.slot for deal in found.deals.values() if deal.parent) == [5, 7]


@pytest.mark.slow
def test_the_stages_follow_each_other(tmp_path: Path, rewards: Rewards) -> None:
    recipe = read_recipe("tiny", ["grpo.tasks=4", "grpo.args.max_steps=2", "lora={r: 4, target_modules: all-linear}"])
    starts = []
    for stage in ("cpt", "sft", "grpo"):
        run = Run.open(recipe, tmp_path, stage)
        assert not run.done
        train(run, rewards=rewards)
        assert run.done and (run.home / "adapter" / "adapter_config.json").is_file()
        assert (run.model / "model.safetensors").is_file()  # merged: the next stage needs no peft to open it
        record = json.loads((run.home / "record.json").read_text())
        assert record["recipe"]["name"] == "tiny" and record["versions"]["trl"] and record["seconds"] > 0
        starts.append(Path(record["start"]).relative_to(tmp_path).as_posix())
        before = (run.model / "model.safetensors").stat().st_mtime_ns
        train(run, rewards=rewards)  # done: nothing happens
        assert (run.model / "model.safetensors").stat().st_mtime_ns == before
    assert starts == ["base", "cpt/model", "sft/model"]


def test_a_folder_of_another_recipe_is_refused(tmp_path: Path) -> None:
    Run.open(read_recipe("tiny"), tmp_path, "sft")
    Run.open(read_recipe("tiny", ["grpo.reward=paper", "about=x"]), tmp_path, "sft")  # nothing that sft depends on
    for stage in ("sft", "grpo"):  # grpo would begin with what sft left
        with pytest.raises(UsageError, match=r"another recipe \(sft.args.max_steps is 4 there and 5 here\): give"):
            Run.open(read_recipe("tiny", ["sft.args.max_steps=5"]), tmp_path, stage)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ("sft.args.learning_rat=1", "SFTConfig has no setting 'learning_rat'; did you mean 'learning_rate'"),
        ("sft.args.output_dir=x", "SFTConfig has no setting 'output_dir'"),
        ("sft.args.learning_rate=small", "learning_rate is a number .*, not 'small'"),
        ("sft.args.eval_strategy=often", "sft.args: .*often"),
        ("model.config.hidden_sizes=64", "hidden_sizes is no field of transformers' Qwen3Config"),
        ("model.path=no/such/folder/here", "the model no/such/folder/here cannot be opened"),
    ],
)
def test_what_does_not_fit_the_trainer_is_told(tmp_path: Path, change: str, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        train(Run.open(read_recipe("tiny", [change]), tmp_path, "sft"))


def test_half_a_checkpoint_is_no_checkpoint(tmp_path: Path) -> None:
    run = Run.open(read_recipe("tiny"), tmp_path, "cpt")
    assert run.checkpoint() is None
    for step, state in ((2, "{}"), (10, "{}"), (12, '{"global_st'), (14, None)):
        folder = run.checkpoints / f"checkpoint-{step}"
        folder.mkdir(parents=True)
        if state is not None:
            (folder / "trainer_state.json").write_text(state)
    found = run.checkpoint()
    assert found is not None and found.name == "checkpoint-10"
