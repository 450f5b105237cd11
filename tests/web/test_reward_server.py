"""The reward server on loopback: real HTTP, real LAMMPS."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn

from mdevalbench.lammps.pool import Pool
from mdevalbench.scorers.rewards import Rewards
from mdevalbench.tasks import load_task, render_reference, wrong
from mdevalbench.web.reward_server import answer_of, create_app

CU = "lattice_constant/cu-mishin"
TOKEN = "a token of the test"


@pytest.fixture(scope="module")
def pool() -> Iterator[Pool]:
    with Pool(2) as workers:
        yield workers


@contextmanager
def serving(rewards: Rewards, **options: Any) -> Iterator[httpx.Client]:
    """The server in a thread, on a free port."""
    server = uvicorn.Server(uvicorn.Config(create_app(rewards, **options), log_level="warning"))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        try:
            with httpx.Client(base_url=f"http://127.0.0.1:{listener.getsockname()[1]}", timeout=60) as client:
                yield client
        finally:
            server.should_exit = True
            thread.join()


@pytest.fixture(scope="module")
def client(pool: Pool) -> Iterator[httpx.Client]:
    with serving(Rewards(pool), token=TOKEN, most_bytes=100_000) as client:
        client.headers["Authorization"] = f"Bearer {TOKEN}"
        yield client


@pytest.fixture(scope="module")
def answers() -> dict[str, float]:
    """Completions with their rewards."""
    task = load_task(CU)
    mistaken = next(v.script for v in wrong(task) if v.name == "whole_box")
    scripts = {render_reference(task): 1.0, mistaken: 0.85, "units mettal\n": 0.02}
    return {f"```lammps\n{script}```": reward for script, reward in scripts.items()} | {"no idea": 0.0}


def test_a_batch_gets_its_rewards_and_reasons(client: httpx.Client, answers: dict[str, float]) -> None:
    reply = client.post("/rewards", json={"tasks": [CU] * len(answers), "completions": list(answers)})
    assert reply.status_code == 200
    assert reply.json()["rewards"] == pytest.approx(list(answers.values()))
    details = reply.json()["details"]
    assert [detail["passed"] for detail in details] == [True, False, False, False]
    assert details[0]["components"]["claim"] == 1.0 and "mettal" in details[2]["reasons"][0]


def test_eight_clients_at_once_lose_nothing(client: httpx.Client, answers: dict[str, float]) -> None:
    texts = list(answers)

    def ask(number: int) -> bool:
        batch = [f"{texts[(number + k) % len(texts)]}\n(client {number % 3})" for k in range(5)]
        reply = client.post("/rewards", json={"tasks": [CU] * 5, "completions": batch})
        expected = [answers[text.rpartition("\n")[0]] for text in batch]
        return bool(reply.json()["rewards"] == pytest.approx(expected))

    with ThreadPoolExecutor(8) as clients:
        assert all(clients.map(ask, range(24)))
    assert client.get("/health").json()["waiting"] == 0


def test_the_format_of_openrlhf(client: httpx.Client, answers: dict[str, float]) -> None:
    prompt = "<|im_start|>user\nlattice constant?<|im_end|>\n<|im_start|>assistant\n"
    batch = {"query": [f"{prompt}{a}<|im_end|>\n" for a in answers], "prompts": [prompt] * 4, "labels": [CU] * 4}
    found = client.post("/openrlhf", json=batch).json()
    assert found["rewards"] == found["scores"] == pytest.approx(list(answers.values()))
    assert found["extra_logs"]["passed"] == 0.25
    assert answer_of("ab c</s>d", "ab") == " c"
    assert client.post("/openrlhf", json=batch | {"labels": [CU]}).status_code == 422


def test_health_and_the_page_that_describes_it_need_no_token(client: httpx.Client) -> None:
    for path in ("/health", "/docs", "/openapi.json"):
        assert httpx.get(f"{client.base_url}{path}").status_code == 200
    health = client.get("/health").json()
    assert (health["status"], health["workers"]) == ("ok", 2)


@pytest.mark.parametrize("sent", [{}, {"Authorization": "Bearer wrong"}, {"Authorization": f"Basic {TOKEN}"}])
def test_a_wrong_token_is_refused(client: httpx.Client, sent: dict[str, str]) -> None:
    reply = httpx.post(f"{client.base_url}/rewards", json={"tasks": [CU], "completions": ["x"]}, headers=sent)
    assert reply.status_code == 401 and "Bearer TOKEN" in reply.json()["detail"]


def test_large_bodies_are_refused_however_they_come(client: httpx.Client) -> None:
    body = b'{"tasks": ["x"], "completions": ["' + b"x" * 200_000 + b'"]}'
    whole = client.post("/rewards", content=body)
    pieces = client.post("/rewards", content=(body[at : at + 1000] for at in range(0, len(body), 1000)))
    for reply in (whole, pieces):
        assert reply.status_code == 413 and "smaller batches" in reply.json()["detail"]


@pytest.mark.parametrize(
    ("batch", "told"),
    [
        ({"tasks": ["lattice_constant/cu-mishim"], "completions": ["x"]}, "did you mean 'lattice_constant/cu-mishin'"),
        ({"tasks": [CU], "completions": []}, "1 tasks for 0 completions"),
        ({"tasks": CU, "completions": ["x"]}, "valid list"),
        ({"completions": ["x"]}, "Field required"),
    ],
)
def test_what_a_client_gets_wrong_is_told(client: httpx.Client, batch: dict[str, object], told: str) -> None:
    reply = client.post("/rewards", json=batch)
    assert reply.status_code == 422 and told in reply.text


def test_a_full_queue_refuses_with_a_time_to_come_back(pool: Pool, answers: dict[str, float]) -> None:
    with serving(Rewards(pool), most_waiting=2) as client:
        reply = client.post("/rewards", json={"tasks": [CU] * 3, "completions": ["a", "b", "c"]})
        assert reply.status_code == 503 and int(reply.headers["Retry-After"]) > 0
        assert "2 may: send these 3 later" in reply.json()["detail"]
        assert client.post("/rewards", json={"tasks": [CU], "completions": ["a"]}).status_code == 200


def test_time_that_is_over_is_null_here_and_503_for_openrlhf(pool: Pool) -> None:
    endless = "```lammps\nlabel a\njump SELF a\n```"
    with serving(Rewards(pool, batch_seconds=0.3)) as client:
        assert client.post("/rewards", json={"tasks": [CU], "completions": [endless]}).json()["rewards"] == [None]
        batch = {"query": [endless], "prompts": [""], "labels": [CU]}
        assert client.post("/openrlhf", json=batch).status_code == 503


def serve(*options: str) -> list[str]:
    return [str(Path(sys.executable).parent / "mdevalbench"), "serve", "reward", *options]


def test_the_command_serves_until_it_is_told_to_end() -> None:
    with subprocess.Popen(serve("--port", "0", "--jobs", "1"), stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        address = process.stderr.readline().split()[2].rstrip(",")
        reply = httpx.post(f"{address}/rewards", json={"tasks": [CU], "completions": ["nothing"]}, timeout=60)
        assert reply.json()["rewards"] == [0.0]
        process.terminate()
        assert process.wait(timeout=30) in (0, -15, 143)
        assert "Traceback" not in process.stderr.read()


def test_the_command_refuses_what_is_not_safe_or_not_free() -> None:
    open_to_all = subprocess.run(serve("--host", "0.0.0.0"), capture_output=True, text=True)
    assert open_to_all.returncode == 2 and "MDEVALBENCH_TOKEN" in open_to_all.stderr
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        refused = subprocess.run(serve("--port", str(port)), capture_output=True, text=True)
    assert refused.returncode == 2 and "choose another --port" in refused.stderr
