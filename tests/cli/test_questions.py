"""Suites of questions on the command line: listed, shown, proven, and asked of the built-in models."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from inspect_ai.log import list_eval_logs, read_eval_log
from typer.testing import CliRunner, Result

from mdevalbench.cli.main import app
from mdevalbench.tasks.qa import SUITES, deal, load_questions, right_letters
from mdevalbench.tasks.qa.recognition import favourite_letters


def run(*args: str) -> Result:
    return CliRunner().invoke(app, list(args))


def ask(folder: Path, model: str, *more: str, limit: int = 12) -> dict[str, Any]:
    where = ("--limit", str(limit), "--log-dir", str(folder))
    result = run("eval", "--model", model, "--suite", "syntax", *where, "--json", *more)
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)  # type: ignore[no-any-return]


@pytest.mark.parametrize("suite", SUITES)
def test_each_suite_is_large_balanced_and_of_all_kinds(suite: str) -> None:
    items = json.loads(run("tasks", "list", "--suite", suite, "--json").stdout)
    assert len(items) >= 200
    kinds, difficulties = (Counter(item[key] for item in items) for key in ("kind", "difficulty"))
    assert set(kinds) == {"single", "multiple", "fill", "open"} and min(kinds.values()) >= 30
    assert set(difficulties) == {"easy", "medium", "hard"} and min(difficulties.values()) >= len(items) / 5
    assert all(item["proof"] for item in items)
    questions = load_questions(suite)
    single = {question.id for question in questions if question.item.kind == "single"}
    letters = Counter(right_letters(options) for name, options in deal(questions, 3).items() if name in single)
    assert max(letters.values()) - min(letters.values()) <= 1


def test_a_question_is_shown_in_both_languages_with_its_proof() -> None:
    shown = run("tasks", "show", "syntax/timestep-of-metal-units").stdout
    for words in ("How long is one step?", "每一步有多长", "ANSWER: ", "答案：", "near(dt, tried)", "units.yml:1"):
        assert words in shown
    assert json.loads(run("tasks", "show", "syntax/timestep-of-metal-units", "--json").stdout)["kind"] == "single"


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (("tasks", "show", "syntax/timestep-of-metl-units"), "did you mean 'syntax/timestep-of-metal-units'"),
        (("tasks", "list", "--suite", "syntax", "--family", "water"), "--family does not go with suite syntax"),
        (("tasks", "verify", "--suite", "knowledge", "--full"), "--full does not go with suite knowledge"),
        (("eval", "--model", "mdevalbench/majority", "--suite", "syntax", "--language", "de"), "asked in en or zh"),
        (("eval", "--model", "mdevalbench/majority", "--suite", "syntax", "--seed", "x"), "dealt by a number"),
        (("eval", "--model", "mdevalbench/majority", "--suite", "syntax", "--judge", "x"), "provider/model"),
        (
            ("eval", "--model", "mdevalbench/template", "--suite", "demo", "--language", "zh"),
            "--language goes with suites",
        ),
        (("eval", "--model", "mdevalbench/template", "--suite", "demo", "--data", "."), "--data goes with suites of"),
        (("eval", "--model", "mdevalbench/majority", "--suite", "official-syntax", "--seed", "3"), "stay as published"),
        (("eval", "--model", "mdevalbench/majority", "-M", "sed=3", "--suite", "syntax"), "not take the argument sed"),
    ],
)
def test_what_cannot_be_is_said(args: tuple[str, ...], says: str) -> None:
    result = run(*args)
    assert result.exit_code == 2
    assert says in " ".join(result.stderr.split())


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_reference_answers_every_kind_rightly(tmp_path: Path, language: str) -> None:
    found = ask(tmp_path, "mdevalbench/reference", "--language", language, "--seed", "5")
    assert {share["name"]: share["score"]["mean"] for share in found["kinds"]} == dict.fromkeys(
        ("single", "multiple", "fill", "open"), 1
    )
    page = Path(found["report"]).read_text()
    assert ("in Chinese" if language == "zh" else "in English") in page
    assert not re.search(r"https?://(?!127\.0\.0\.1:7575/#/logs/)", page)  # links lead to the viewer on this machine


def test_the_majority_model_earns_what_the_report_says_it_would(tmp_path: Path) -> None:
    count = len(load_questions("syntax"))
    found = ask(tmp_path, "mdevalbench/majority", limit=count)
    for share in found["kinds"]:
        assert share["score"]["mean"] == pytest.approx(share["majority"]), share["name"]
    questions = load_questions("syntax")
    favourite, dealt = favourite_letters("syntax", questions, "single", 0), deal(questions, 0)
    by_hand = [right_letters(dealt[q.id]) == favourite for q in questions if q.item.kind == "single"]
    assert found["kinds"][0]["score"]["mean"] == pytest.approx(sum(by_hand) / len(by_hand))


def test_a_model_that_writes_scripts_earns_nothing(tmp_path: Path) -> None:
    assert ask(tmp_path, "mdevalbench/template", limit=16)["total"]["score"]["mean"] == 0


def test_open_answers_may_be_judged_by_a_model(
    tmp_path: Path, model_server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The judge says yes to the first point only; once it does not decide, the answer is unscored, and later judged."""
    said = ["I would rather not."]

    def decide(prompt: str) -> tuple[str, str]:
        points = len(re.findall(r"(?m)^\d+\. ", prompt.partition("# Points")[2].partition("# Answer")[0]))
        lines = ["1: yes", *(f"{number}. No" for number in range(2, points + 1))]
        return (said.pop() if said else "\n".join(lines)), "stop"

    with model_server(decide) as server:
        monkeypatch.setenv("LOCAL_API_KEY", server.key)
        monkeypatch.setenv("LOCAL_BASE_URL", server.url)
        args = ["eval", "--model", "mdevalbench/reference", "--suite", "syntax", "--limit", "8", "--log-dir"]
        args += [str(tmp_path), "--judge", f"openai-api/local/{server.model}", "--json"]
        found = json.loads(run(*args).stdout)
        assert found["complete"], "an answer that is judged again right away is not missing"
    shares = {share["name"]: share["score"]["mean"] for share in found["kinds"]}
    assert shares["single"] == 1
    assert 0 < shares["open"] < 1
    assert found["judge"] == f"openai-api/local/{server.model}"
    (log,) = list_eval_logs(str(tmp_path))
    by_words = [s.scores["answers"].metadata for s in read_eval_log(log).samples or [] if s.scores]
    assert [m["by_words"] for m in by_words if m] == [1, 1]
