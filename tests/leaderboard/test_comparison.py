"""Evaluations side by side: pooled over seeds, families set apart, and only like with like."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from inspect_ai.log import list_eval_logs, read_eval_log, write_eval_log
from markupsafe import escape
from typer.testing import CliRunner

from mdevalbench.cli.main import app
from mdevalbench.cli.tables import summary_json
from mdevalbench.errors import UsageError
from mdevalbench.leaderboard.comparison import as_markdown, compare, differences, differing, earned, gained, probability
from mdevalbench.leaderboard.effort import effort_markdown, efforts
from mdevalbench.leaderboard.evaluation import Evaluation
from mdevalbench.leaderboard.report import write_report
from mdevalbench.leaderboard.run import evaluate
from mdevalbench.leaderboard.summary import read_run, summarise
from mdevalbench.scorers.metrics import Interval, TaskTrials, paired_difference


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Logs of three built-in models on the demo suite."""
    found = {}
    for name in ("reference", "wrong", "template"):
        folder = tmp_path_factory.mktemp(name)
        evaluate(Evaluation(f"mdevalbench/{name}", suite="demo", log_dir=folder), "none")
        (log,) = list_eval_logs(str(folder))
        found[name] = Path(log.name.removeprefix("file://"))
    return found


def mean(interval: Interval | None) -> float:
    assert interval is not None
    return interval.mean


def test_ways_stand_side_by_side(runs: dict[str, Path]) -> None:
    summaries = {name: summarise(path) for name, path in runs.items()}
    lines = compare({name: [summary] for name, summary in summaries.items()}, ["lj_pressure"])
    assert [(line.label, line.part) for line in lines] == [
        (name, part) for part in ("seen", "unseen") for name in ("reference", "wrong", "template")
    ]
    assert lines[0].tasks + lines[3].tasks == summaries["reference"].total.tasks
    physics = {(line.label, line.part): mean(line.columns["physics"]) for line in lines}
    assert physics["reference", "seen"] == physics["reference", "unseen"] == 1.0
    assert physics["wrong", "seen"] == 0.0
    both = compare({"mixed": [summaries["reference"], summaries["wrong"]]})
    assert both[0].runs == 2 and mean(both[0].columns["physics"]) == 0.5
    table = as_markdown(both).splitlines()
    assert table[0].startswith("|  | tasks | logs | started | executed | physics | reward | unsupported value |")
    assert "| mixed | " in table[2] and "| 50.0 % [" in table[2]


def test_what_a_report_says_of_claims_quantities_and_providers(runs: dict[str, Path], tmp_path: Path) -> None:
    right = summarise(runs["reference"])
    assert all(a.claim_within and a.verdict and a.verdict.claim and a.verdict.measured for a in right.answers)
    assert not any(a.other_quantity for a in right.answers)
    log = read_eval_log(str(runs["reference"]))
    log.eval.model = "hf/someone/small"
    for sample in (log.samples or [])[:2]:
        sample.output.completion = 'print "RESULT colour = 7 GPa"'
    for sample in log.samples or []:
        del sample.metadata["claim_tolerance"]
    changed = summarise(log)
    assert sum(a.other_quantity for a in changed.answers) == 2
    assert {a.claim_within for a in changed.answers} == {None}  # as in logs that are older than this
    page = write_report(changed, tmp_path / "page.html").read_text()
    assert "token limit" in page and "padded batches" in page and "of the measured value is accepted" not in page
    page = write_report(right, tmp_path / "page.html").read_text()
    assert "padded batches" not in page and "of the measured value is accepted" in page


def test_what_it_takes(runs: dict[str, Path], tmp_path: Path) -> None:
    evaluate(Evaluation("mdevalbench/wrong", suite="demo", epochs=2, log_dir=tmp_path), "none")
    (twice,) = list_eval_logs(str(tmp_path))
    logs = {"wrong": Path(twice.name.removeprefix("file://")), "reference": runs["reference"]}
    lines = efforts({name: [summarise(path)] for name, path in logs.items()})
    wrong, right = lines
    assert (wrong.answers, wrong.calls, right.answers, right.calls) == (2, 2.0, 1, 1.0)
    assert mean(wrong.physics) == 0 and mean(right.physics) == 1 and mean(right.executed) == 1
    assert right.gain is not None and right.gain.mean == 1.0 and wrong.gain is None
    assert wrong.tokens > right.tokens > 100 and right.lammps_seconds > 0 and right.seconds > 0
    table = effort_markdown(lines).splitlines()
    assert table[2].startswith("| wrong | 2 | ") and "| +100.0 [" in table[3]


def test_the_command_line(runs: dict[str, Path]) -> None:
    def call(*arguments: str) -> tuple[int, str]:
        done = CliRunner().invoke(app, ["compare", *arguments])
        return done.exit_code, done.output

    right, mistaken = f"right={runs['reference']}", f"mistaken={runs['wrong']},{runs['wrong']}"
    code, said = call(right, mistaken, "--json")
    found = json.loads(said)
    assert code == 0 and [(line["label"], line["runs"]) for line in found["ways"]] == [("right", 1), ("mistaken", 2)]
    (pair,) = found["pairs"]
    assert (pair["label"], pair["against"], pair["physics"]["mean"]) == ("mistaken", "right", -1)
    families = pair["physics"]["clusters"]
    assert pair["physics"]["p"] == pytest.approx(2 / 2**families) and families >= 6
    code, said = call(right, mistaken)
    assert code == 0 and f"| mistaken - right | -100.0 [-100, -100] | {2 / 2**families:.3f} |" in said
    unequal = "**Ways with different numbers of logs**"
    assert unequal in said and unequal not in call(right, f"mistaken={runs['wrong']}")[1]
    for arguments, words in (
        (("right",), "a way is written LABEL=LOG"),
        (("right=nowhere.eval",), "there is no log nowhere.eval"),
        ((right, right), "the same label"),
        ((right, "--apart", "watter"), "there is no task of that family"),
    ):
        code, said = call(*arguments)
        assert code == 2 and words in said


def test_the_page_tells_where_they_differ_and_why(runs: dict[str, Path], tmp_path: Path) -> None:
    page = tmp_path / "pages" / "both.html"
    given = [f"{name}={runs[name]}" for name in ("reference", "template")]
    done = CliRunner().invoke(app, ["compare", *given, "--html", str(page)])
    assert done.exit_code == 0, done.output
    text = page.read_text()
    ways = {name: [summarise(runs[name])] for name in ("reference", "template")}
    failed = [answer for answer in ways["template"][0].answers if answer.verdict and not answer.verdict.passed]
    found = differing(ways)
    assert set(found) == {answer.task for answer in failed} and failed
    for answer in failed:
        assert answer.verdict and found[answer.task]["template"].reason == answer.verdict.reasons[0]
        assert f"{answer.family}/<wbr>" in text and str(escape(answer.verdict.reasons[0])) in text
    assert text.count("<article>") == len(failed) and "template − reference" in text
    assert not differing({"a": ways["reference"], "b": ways["reference"]})
    done = CliRunner().invoke(app, ["compare", *given, "--html", str(tmp_path)])
    assert done.exit_code == 2 and "directory" in done.output


@pytest.mark.parametrize(
    ("families", "points", "p"),
    [(0, "no family differs", "-"), (3, "+50.0 [", "0.250 (at least 0.25 here)"), (6, "+100.0 [+100, +100]", "0.031")],
)
def test_few_families_cannot_tell(families: int, points: str, p: str) -> None:
    """With six families and one task each, as many of which differ."""
    first = [TaskTrials(f"{name}/x", name, (0.0,)) for name in "abcdef"]
    second = [TaskTrials(f"{name}/x", name, (float(n < families),)) for n, name in enumerate("abcdef")]
    found = paired_difference(first, second)
    assert gained(found).startswith(points) and probability(found) == p
    assert earned(found) == points if not families else earned(found).startswith("+")


def test_only_like_is_compared_with_like(runs: dict[str, Path]) -> None:
    whole = summarise(runs["reference"])
    fewer = whole.model_copy(update={"answers": whole.answers[1:]})
    with pytest.raises(UsageError, match="is of other tasks than"):
        compare({"a": [whole], "b": [fewer]})
    with pytest.raises(UsageError, match="is not complete"):
        compare({"a": [whole.model_copy(update={"complete": False})]})


def test_a_value_of_nothing_measured_is_unsupported(runs: dict[str, Path]) -> None:
    log = read_eval_log(str(runs["reference"]))
    first, second, *_ = log.samples or []
    for sample in (first, second):
        assert sample.scores
        verdict = (sample.scores["physics"].metadata or {})["verdict"]
        assert verdict["claim"] and verdict["measured"]
        verdict["measured"] = None
        if sample is second:
            verdict["claim"] = None
    assert [answer.task for answer in summarise(log).answers if answer.exploiting] == [first.id]


def test_kept_numbers_stand_for_their_log(runs: dict[str, Path], tmp_path: Path) -> None:
    files = {}
    for name in ("reference", "wrong"):
        files[name] = tmp_path / f"{name}.json"
        files[name].write_text(json.dumps(summary_json(summarise(runs[name])) | {"report": "x.html"}))
    by_logs = {name: [summarise(runs[name])] for name in files}
    by_files = {name: [read_run(path)] for name, path in files.items()}
    assert compare(by_logs, ["lj_pressure"]) == compare(by_files, ["lj_pressure"])
    assert differences(by_logs) == differences(by_files) and efforts(by_logs) == efforts(by_files)
    counts = [{task: {n: (c.passed, c.scored) for n, c in cells.items()} for task, cells in differing(w).items()}
              for w in (by_logs, by_files)]  # fmt: skip
    assert counts[0] == counts[1] != {}
    page = tmp_path / "both.html"
    arguments = [f"{name}={path}" for name, path in files.items()] + ["--html", str(page)]
    done = CliRunner().invoke(app, ["compare", *arguments])
    assert done.exit_code == 0 and "wrong - reference | -100.0" in done.output and "wrong.json" in page.read_text()
    inspect_json = tmp_path / "log.json"
    write_eval_log(read_eval_log(str(runs["wrong"])), str(inspect_json))
    assert read_run(inspect_json).total == by_logs["wrong"][0].total


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ('{"suite_digest": "1"', "is no JSON"),
        ('{"suite_digest": "1"}', "model: field required; write it again with `mdevalbench eval ... --json`"),
        ('{"some": "thing"}', "cannot be read as a log of Inspect"),
        ("[1, 2]", "cannot be read as a log of Inspect"),
    ],
)
def test_what_is_no_run_is_refused_by_name(content: str, words: str, tmp_path: Path) -> None:
    path = tmp_path / "kept.json"
    path.write_text(content)
    done = CliRunner().invoke(app, ["compare", f"a={path}"])
    assert done.exit_code == 2 and "kept.json" in done.output and words in done.output, done.output
