"""The judge in TRL's hands: the script of the README as it stands there, and MD-GRPO on a model that writes scripts."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from mdevalbench.cli.main import app
from mdevalbench.scorers.rewards import Rewards
from mdevalbench.tasks import drawable
from mdevalbench.training.recipe import read_recipe
from mdevalbench.training.rollouts import Rollouts
from mdevalbench.training.run import Run
from mdevalbench.training.stages import train

pytest.importorskip("trl")

README = Path(__file__).parents[2] / "README.md"


def test_the_script_of_the_readme_trains(writer: Path, tmp_path: Path) -> None:
    blocks = re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL)
    (script,) = (block for block in blocks if "GRPOTrainer(" in block)
    assert len(script.strip().splitlines()) <= 25
    (tmp_path / "grpo.py").write_text(script)
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
    command = [sys.executable, "grpo.py", str(writer), "3"]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    accepted = [float(value) for value in re.findall(r"'physics/accepted': '?([\d.e-]+)", done.stdout)]
    assert len(accepted) == 3 and max(accepted) > 0  # LAMMPS has run scripts of the model
    unscored = re.findall(r"'physics/unscored': '?([\d.e-]+)", done.stdout)
    assert [float(value) for value in unscored] == [0, 0, 0]


def test_md_grpo_on_a_model_that_writes_scripts(writer: Path, tmp_path: Path, rewards: Rewards) -> None:
    others = [name for name in drawable() if name not in ("lattice_constant", "lj_pressure")]
    changes = [
        f"data.held_out=[{','.join(others)}]", "data.seed=6", "grpo.tasks=6", "grpo.recycling.share=0.5",
        "grpo.recycling.threshold=0.9", "grpo.args.max_completion_length=400",
        "grpo.args.per_device_train_batch_size=8",
    ]  # fmt: skip
    run = Run.open(read_recipe("tiny", changes), tmp_path, "grpo")
    train(run, str(writer), rewards)
    rollouts = Rollouts(run.rollouts)
    assert len(rollouts.deals) == 8 and len(rollouts.rollouts) == 32
    assert all(r.reward is not None and r.stage for r in rollouts.rollouts.values())
    assert max(r.reward or 0 for r in rollouts.rollouts.values()) == 1.0
    recycled = [deal for deal in rollouts.deals.values() if deal.parent]
    assert [deal.slot for deal in recycled] == [5, 7]
    for deal in recycled:
        failed = rollouts.rollouts[str(deal.parent)]
        assert "```lammps" in deal.prompt and failed.diagnosis in deal.prompt
    record = json.loads((run.home / "record.json").read_text())
    assert record["tasks"] == 6 and record["prompts"] == 8
    logged = [row for row in record["history"] if "reward" in row]
    for step, row in enumerate(logged):
        values = [r.reward or 0 for r in rollouts.rollouts.values() if r.step == step]
        assert row["reward"] == pytest.approx(sum(values) / len(values), abs=1e-6)
        assert "frac_reward_zero_std" in row
    _browse(tmp_path, rollouts)


def _browse(folder: Path, rollouts: Rollouts) -> None:
    """`mdevalbench train rollouts` shows what is there."""
    runner = CliRunner()
    table = runner.invoke(app, ["train", "rollouts", str(folder)])
    assert table.exit_code == 0 and "8 groups, 2 of them recycled" in table.output
    recycled = runner.invoke(app, ["train", "rollouts", str(folder), "--recycled"])
    assert recycled.output.count(" from ") == 2
    lines = runner.invoke(app, ["train", "rollouts", str(folder), "--json", "-n", "1"]).stdout.splitlines()
    assert [json.loads(line)["id"] for line in lines] == ["7.0", "7.1", "7.2", "7.3"]
    shown = runner.invoke(app, ["train", "rollouts", str(folder), "--show", "7.0"]).output
    assert shown.index(f"=== completion {rollouts.deals[7].parent}") < shown.index("=== completion 7.0")
    missing = runner.invoke(app, ["train", "rollouts", str(folder), "--show", "99.0"])
    assert missing.exit_code == 2 and "no completion '99.0'" in missing.output
    nowhere = runner.invoke(app, ["train", "rollouts", str(folder / "nowhere")])
    assert nowhere.exit_code == 2 and "rollouts.jsonl" in nowhere.output
