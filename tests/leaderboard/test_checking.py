"""A log is kept only if it is whole, unedited and of the suite as it is: forgeries are refused, nothing is written."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path

import pytest
from inspect_ai.log import EvalLog, list_eval_logs, read_eval_log, write_eval_log
from typer.testing import CliRunner, Result

from mdevalbench.cli.main import app
from mdevalbench.errors import UsageError
from mdevalbench.leaderboard.checking import Refused, check, judge_again, open_log
from mdevalbench.leaderboard.results import Verified, read_results, result_of
from mdevalbench.types import Verdict

LIMIT = 6


def run(*args: str | Path) -> Result:
    return CliRunner().invoke(app, list(map(str, args)))


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Evaluations of built-in models: scripts, half of which are wrong, and questions."""
    found = {}
    for model, suite in (("wrong", "demo"), ("reference", "demo"), ("majority", "syntax")):
        folder = tmp_path_factory.mktemp(f"{model}-{suite}")
        result = run("eval", "--model", f"mdevalbench/{model}", "--suite", suite, "--limit", LIMIT, "--log-dir", folder)
        assert result.exit_code == 0, result.output
        (info,) = list_eval_logs(str(folder))
        found[f"{model}-{suite}"] = Path(info.name.removeprefix("file://"))
    return found


def forged(log: Path, folder: Path, edit: Callable[[EvalLog], None]) -> Path:
    """A copy of a log that was edited."""
    content = read_eval_log(str(log))
    edit(content)
    path = folder / "forged.eval"
    write_eval_log(content, str(path))
    return path


def test_a_log_is_kept_with_the_numbers_of_every_answer(logs: dict[str, Path], tmp_path: Path) -> None:
    result = run("leaderboard", "add", *logs.values(), "--results", tmp_path / "results")
    assert result.exit_code == 0, result.stderr
    kept = {one.name.rpartition("-")[0]: one for one in read_results(tmp_path / "results")}
    assert set(kept) == {
        "mdevalbench-wrong-demo-part",
        "mdevalbench-reference-demo-part",
        "mdevalbench-majority-syntax-en-0-part",
    }
    right, wrong = kept["mdevalbench-reference-demo-part"], kept["mdevalbench-wrong-demo-part"]
    assert [trial.values for trial in right.trials("physics")] == [(1.0,)] * LIMIT
    assert [trial.values for trial in wrong.trials("physics")] == [(0.0,)] * LIMIT
    assert right.card == "mdevalbench-reference" and not right.whole and right.lammps_seconds
    assert right.verified.answers == 5 and right.verified.of == LIMIT
    assert kept["mdevalbench-majority-syntax-en-0-part"].verified.answers == LIMIT
    assert "a part of the suite; 5 of 6 answers judged again" in " ".join(result.stdout.split())
    text = next(iter((tmp_path / "results").glob("*wrong*.json"))).read_text()
    assert "mean" not in text and "units" not in text
    again = run("leaderboard", "add", logs["wrong-demo"], "--results", tmp_path / "results", "--sample", "0")
    assert again.exit_code == 0 and len(read_results(tmp_path / "results")) == 3


def test_verify_judges_every_answer_again(logs: dict[str, Path]) -> None:
    result = run("leaderboard", "verify", logs["reference-demo"].parent)
    assert result.exit_code == 0, result.stderr
    assert f"holds; {LIMIT} of {LIMIT} answers were judged again" in " ".join(result.stdout.split())


def _raise_a_score(log: EvalLog) -> None:
    assert log.samples
    score = (log.samples[0].scores or {})["physics"]
    assert isinstance(score.value, dict)
    score.value["physics"] = 1.0  # type: ignore[index]


def _raise_the_verdicts(log: EvalLog) -> None:
    """Consistently: score, verdict and reward say that the answers passed."""
    for sample in log.samples or []:
        score = (sample.scores or {})["physics"]
        metadata = score.metadata or {}
        verdict = Verdict.model_validate(metadata["verdict"])
        metadata["verdict"] = verdict.model_copy(
            update={"stage": "passed", "reward": 1.0, "passed": True, "reasons": ()}
        ).model_dump(mode="json")
        score.value = dict.fromkeys(("found", "accepted", "started", "executed", "physics", "reward"), 1.0)


def _leave_out_a_sample(log: EvalLog) -> None:
    assert log.samples
    log.samples = log.samples[1:]


def _ask_something_easier(log: EvalLog) -> None:
    assert log.samples
    log.samples[0].input[-1].content = "Print the reference."  # type: ignore[union-attr]


def _of_an_earlier_suite(log: EvalLog) -> None:
    assert log.eval.metadata
    log.eval.metadata["suite_digest"] = "0" * 64


def _of_an_earlier_version(log: EvalLog) -> None:
    assert log.eval.metadata
    log.eval.metadata["mdevalbench"] = "0.0.1"


def _of_another_task(log: EvalLog) -> None:
    log.eval.task_registry_name = "someone/else"


def _not_finished(log: EvalLog) -> None:
    log.status = "cancelled"


def checked(path: Path) -> None:
    log = open_log(path)
    check(log)
    judge_again(log, 0.25)


@pytest.mark.parametrize(
    ("edit", "says"),
    [
        (_raise_a_score, "the score does not follow from the verdict: it was edited"),
        (_raise_the_verdicts, r"judged again, it earns 0\.\d+ instead of 1: the log was edited"),
        (_leave_out_a_sample, "not complete: 1 of 6 answers are missing, the first of them to "),
        (_ask_something_easier, "asked something other than the task"),
        (_of_an_earlier_suite, "suite demo has digest .* and 000000000000 in the log"),
        (_of_an_earlier_version, "made by mdevalbench 0.0.1"),
        (_of_another_task, "is of 'someone/else'"),
        (_not_finished, "not complete"),
    ],
)
def test_forgeries_are_refused(
    logs: dict[str, Path], tmp_path: Path, edit: Callable[[EvalLog], None], says: str
) -> None:
    path = forged(logs["wrong-demo"], tmp_path, edit)
    with pytest.raises(UsageError, match=says):
        checked(path)
    result = run("leaderboard", "add", logs["reference-demo"], path, "--results", tmp_path / "results")
    assert result.exit_code == 2
    assert "forged.eval" in result.stderr and "Traceback" not in result.stderr
    assert not (tmp_path / "results").exists(), "not even the log that holds is kept"


def test_edited_answers_to_questions_are_refused(logs: dict[str, Path], tmp_path: Path) -> None:
    def edit(log: EvalLog) -> None:
        sample = next(one for one in log.samples or [] if one.scores and one.scores["answers"].value["score"] == 0)  # type: ignore[index,call-overload]
        assert sample.scores
        sample.scores["answers"].value = {"score": 1.0, "partial": 1.0}

    with pytest.raises(Refused, match=r"judged again, it scores .* instead of"):
        judge_again(open_log(forged(logs["majority-syntax"], tmp_path, edit)), 0)


def test_edited_code_scores_are_refused(tmp_path: Path) -> None:
    rows = [{"task": f"Task {n}.", "standrd_code": "units lj\nrun 0\n"} for n in range(2)]
    (tmp_path / "LammpsCodeGenEval_sub.json").write_text(json.dumps(rows))
    asked = ("eval", "--model", "mdevalbench/reference", "--suite", "official-code", "--data", tmp_path)
    result = run(*asked, "--log-dir", tmp_path / "logs")
    assert result.exit_code == 0, result.output
    (info,) = list_eval_logs(str(tmp_path / "logs"))
    log = Path(info.name.removeprefix("file://"))
    assert judge_again(open_log(log), 1).answers == 2

    def edit(content: EvalLog) -> None:
        for sample in content.samples or []:
            assert sample.scores
            sample.scores["code"].value = {"executed": 0.0, "code_score": 1.0}

    with pytest.raises(Refused, match=r"judged again, its Code-Score is 0\.00 instead of 1\.00"):
        judge_again(open_log(forged(log, tmp_path, edit)), 1)


def test_damaged_logs_are_refused(logs: dict[str, Path], tmp_path: Path) -> None:
    path = tmp_path / "cut.eval"
    path.write_bytes(logs["wrong-demo"].read_bytes()[:5000])
    for log, says in (
        (path, "damaged or cut off"),
        (tmp_path / "none.eval", "no such log"),
        (tmp_path / "x", "no such"),
    ):
        with pytest.raises(Refused, match=says):
            open_log(log)
    (tmp_path / "empty").mkdir()
    assert "holds no logs" in run("leaderboard", "verify", tmp_path / "empty").stderr


def test_whatever_is_damaged_is_refused(logs: dict[str, Path], tmp_path: Path) -> None:
    """Bits that flip within compressed parts, names, numbers."""
    whole, rng = logs["wrong-demo"].read_bytes(), random.Random(3)
    path = tmp_path / "bits.eval"
    refused = 0
    for _ in range(30):
        data = bytearray(whole)
        for _ in range(20):
            data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
        path.write_bytes(data)
        try:
            open_log(path)
        except Refused:
            refused += 1
    assert refused >= 25


def test_results_of_one_model_do_not_replace_each_other(logs: dict[str, Path]) -> None:
    part = result_of(open_log(logs["reference-demo"]), Verified(answers=5, of=LIMIT), whole=False)
    whole, cool = part.model_copy(update={"whole": True}), part.model_copy(update={"settings": {"temperature": "0"}})
    assert len({part.name, whole.name, cool.name}) == 3


def test_a_broken_result_is_named(tmp_path: Path) -> None:
    (tmp_path / "mine.json").write_text(json.dumps({"model": "x"}))
    with pytest.raises(UsageError, match=r"mine\.json: card: field required; add its log again"):
        read_results(tmp_path)
