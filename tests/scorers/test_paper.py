"""The paper's reward, by its stand-in and by a model that is asked over HTTP, on real LAMMPS."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import uvicorn
from fastapi import FastAPI, HTTPException

from mdevalbench.errors import UsageError
from mdevalbench.lammps.executor import Executor
from mdevalbench.lammps.job import Job, Run
from mdevalbench.lammps.pool import Pool
from mdevalbench.reward import Rewards, areward_function, paper_function, reward_function
from mdevalbench.scorers.paper import GIVEN, TAKEN, scaled
from mdevalbench.tasks import load_task, render_reference

CU = "lattice_constant/cu-mishin"
FULL = dict(GIVEN) | dict.fromkeys(TAKEN, 0)


class Counting(Executor):
    """The pool, with the number of scripts that ran."""

    def __init__(self, pool: Pool) -> None:
        self.pool, self.unsafe, self.count = pool, pool.unsafe, 0

    @property
    def workers(self) -> int:
        return self.pool.workers

    def run(self, job: Job, cancel: threading.Event | None = None) -> Run:
        self.count += not job.unrestricted
        return self.pool.run(job, cancel)

    def close(self) -> None:
        self.pool.close()


@pytest.fixture(scope="module")
def executor() -> Iterator[Counting]:
    with Pool(2) as pool:
        yield Counting(pool)


@pytest.fixture(scope="module")
def rewards(executor: Counting) -> Rewards:
    return Rewards(executor)


@pytest.fixture(scope="module")
def right() -> str:
    return render_reference(load_task(CU))


def fenced(script: str) -> str:
    return f"```lammps\n{script}```\n"


def test_the_scale() -> None:
    assert [scaled(points) for points in (-36, -10, 0, 10, 30, 31)] == [0, 0, 0.25, 0.5, 1, 1]
    assert scaled(sum(GIVEN.values())) == 1.0 and sum(TAKEN.values()) == -36


def test_the_stand_in_sees_the_words_and_the_ending_only(rewards: Rewards, right: str) -> None:
    remarkless = "".join(line for line in right.splitlines(keepends=True) if not line.startswith("#"))
    setup = remarkless[: remarkless.index("fix ")]
    answers = {
        "": 0.25,
        "I would use LAMMPS.": 0.25,
        fenced("please simulate copper\n"): 0.05,  # (A6 - E1 - E4 - E5 + 10) / 40: less than no script
        fenced(right): 0.95,
        fenced(right.replace("iso 0.0", "iso 1.0e5")): 0.95,  # another pressure
        fenced(remarkless): 0.9,
        fenced(right.replace("RESULT", "RESULTS")): 0.7,
        fenced(f'# 0 K\n{setup}fix 1 all nve\nrun 0\nprint "RESULT lattice_constant = 3.615 angstrom"\n'): 0.95,
        fenced(right.replace("Cu_mishin1.eam.alloy", "Cu_zhou.eam.alloy")): 0.275,
        fenced(right + "bogus 1\n"): 0.5,
        fenced(f"timestep 0.5\n{right}bogus 1\n"): 0.4,
    }
    assert "Cu_mishin1.eam.alloy" in right and "iso 0.0" in right
    found = paper_function(rewards=rewards)(completions=list(answers), task=[CU] * len(answers))
    assert dict(zip(answers, found, strict=True)) == pytest.approx(answers)


async def test_it_shares_the_verdicts_of_physics(executor: Counting, right: str) -> None:
    rewards, before = Rewards(executor), executor.count
    messages = [[{"role": "assistant", "content": fenced(f"# once\n{right}")}]]
    assert reward_function(rewards=rewards)(completions=messages, task=[CU]) == [1.0]
    assert reward_function("paper", rewards)(completions=messages, task=[CU]) == pytest.approx([0.95])
    assert await areward_function("paper", rewards)(completions=messages, task=[CU]) == pytest.approx([0.95])
    assert executor.count == before + 2  # in two worlds


class Model:
    """A judge model: what it is asked, and what it answers to scripts with a mark."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []
        self.answers: dict[str, str] = {}

    def app(self) -> FastAPI:
        app = FastAPI()

        @app.post("/v1/chat/completions")
        def complete(request: dict[str, Any]) -> dict[str, Any]:
            self.asked.append(request)
            prompt = request["messages"][0]["content"]
            answer = next((text for mark, text in self.answers.items() if mark in prompt), "")
            if answer == "refused":
                raise HTTPException(400, "the context is too long")
            message = {"role": "assistant", "content": answer}
            choice = {"index": 0, "finish_reason": "stop", "message": message}
            return {"id": "1", "object": "chat.completion", "created": 0, "model": "judge", "choices": [choice]}

        return app


@pytest.fixture
def model(monkeypatch: pytest.MonkeyPatch) -> Iterator[Model]:
    """Served on loopback, with the environment that leads there."""
    found = Model()
    server = uvicorn.Server(uvicorn.Config(found.app(), log_level="warning"))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        monkeypatch.setenv("OPENAI_BASE_URL", f"http://127.0.0.1:{listener.getsockname()[1]}/v1")
        monkeypatch.setenv("OPENAI_API_KEY", "of the test")
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        try:
            yield found
        finally:
            server.should_exit = True
            thread.join()


def test_a_model_fills_in_the_sheet(model: Model, rewards: Rewards, right: str) -> None:
    model.answers = {
        "# good": json.dumps({"why": "all is well", "points": FULL}),
        "# poor": json.dumps({"points": FULL | {"A15": 0, "E0": -15}}),
    }
    answers = ["", fenced(f"# good\n{right}"), fenced("# poor\nunits lj\nrun 1\n")]
    judge = paper_function("a-judge", rewards)
    assert judge(completions=answers, task=[CU] * 3) == pytest.approx([0.25, 1.0, 0.375])
    assert len(model.asked) == 2  # where there is no script, there is nothing to ask
    poor = next(request for request in model.asked if "# poor" in request["messages"][0]["content"])
    prompt = poor["messages"][0]["content"]
    assert poor["model"] == "a-judge" and poor["temperature"] == 0
    assert load_task(CU).prompt in prompt and "stopped with an error: Run command before simulation box" in prompt


def test_a_bad_answer_is_no_zero(model: Model, rewards: Rewards, right: str) -> None:
    sheet = json.dumps({"points": FULL})
    bad = {
        "# prose": "I give it 30 points.",
        "# fence": f"```json\n{sheet}\n```",
        "# cut": sheet[:-5],
        "# too much": sheet.replace('"A15": 10', '"A15": 11'),
        "# unknown": sheet.replace("A15", "A16"),
        "# half": sheet.replace('"A1": 3', '"A1": 2.5'),
        "# text": sheet.replace('"A1": 3', '"A1": "3"'),
        "# missing": json.dumps({"points": {"A1": 3}}),
        "# nothing": "",
        "# refused": "refused",
    }
    model.answers = bad | {"# good": sheet}
    answers = [fenced(f"{mark}\nunits lj\n") for mark in model.answers]
    assert paper_function("judge", rewards)(completions=answers, task=[CU] * len(answers)) == [None] * len(bad) + [1.0]


def test_a_function_may_be_the_model(rewards: Rewards, right: str) -> None:
    prompts: list[str] = []

    def ask(prompt: str) -> str:
        prompts.append(prompt)
        return json.dumps({"points": FULL | {"A13": 1}})

    assert paper_function(ask, rewards)(completions=[fenced(right)], task=[CU]) == pytest.approx([0.95])
    assert right.strip() in prompts[0] and "raised no error" in prompts[0]


def test_a_model_that_cannot_be_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with pytest.raises(UsageError, match="judge model 'judge' cannot be asked"):
        paper_function("judge")
