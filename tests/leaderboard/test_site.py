"""The leaderboard's pages: rows from results, ranks, tables, and what they do in a browser."""

from __future__ import annotations

import csv
import importlib.util
import random
from pathlib import Path
from typing import Any

import pytest
from browser import PROGRAM, Browser
from typer.testing import CliRunner

from mdevalbench.cli.main import app
from mdevalbench.errors import UsageError
from mdevalbench.leaderboard import site
from mdevalbench.leaderboard.results import COLUMNS, Kind, Result, Verified, write_result
from mdevalbench.leaderboard.standings import rows
from mdevalbench.tasks import load_suite
from mdevalbench.tasks.qa import load_questions

SKILLS = {
    "openai/gpt-5": ("gpt-5", 0.6),
    "hf/Qwen/Qwen3-8B": ("qwen3-8b", 0.3),
    "openai-api/local/<i>mine</i>": (None, 0.1),
    "mdevalbench/reference": ("mdevalbench-reference", 1.0),
}


def made(model: str, suite: str, kind: Kind, language: str | None, groups: dict[str, str], **more: Any) -> Result:
    """A result as `add` writes it, whose answers are drawn with the model's skill."""
    card, skill = SKILLS[model]
    rng = random.Random(f"{model} {suite} {language}")
    count = len(COLUMNS[kind])
    answers = {task: (tuple([float(rng.random() < skill)] * count),) for task in groups}
    facts: dict[str, Any] = {
        "model": model,
        "card": card,
        "kind": kind,
        "suite": suite,
        "suite_digest": "d" * 64,
        "language": language,
        "seed": None,
        "judge": None,
        "whole": True,
        "epochs": 1,
        "settings": {},
        "mdevalbench": "0.1.0",
        "lammps": "22 Jul 2025",
        "machine": "Linux",
        "created": "2026-11-28T00:00:00+00:00",
        "added": "2026-11-28T00:00:00+00:00",
        "input_tokens": 10,
        "output_tokens": 20,
        "dollars": None,
        "working_seconds": 12.0,
        "lammps_seconds": 3.0 if kind == "physics" else None,
        "verified": Verified(answers=5, of=60),
        "log": "x.eval",
        "log_digest": "0" * 64,
        "columns": COLUMNS[kind],
        "groups": groups,
        "answers": answers,
    }
    return Result(**facts | more)


@pytest.fixture(scope="module")
def results() -> list[Result]:
    families = {task.id: task.family for task in load_suite("codegen-v1")}
    found = [made(model, "codegen-v1", "physics", None, families) for model in SKILLS]
    for suite in ("knowledge", "syntax"):
        kinds = {question.id: question.item.kind for question in load_questions(suite)}
        for language in ("en", "zh"):
            found += [made(model, suite, "questions", language, kinds) for model in list(SKILLS)[:2] + list(SKILLS)[3:]]
    part = dict(list(families.items())[:3])
    found.append(made("openai-api/local/<i>mine</i>", "demo", "physics", None, part, whole=False))
    return found


@pytest.fixture(scope="module")
def built(results: list[Result], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("leaderboard")
    for result in results:
        write_result(result, folder / "results")
    made = CliRunner().invoke(
        app, ["leaderboard", "build", "-o", str(folder / "site"), "--results", str(folder / "results")]
    )
    assert made.exit_code == 0, made.stderr
    return folder / "site"


def test_ranks_follow_the_composite_and_baselines_have_none(results: list[Result]) -> None:
    found = rows(results)
    assert [(row.name, row.rank) for row in found] == [
        ("GPT-5", 1),
        ("Qwen3-8B", 2),
        ("openai-api/local/<i>mine</i>", None),
        ("MD-EvalBench reference", None),
    ]
    best = found[0]
    means = [
        cell.interval.mean for suite in ("codegen-v1", "knowledge", "syntax") if (cell := best.cells[suite]).interval
    ]
    assert best.composite is not None and best.composite.mean == pytest.approx(sum(means) / 3)
    assert set(best.cells) == {"codegen-v1", "knowledge", "syntax", "knowledge-zh", "syntax-zh"}
    assert found[2].composite is None


def test_the_latest_result_counts_and_other_settings_are_another_row(results: list[Result]) -> None:
    first = results[0]
    later = first.model_copy(
        update={"created": "2026-12-01T00:00:00+00:00", "answers": dict.fromkeys(first.answers, ((0.0,) * 6,))}
    )
    cool = first.model_copy(update={"settings": {"temperature": "0.0"}})
    found = {row.name: row for row in rows([later, first, cool])}
    assert set(found) == {"GPT-5", "GPT-5 (temperature 0.0)"}
    interval = found["GPT-5"].cells["codegen-v1"].interval
    assert interval is not None and interval.mean == 0


def test_tables_hold_the_same_numbers(built: Path, results: list[Result]) -> None:
    with (built / "leaderboard.csv").open() as file:
        lines = list(csv.DictReader(file))
    assert len(lines) == sum(result.whole for result in results)
    physics = next(line for line in lines if line["model"] == "GPT-5" and line["suite"] == "codegen-v1")
    expected = [row[4] for rows_ in results[0].answers.values() for row in rows_]
    assert float(physics["value"]) == pytest.approx(sum(expected) / len(expected), abs=1e-4)
    assert 0 <= float(physics["low"]) < float(physics["value"]) < float(physics["high"]) <= 1
    if importlib.util.find_spec("pyarrow"):
        import pandas

        assert len(pandas.read_parquet(built / "leaderboard.parquet")) == len(lines)


def test_pages_need_nothing_and_escape_what_models_are_called(built: Path) -> None:
    pages = list(built.rglob("*.html"))
    assert len(pages) == 1 + 4 + 15
    for page in pages:
        text = page.read_text()
        assert "default-src 'none'" in text
        assert "<i>mine" not in text
    index = (built / "index.html").read_text()
    assert "&lt;i&gt;mine" in index and "3 tasks:" in index
    assert index.count('class="tag">reported') >= 4


def test_what_cannot_be_built_is_said(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="holds no results"):
        site.build(tmp_path / "site", tmp_path / "none")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").touch()
    (tmp_path / "results").mkdir()
    families = {task.id: task.family for task in load_suite("codegen-v1")}
    write_result(made("openai/gpt-5", "codegen-v1", "physics", None, families), tmp_path / "results")
    with pytest.raises(UsageError, match="holds something else"):
        site.build(tmp_path / "mine", tmp_path / "results")
    assert (tmp_path / "mine" / "thesis.tex").exists()
    site.build(tmp_path / "site", tmp_path / "results")
    site.build(tmp_path / "site", tmp_path / "results")  # in place of the earlier one


@pytest.fixture
def names() -> str:
    """JavaScript for the names of the rows that are shown."""
    return "[...document.querySelectorAll('#board tbody tr:not([hidden]) th')].map(c => c.textContent.trim())"


browser = pytest.mark.skipif(PROGRAM is None, reason="there is no Chromium here")


def _set(control: str, value: str) -> str:
    """JavaScript for what a user does to a control."""
    found = f"document.getElementById('{control}')"
    return f"{found}.value = '{value}'; {found}.dispatchEvent(new Event('input'));"


@browser
async def test_the_table_sorts_and_filters(built: Path, names: str) -> None:
    async with Browser() as tab:
        await tab.open(built / "index.html")
        order = await tab.run(names)
        assert order[:2] == ["GPT-5", "Qwen3-8B"]
        click = "document.querySelectorAll('#board thead button')[{}].click()"
        await tab.run(click.format(5))  # physics, best first
        assert (await tab.run(names))[0] == "MD-EvalBench reference"
        await tab.run(click.format(5))
        assert (await tab.run(names))[-1] == "MD-EvalBench reference"
        assert await tab.run("document.querySelectorAll('#board th')[5].getAttribute('aria-sort')") == "ascending"
        await tab.run(click.format(1))
        assert await tab.run(names) == sorted(order, key=str.lower)
        await tab.run(_set("find", "qwen"))
        assert await tab.run(names) == ["Qwen3-8B"]
        assert await tab.run("document.getElementById('count').textContent") == "1 of 4 models"
        await tab.run(_set("find", "") + _set("access", "api"))
        assert await tab.run(names) == ["GPT-5"]
        shown = "[...document.querySelectorAll('#board thead th:not([hidden])')].length"
        assert await tab.run(shown) == 8
        await tab.run(_set("language", "zh"))
        assert await tab.run(shown) == 8
        assert all(url.startswith("file:") for url in tab.requests), tab.requests


@browser
async def test_pages_fit_a_phone_and_the_dark(built: Path) -> None:
    async with Browser() as tab:
        wide = "document.documentElement.scrollWidth <= window.innerWidth"
        colour = "getComputedStyle(document.body).backgroundColor"
        for page in (built / "index.html", built / "models" / "qwen3-8b.html", built / "families" / "water.html"):
            await tab.open(page, width=390)
            assert await tab.run(wide), page
            light = await tab.run(colour)
            await tab.open(page, dark=True)
            assert await tab.run(wide), page
            assert await tab.run(colour) != light
        await tab.open(built / "index.html")
        await tab.follow("#board tbody a")
        assert str(await tab.run("location.href")).endswith("models/gpt-5.html")
        assert "GPT-5" in str(await tab.run("document.querySelector('h1').textContent"))
        assert all(url.startswith("file:") for url in tab.requests), tab.requests


def test_results_that_come_with_the_package_are_of_the_suites_as_they_are(tmp_path: Path) -> None:
    from mdevalbench.leaderboard.results import read_results
    from mdevalbench.tasks.chat import system_message
    from mdevalbench.tasks.inspect_tasks import spread, suite_digest
    from mdevalbench.tasks.qa.asking import digest_of

    digests = {suite: digest_of(load_questions(suite)) for suite in ("knowledge", "syntax")}
    digests["codegen-v1"] = suite_digest(spread(load_suite("codegen-v1")), system_message())
    found = read_results()
    assert {result.suite for result in found} == set(digests)
    assert [result.name for result in found if result.suite_digest != digests[result.suite]] == []
    site.build(tmp_path / "site")
    assert (tmp_path / "site" / "index.html").is_file()
