"""`mdevalbench/nano` in an evaluation: any model that was trained here, opened by transformers."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from inspect_ai.log import list_eval_logs, read_eval_log
from inspect_ai.model import GenerateConfig, get_model
from typer.testing import CliRunner

from mdevalbench.cli.main import app
from mdevalbench.tasks import load_task
from mdevalbench.zoo.nano import BEFORE_GRPO, WEIGHTS, find_nano

AutoModelForCausalLM = pytest.importorskip("transformers").AutoModelForCausalLM


def evaluate(folder: Path, *arguments: str) -> tuple[int, str]:
    command = ["eval", "--model", "mdevalbench/nano", "--log-dir", str(folder), *arguments]
    done = CliRunner().invoke(app, command)
    return done.exit_code, done.output


def test_a_model_trained_here_is_evaluated(writer: Path, tmp_path: Path) -> None:
    measured = CliRunner().invoke(app, "tasks draw --family lattice_constant --seed 7 -n 3".split())  # the references
    assert measured.exit_code == 0, measured.output
    which = "--suite codegen-train --seed 7 --family lattice_constant --limit 3".split()
    code, said = evaluate(tmp_path, "-M", f"path={writer}", *which)
    assert code == 0, said
    (found,) = list_eval_logs(str(tmp_path))
    log = read_eval_log(found)
    assert log.eval.model == "mdevalbench/nano" and log.samples is not None
    answers = {sample.id: sample.output.completion for sample in log.samples}
    assert answers["lattice_constant/draw-7-0"].startswith("```lammps\nunits metal")
    assert len(answers) == 3


@pytest.mark.parametrize("weights", [WEIGHTS, BEFORE_GRPO])
def test_the_weights_of_the_package(weights: Path, tmp_path: Path) -> None:
    """They are small, have a card, and write scripts that LAMMPS runs."""
    assert sum(path.stat().st_size for path in weights.parent.rglob("*") if path.is_file()) < 40 * 2**20
    assert "license: apache-2.0" in (weights / "README.md").read_text()
    model = AutoModelForCausalLM.from_pretrained(find_nano(str(weights)))
    assert model.num_parameters() <= 15e6
    measured = CliRunner().invoke(app, "tasks draw --family lattice_constant --seed 7 -n 3".split())
    assert measured.exit_code == 0, measured.output
    which = "--suite codegen-train --seed 7 --family lattice_constant --limit 3".split()
    given = [] if weights == WEIGHTS else ["-M", f"path={weights}"]
    code, said = evaluate(tmp_path, *given, *which, "--temperature", "0.01")  # the likeliest token each time
    assert code == 0, said
    (found,) = list_eval_logs(str(tmp_path))
    scores = [dict(sample.scores["physics"].value) for sample in read_eval_log(found).samples or [] if sample.scores]  # type: ignore[arg-type]
    assert len(scores) == 3 and sum(score["executed"] for score in scores) >= 2


async def test_tokens_are_those_of_each_answer() -> None:
    """However they are batched; and an answer that the limit cuts off says so."""
    model = get_model("mdevalbench/nano", memoize=False)
    config = GenerateConfig(max_tokens=100, max_connections=2, temperature=0.01)  # the likeliest token each time
    prompts = ("copper", load_task("lattice_constant/cu-mishin").prompt)
    short, long = await asyncio.gather(*(model.generate(prompt, config=config) for prompt in prompts))
    assert short.usage is not None and long.usage is not None
    assert short.usage.input_tokens < 20 and long.usage.input_tokens > 80
    for answer in (short, long):
        assert answer.stop_reason == "max_tokens" and answer.usage is not None
        assert abs(answer.usage.output_tokens - 100) <= 5, answer.completion


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("-M", "path=nowhere"), "nowhere holds no model: give -M path=FOLDER"),
        (("-M", "pth=nowhere"), "takes the argument `path`, not pth"),
        (("-M", "path"), "-M path: arguments of a provider look like NAME=VALUE"),
        (("-M", "path=["), "is no YAML value"),
    ],
)
def test_a_folder_without_a_model(tmp_path: Path, arguments: tuple[str, ...], says: str) -> None:
    code, said = evaluate(tmp_path, "--suite", "demo", *arguments)
    assert code == 2 and says in " ".join(said.split())
