"""The fixed workflow: what is told, when it stops, and that budgets hold."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from subprocess import run
from typing import Any

import pytest
from inspect_ai.model import GenerateConfig, ModelOutput, get_model

from mdevalbench.agent.bench import Bench
from mdevalbench.agent.budget import Budget
from mdevalbench.agent.keeping import SCRIPT, keep
from mdevalbench.agent.trajectory import Reached, Trajectory
from mdevalbench.agent.workflow import Agent, opening
from mdevalbench.agent.writer import InspectWriter, Reciter
from mdevalbench.errors import UsageError
from mdevalbench.scorers.judge import Judge
from mdevalbench.tasks import given_files, load_task, render_reference
from mdevalbench.zoo.provider import BuiltinModel

RIGHT = """\
units metal
lattice fcc 3.62
region box block 0 3 0 3 0 3
create_box 1 box
create_atoms 1 box
pair_style eam/alloy
pair_coeff * * Cu_mishin1.eam.alloy Cu
fix relax all box/relax iso 0.0 vmax 0.01
minimize 0.0 1.0e-8 500 10000
variable a equal lx/3
print "RESULT lattice_constant = ${a} angstrom"
"""
REQUEST = "lattice constant of copper at 0 K"


def fenced(script: str) -> str:
    return f"```lammps\n{script}```"


async def pursue(
    judge: Judge, answers: list[str], request: str = REQUEST, **limits: float
) -> tuple[Trajectory, Reciter]:
    writer = Reciter(answers)
    agent = Agent(writer, Bench(judge.pool), Budget.model_validate(limits))
    return await agent.pursue(request), writer


async def test_a_right_script_is_asked_for_once(judge: Judge) -> None:
    found, writer = await pursue(judge, [fenced(RIGHT)])
    assert found.done and "nothing was found wrong" in found.stopped
    assert len(found.rounds) == len(writer.heard) == 1
    assert found.best is not None and found.best.result.startswith("RESULT lattice_constant = 3.6")


async def test_what_is_wrong_is_told_and_mended(judge: Judge) -> None:
    misspelt = RIGHT.replace("minimize", "minimise")
    late = RIGHT.replace("print ", "prnt_ ").replace("prnt_", "print").replace("${a}", "${b}")
    silent = RIGHT.replace("print", "# print")
    answers = ["I cannot do that.", *map(fenced, (misspelt, late, silent, RIGHT))]
    found, writer = await pursue(judge, answers)
    assert [one.reached for one in found.rounds] == [
        Reached.ANSWER, Reached.CHECK, Reached.RUN, Reached.EVALUATION, Reached.EVALUATION,
    ]  # fmt: skip
    assert found.done
    told = [conversation[-1].text for conversation in writer.heard[1:]]
    assert "No LAMMPS script could be found" in told[0]
    assert "LAMMPS has no command 'minimise'" in told[1] and "+minimize 0.0" in told[1]
    assert "LAMMPS stopped with an error" in told[2] and "line 11" in told[2]
    assert "the script prints no result" in told[3]
    assert all(len(conversation) in (2, 4) for conversation in writer.heard)  # it never grows


async def test_the_same_script_again_is_the_end(judge: Judge) -> None:
    found, _ = await pursue(judge, [fenced(RIGHT.replace("minimize", "relaxx"))], rounds=9)
    assert not found.done and len(found.rounds) == 2 and "the same script again" in found.stopped


async def test_none_of_ours_is_refused_without_asking(judge: Judge) -> None:
    found, writer = await pursue(judge, ["never asked"], request="who won the football match yesterday")
    assert not writer.heard and not found.done and "thermal expansion of copper" in found.stopped


async def test_rounds_and_tokens_hold(judge: Judge) -> None:
    wrong = [fenced(RIGHT.replace("minimize", f"relax{number}")) for number in range(9)]
    found, writer = await pursue(judge, wrong, rounds=3)
    assert len(writer.heard) == 3 and "limit of 3 answers" in found.stopped
    for tokens in (1, 900, 1500):
        found, _ = await pursue(judge, wrong, tokens=tokens, rounds=9)
        assert found.tokens <= tokens and "tokens" in found.stopped


@pytest.mark.parametrize("seconds", [1.0, 3.0])
async def test_seconds_hold(judge: Judge, seconds: float) -> None:
    endless = RIGHT.replace("minimize 0.0", "label again\nrun 100\njump SELF again\nminimize 0.0")
    begin = time.monotonic()
    found, _ = await pursue(judge, [fenced(endless)], seconds=seconds)
    assert time.monotonic() - begin < seconds + 2 and not found.done
    assert f"{seconds:g} seconds" in found.stopped
    assert found.best is not None and found.best.script is not None  # what was written is kept


async def test_cpu_seconds_hold(judge: Judge) -> None:
    long = RIGHT.replace("fix relax", "velocity all create 300 1\nfix move all nve\nrun 10000000\nfix relax")
    answers = [fenced(long.replace("10000000", f"1000000{number}")) for number in range(9)]
    found, writer = await pursue(judge, answers, cpu_seconds=3, rounds=9)
    assert found.cpu_seconds < 4 and "CPU seconds" in found.stopped and len(writer.heard) < 9
    assert "stopped after" in found.rounds[0].problems[0].words


async def test_the_folder_runs_with_plain_lmp(judge: Judge, tmp_path: Path) -> None:
    found, _ = await pursue(judge, [fenced(RIGHT.replace("minimize", "minimise")), fenced(RIGHT)])
    page = keep(found, tmp_path / "made")
    alone = {"PATH": "/usr/bin:/bin"}  # no LAMMPS_POTENTIALS: the potential lies in the folder
    done = run(
        [str(Path(sys.executable).with_name("lmp")), "-in", SCRIPT],
        cwd=page.parent,
        env=alone,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0 and "RESULT lattice_constant = 3.6" in done.stdout, done.stderr
    assert Trajectory.model_validate_json((page.parent / "trajectory.json").read_text()) == found
    text = page.read_text()
    assert (
        "RESULT lattice_constant" in text and "-minimise 0.0" in text and "http:" not in text and "https:" not in text
    )
    assert sorted(one.name for one in (page.parent / "rounds").iterdir()) == ["1.lmp", "2.lmp"]
    with pytest.raises(UsageError, match="not empty"):
        keep(found, page.parent)


async def test_advice_followed_to_the_letter_mends_the_apprentice(judge: Judge) -> None:
    task = load_task("lattice_constant/cu-mishin")
    async with get_model("mdevalbench/apprentice", memoize=False) as model:
        found = await Agent(InspectWriter(model), Bench(judge.pool)).pursue(task.prompt)
    assert found.done and len(found.rounds) > 1
    assert found.best is not None and judge.judge(task, found.best.completion).passed
    assert found.best.script is not None and found.best.script.split() == render_reference(task).split()


async def test_files_that_come_with_a_task_are_there(judge: Judge) -> None:
    script = fenced(render_reference(load_task("water/spce-300")))
    budget = Budget(rounds=1, cpu_seconds=2)
    without = await Agent(Reciter([script]), Bench(judge.pool), budget).pursue("water at 300 K")
    assert "there is no file 'spce.mol'" in without.rounds[0].problems[0].words
    given = given_files("water/spce-300")
    found = await Agent(Reciter([script]), Bench(judge.pool, given), budget).pursue("water at 300 K")
    assert found.rounds[0].reached is Reached.RUN and "CPU seconds" in found.rounds[0].problems[0].words
    assert found.rounds[0].files == given and list(given) == ["spce.mol"]


async def test_an_answer_is_no_longer_than_the_model_gives_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int | None] = []
    usual = BuiltinModel.generate

    async def generate(self: BuiltinModel, config: GenerateConfig, **given: Any) -> ModelOutput:
        asked.append(config.max_tokens)
        return await usual(self, config=config, **given)

    monkeypatch.setattr(BuiltinModel, "generate", generate)
    monkeypatch.setattr(BuiltinModel, "max_tokens", lambda self: 77)
    for most in (1000, 50):
        for own in (None, 60):
            model = get_model("mdevalbench/template", memoize=False, config=GenerateConfig(max_tokens=own))
            await InspectWriter(model).write(opening("copper"), most)
    assert asked == [77, 60, 50, 50]
