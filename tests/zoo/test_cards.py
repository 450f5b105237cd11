"""Model cards: checked when they are read, enough to evaluate a model by, and honest about what is missing here."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from mdevalbench.cli.main import app
from mdevalbench.errors import TaskError, UsageError
from mdevalbench.tasks import load_suite, render_reference
from mdevalbench.zoo.cards import FOLDER, VARIABLE, Card, cards, named
from mdevalbench.zoo.provider import MODELS
from mdevalbench.zoo.readiness import why_not

MINE = """\
name: My model
developer: me
family: mine
access: api
licence: proprietary
inspect: openai-api/local/right-or-wrong
generation: {temperature: 0.4, max_tokens: 900}
price: {input: 1000, output: 2000, date: 2026-11-01, source: "https://prices.example"}
"""


@pytest.fixture(autouse=True)
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with one card more; no keys and no servers."""
    import os

    for name in [name for name in os.environ if name.endswith(("_API_KEY", "_BASE_URL"))]:
        monkeypatch.delenv(name)
    folder = tmp_path / "cards"
    folder.mkdir()
    (folder / "mine.yml").write_text(MINE)
    monkeypatch.setenv(VARIABLE, str(folder))
    return folder


def run(*args: str) -> Result:
    return CliRunner().invoke(app, list(args))


def made(**changes: Any) -> Card:
    facts: dict[str, Any] = {"name": "M", "developer": "d", "family": "f", "access": "open-weights", "licence": "MIT"}
    return Card(**facts | {"inspect": "hf/org/m"} | changes)


def test_every_card_of_the_package_holds() -> None:
    known = cards()
    paper = {"qwen3-8b", "qwen3-14b", "qwen3-32b", "qwen-flash", "qwen3-max", "md-instruct-8b", "md-code-8b"}
    assert paper <= set(known)
    others = [name for name, card in known.items() if name not in paper and card.access in ("api", "open-weights")]
    assert len(others) >= 16
    assert len({known[name].developer for name in others}) >= 6
    for name in ("md-instruct-8b", "md-code-8b"):
        assert why_not(known[name]) == "its weights are unpublished"
        assert known[name].reported
    assert {card.inspect for card in known.values() if card.access == "built-in"} <= {
        f"mdevalbench/{name}" for name in MODELS
    }


def test_a_card_of_ones_own_is_all_that_a_new_model_needs(
    own: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, model_server: Any
) -> None:
    (task,) = load_suite("demo")[:1]
    script = f"```lammps\n{render_reference(task)}```"
    asked: list[dict[str, Any]] = []
    with model_server(lambda prompt: (script, "stop")) as server:
        monkeypatch.setenv("LOCAL_API_KEY", server.key)
        monkeypatch.setenv("LOCAL_BASE_URL", server.url)
        respond = server.respond
        monkeypatch.setattr(server, "respond", lambda body, key: (asked.append(body), respond(body, key))[1])
        result = run(
            "eval", "--model", "mine", "--suite", "demo", "--limit", "1", "--log-dir", str(tmp_path / "logs"), "--json"
        )
    assert result.exit_code == 0, result.stderr
    found = json.loads(result.stdout)
    assert found["model"] == "openai-api/local/right-or-wrong"
    assert found["total"]["pass_at"]["1"]["mean"] == 1
    assert found["total"]["dollars"] > 0.1
    assert [(body.get("temperature"), body.get("max_tokens")) for body in asked if len(body["messages"]) > 1] == [
        (0.4, 900)
    ]


def test_vllm_is_asked_as_its_server_wants_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, model_server: Any
) -> None:
    """What `vllm serve MODEL` answers to: OpenAI's chat completions, with the model's own name, whatever the key."""
    (task,) = load_suite("demo")[:1]
    with model_server(lambda prompt: (f"```lammps\n{render_reference(task)}```", "stop")) as server:
        monkeypatch.setattr(server, "model", "org/small")
        monkeypatch.setenv("VLLM_BASE_URL", server.url)
        monkeypatch.setenv("VLLM_API_KEY", server.key)
        where = ("--limit", "1", "--log-dir", str(tmp_path / "logs"), "--json")
        result = run("eval", "--model", "vllm/org/small", "--suite", "demo", *where)
        assert sum(server.asked.values()) == 1
    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout)["total"]["pass_at"]["1"]["mean"] == 1


def test_models_are_listed_with_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    words = " ".join(run("models").stdout.split())
    assert "mine" in words and "no server: set LOCAL_API_KEY and LOCAL_BASE_URL" in words
    monkeypatch.setenv("LOCAL_API_KEY", "x")
    monkeypatch.setenv("LOCAL_BASE_URL", "http://127.0.0.1:1/v1")
    found = json.loads(run("models", "--json").stdout)
    assert found["mine"]["missing"] is None
    assert found["mdevalbench-reference"]["missing"] is None
    shown = run("models", "mine").stdout
    assert "temperature 0.4, max_tokens 900" in shown
    assert "$1000 read, $2000 written per million tokens on 2026-11-01 (https://prices.example)" in shown
    assert "mdevalbench eval --model mine" in shown


@pytest.mark.parametrize(
    ("inspect", "parameters", "says"),
    [
        ("openai/gpt-5", None, "no key: set OPENAI_API_KEY"),
        ("openai-api/some-host/x", None, "no server: set SOME_HOST_API_KEY and SOME_HOST_BASE_URL"),
        ("vllm/org/m", 8.0, "no vllm (pip install 'mdevalbench[vllm]') and no VLLM_BASE_URL"),
        ("nowhere/x", None, "not known"),
        ("mdevalbench/template", None, None),
    ],
)
def test_what_is_missing_is_said(inspect: str, parameters: float | None, says: str | None) -> None:
    found = why_not(made(inspect=inspect, parameters=parameters))
    assert found is None if says is None else found is not None and says in found


def test_weights_are_looked_for_and_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("transformers")
    assert "more than the" in (why_not(made(parameters=5000.0)) or "")
    assert "no weights yet" in (why_not(made(parameters=0.1)) or "")
    assert why_not(made(inspect=f"hf/{tmp_path}", parameters=0.1)) is None
    monkeypatch.setenv("VLLM_BASE_URL", "http://127.0.0.1:1/v1")
    assert why_not(made(inspect="vllm/org/m")) is None


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("access: api", "access: secret", r"mine\.yml:4: access: "),
        ("licence: proprietary", "", r"mine\.yml:\d+: licence: is missing"),
        ("licence:", "license:", r"mine\.yml:5: license: "),
        ("openai-api/local/right-or-wrong", "right-or-wrong", r"mine\.yml:6: inspect: .*is no provider/model"),
        ("inspect: openai-api/local/right-or-wrong", "", r"mine\.yml: `inspect` is missing"),
        ("input: 1000", "input: -1", r"mine\.yml:8: price\.input: "),
        ("date: 2026-11-01", "date: soon", r"mine\.yml:8: price\.date: "),
        ("name: My", "name: [My", r"mine\.yml:\d+: "),
    ],
)
def test_a_broken_card_is_named_with_its_line(own: Path, old: str, new: str, says: str) -> None:
    (own / "mine.yml").write_text(MINE.replace(old, new))
    from mdevalbench.zoo import cards as module

    module._read.cache_clear()
    with pytest.raises(TaskError, match=says):
        cards()
    result = run("models")
    assert result.exit_code != 0
    assert "Traceback" not in result.stderr and "mine.yml" in result.stderr


def test_names_that_are_no_cards(own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert named("openai/whatever") is None
    with pytest.raises(UsageError, match=r"there is no such card .* provider/model.*; did you mean 'qwen3-8b'"):
        named("qwen3-8bb")
    with pytest.raises(UsageError, match="the weights of MD-Code-8B are unpublished"):
        named("md-code-8b")
    monkeypatch.setenv(VARIABLE, str(own / "none"))
    with pytest.raises(UsageError, match="is no folder with model cards"):
        cards()


def test_the_folder_of_the_package_holds_nothing_else() -> None:
    assert {path.suffix for path in FOLDER.iterdir()} == {".yml"}
