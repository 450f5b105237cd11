"""lm-eval gives the numbers of the other ways, and a task file that it could not read is an error of ours."""

from __future__ import annotations

import asyncio
import json
import random
import shutil
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from mdevalbench.cli.main import app
from mdevalbench.errors import TaskError
from mdevalbench.scorers import answers, inspect_answers
from mdevalbench.scorers.code import run_code
from mdevalbench.scorers.inspect import shared_judge, values
from mdevalbench.scorers.inspect_code import score_code
from mdevalbench.tasks import load_suite, render_reference, wrong
from mdevalbench.tasks.chat import system_message
from mdevalbench.tasks.lm_eval import FOLDER, folder
from mdevalbench.tasks.qa.loading import right_letters
from mdevalbench.tasks.qa.prompts import prompt, right_answer
from mdevalbench.tasks.qa.suites import dealt, questions_of
from mdevalbench.zoo.provider import ALWAYS_THE_SAME

lm_eval = pytest.importorskip("lm_eval")
from lm_eval.api.model import LM  # noqa: E402
from lm_eval.tasks import TaskManager  # noqa: E402

COUNT = 50


class Recorded(LM):  # type: ignore[misc]
    """Gives the output that was recorded for a prompt."""

    def __init__(self, outputs: dict[str, str]) -> None:
        super().__init__()
        self.outputs = outputs

    def generate_until(self, requests: list[Any], disable_tqdm: bool = False) -> list[str]:
        return [self.outputs[request.args[0]] for request in requests]

    def loglikelihood(self, requests: list[Any], disable_tqdm: bool = False) -> list[tuple[float, bool]]:
        """The shorter the likelier."""
        return [(-float(len(request.args[1])), False) for request in requests]

    def loglikelihood_rolling(self, requests: list[Any], disable_tqdm: bool = False) -> list[float]:
        raise NotImplementedError


def evaluated(task: str, outputs: dict[str, str], limit: int, **metadata: Any) -> dict[str, Any]:
    manager = TaskManager(include_path=str(FOLDER), include_defaults=False, metadata=metadata)
    found = lm_eval.simple_evaluate(
        model=Recorded(outputs), tasks=[task], task_manager=manager, limit=limit, log_samples=True
    )
    return dict(found)


def test_fifty_outputs_score_the_same_through_lm_eval_inspect_and_python() -> None:
    questions = questions_of("syntax")
    letters = dealt("syntax", questions, 3)
    rng = random.Random(50)
    outputs, python, inspect = {}, {}, {}
    for question in questions[:COUNT]:
        options = letters.get(question.id, ())
        right = right_answer(question.item, "en", right_letters(options))
        output = rng.choice([right, f"Let me think.\n\n{right}", "ANSWER: A", "ANSWER: AB", "It is 300 K.", ""])
        outputs[prompt(question.item, "en", options)] = output
        made = answers.score(question.item, output, "en", options)
        python[question.id] = {"score": made.score, "partial": made.partial}
        metadata = {"language": "en", "seed": 3}
        scored = asyncio.run(inspect_answers.score_answer(question.id, metadata, output, None))
        inspect[question.id] = scored.value
    samples = evaluated("mdevalbench_syntax_en", outputs, COUNT, seed=3)["samples"]["mdevalbench_syntax_en"]
    lm = {sample["doc"]["id"]: {"score": sample["score"], "partial": sample["partial"]} for sample in samples}
    assert len(lm) == COUNT
    assert lm == python == inspect
    assert 0.2 < sum(one["score"] for one in lm.values()) / COUNT < 0.8


def test_scripts_are_judged_by_the_one_judge() -> None:
    tasks = load_suite("demo")[:2]
    texts = [f"```lammps\n{render_reference(tasks[0])}```", f"```lammps\n{wrong(tasks[1])[0].script}```"]
    prompts = [f"{system_message()}\n\n{task.prompt}" for task in tasks]
    found = evaluated("mdevalbench_codegen", dict(zip(prompts, texts, strict=True)), 2, scripts="demo")
    expected = [shared_judge().judge(task, text) for task, text in zip(tasks, texts, strict=True)]
    numbers = [values(verdict) for verdict in expected]
    got = [{key: sample[key] for key in numbers[0]} for sample in found["samples"]["mdevalbench_codegen"]]
    assert got == numbers
    assert numbers[0]["physics"] == 1 and numbers[1]["physics"] == 0


def test_published_code_scores_the_same_through_lm_eval_inspect_and_python(tmp_path: Path) -> None:
    texts = {"Melt it.": ALWAYS_THE_SAME, "Read it.": "units lj\nread_data my.data\nrun 1\n", "Say nothing.": ""}
    rows = [{"task": task, "standrd_code": "run 0"} for task in texts]
    (tmp_path / "LammpsCodeGenEval_sub.json").write_text(json.dumps(rows))
    answers = {task: f"```lammps\n{text}```" if text else "Nothing." for task, text in texts.items()}
    outputs = {f"{system_message()}\n\n{task}": answer for task, answer in answers.items()}
    name = "mdevalbench_official_code_en"
    samples = evaluated(name, outputs, len(texts), data=str(tmp_path))["samples"][name]
    lm = [{key: sample[key] for key in ("executed", "code_score")} for sample in samples]
    pool = shared_judge().pool
    made = [run_code(answer, pool) for answer in answers.values()]
    scored = [asyncio.run(score_code({"request": task}, answer, None)) for task, answer in answers.items()]
    assert lm == [{"executed": float(one.executed), "code_score": one.score} for one in made]
    assert lm == [score.value for score in scored]
    assert [one["executed"] for one in lm] == [1, 0, 0]


def test_single_choices_have_a_twin_for_models_that_do_not_chat() -> None:
    found = evaluated("mdevalbench_syntax_en_choices", {}, 20)["results"]["mdevalbench_syntax_en_choices"]
    assert 0 <= found["acc,none"] <= 1


def test_every_task_file_is_known_to_lm_eval() -> None:
    manager = TaskManager(include_path=str(folder()), include_defaults=False)
    files = {path.stem for path in FOLDER.glob("*.yaml") if not path.stem.startswith("_")}
    assert files <= set(manager.all_tasks)
    assert len(files) == 19


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("task: mdevalbench_syntax_en", "task: [", r"mdevalbench_syntax_en\.yaml:\d: lm-eval cannot read it"),
        ("task: mdevalbench_syntax_en", "", r"mdevalbench_syntax_en\.yaml:1: `task` is missing"),
        ("include: _questions.yaml", "include: _question.yaml", r"it includes '_question\.yaml', which is not there"),
        ("task: mdevalbench_syntax_en", "task: mdevalbench_codegen", r"the task 'mdevalbench_codegen' is also in"),
        (
            "tag: mdevalbench_questions",
            "process_results: !function mdevalbench.scorers.lm_eval.nothing",
            r"mdevalbench_syntax_en\.yaml:3: lm-eval cannot read it: there is no function mdevalbench\.scorers",
        ),
    ],
)
def test_a_broken_task_file_is_an_error(tmp_path: Path, old: str, new: str, told: str) -> None:
    copy = tmp_path / "lm_eval"
    shutil.copytree(FOLDER, copy)
    path = copy / "mdevalbench_syntax_en.yaml"
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(TaskError, match=told):
        folder(copy)


def test_the_documented_line_names_the_folder() -> None:
    assert CliRunner().invoke(app, ["tasks", "lm-eval"]).stdout.strip() == str(FOLDER)
