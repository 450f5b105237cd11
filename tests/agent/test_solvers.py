"""Ways of answering in evaluations: what they cost and reach, and that nothing of a reference is ever said."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from inspect_ai.log import EvalLog, EvalSample, list_eval_logs, read_eval_log

import mdevalbench.agent
from mdevalbench.errors import UsageError
from mdevalbench.leaderboard.effort import efforts
from mdevalbench.leaderboard.evaluation import Evaluation, check
from mdevalbench.leaderboard.run import evaluate
from mdevalbench.leaderboard.summary import RunSummary
from mdevalbench.tasks import Task, load_task, reference_value, render_reference

_NUMBER = re.compile(r"(?<![\w.])[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?(?![\w.])")


def run(model: str, solver: str | None, folder: Path, rounds: int = 3) -> tuple[RunSummary, EvalLog]:
    what = Evaluation(f"mdevalbench/{model}", suite="demo", solver=solver, rounds=rounds, log_dir=folder)
    summary = evaluate(what, "none")
    return summary, read_eval_log(summary.log)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("ways")


def passed(summary: RunSummary) -> float:
    return summary.total.pass_at[1].mean


@pytest.mark.slow
def test_ways_of_answering(folder: Path) -> None:
    calls, found, summaries = {}, {}, {}
    for solver in ("direct", "mdagent1", "mdagent"):
        summary, log = run("apprentice", solver, folder)
        assert summary.complete and summary.settings["solver"] == solver
        found[solver], summaries[solver] = passed(summary), [summary]
        samples = log.samples or []
        calls[solver] = {sum(message.role == "assistant" for message in sample.messages) for sample in samples}
    assert calls["direct"] == {1} and calls["mdagent1"] == {3} and calls["mdagent"] <= {1, 2, 3}
    counted = {line.label: line.calls for line in efforts(summaries)}
    assert counted["direct"] == 1 and counted["mdagent1"] == 3 and 1 < counted["mdagent"] <= 3
    assert found["direct"] == found["mdagent1"] == 0 and found["mdagent"] >= 0.75
    assert len(list_eval_logs(str(folder))) == len(list(folder.glob("*.html"))) == 3  # each way has its own


@pytest.mark.slow
@pytest.mark.parametrize("model", ["template", "apprentice"])
def test_no_message_holds_a_reference_value_or_script(model: str, tmp_path: Path) -> None:
    _, log = run(model, "mdagent", tmp_path)
    assert log.samples
    for sample in log.samples:
        leaks = list(leaked(sample, load_task(str(sample.id))))
        assert not leaks, leaks


def leaked(sample: EvalSample, task: Task) -> list[str]:
    """What the harness said that only the reference could have told it."""
    rounds = sample.store["trajectory"]["rounds"]
    told = [message.text for message in sample.messages if message.role != "assistant"][2:]
    assert told == [one["told"] for one in rounds if one["told"]]
    own = "\n".join([task.prompt, *(one["completion"] + one["output"] for one in rounds)])
    value = reference_value(task)
    known = {float(number) for number in _NUMBER.findall(own)}
    lines = {line.strip() for line in render_reference(task).splitlines() if len(line.split()) > 2} - set(
        map(str.strip, own.splitlines())
    )
    found: list[str] = []
    for text in told:
        said = re.sub(r"(?s)```diff.*?```", "", text) if "```diff" in text else text
        numbers = {float(number) for number in _NUMBER.findall(said)} - known
        found += [f"{n} is the reference" for n in numbers if abs(n - value.value) <= 1e-3 * abs(value.value)]
        found += [line for line in lines if line in said]
    return found


def test_a_leak_would_be_found() -> None:
    task = load_task("lattice_constant/cu-mishin")
    line = next(line for line in render_reference(task).splitlines() if line.startswith("fix"))
    for secret in (f"it should be {reference_value(task).value:.5f}", f"write {line.strip()}"):
        one = {"completion": "```lammps\nunits metal\n```", "output": "", "told": secret}
        sample = EvalSample.model_validate(
            {
                "id": task.id,
                "epoch": 1,
                "input": task.prompt,
                "target": "",
                "messages": [
                    {"role": "system", "content": "s"},
                    {"role": "user", "content": task.prompt},
                    {"role": "assistant", "content": one["completion"]},
                    {"role": "user", "content": secret},
                ],
                "store": {"trajectory": {"rounds": [one]}},
            }
        )
        assert leaked(sample, task)


def test_the_agent_imports_nothing_that_knows_references() -> None:
    knowing = {"reference_value", "render_reference", "Judge", "solutions", "load_task", "load_family", "judge_answer"}
    for path in Path(mdevalbench.agent.__file__).parent.glob("*.py"):
        names = {
            alias.name
            for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.Import | ast.ImportFrom)
            for alias in node.names
        }
        assert not names & knowing, path


def test_options_that_do_nothing_are_refused() -> None:
    with pytest.raises(UsageError, match=r"--solver mdagnt: there are direct \(one answer\), mdagent1"):
        check(Evaluation("mdevalbench/template", suite="demo", solver="mdagnt"))
    with pytest.raises(UsageError, match="--solver goes with suites of scripts to write"):
        check(Evaluation("mdevalbench/majority", suite="syntax", solver="mdagent"))
