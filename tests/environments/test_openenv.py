"""The environment of OpenEnv: a server as a process, clients over real connections, real LAMMPS.

OpenEnv brings much that the package does not need, and so has an environment of its own: `make test-environments`.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from mdevalbench.errors import HarnessFault, UsageError, WorkerFault
from mdevalbench.lammps.job import Job, Run
from mdevalbench.lammps.pool import Pool
from mdevalbench.scorers.rewards import Rewards
from mdevalbench.tasks import load_suite, load_task, render_reference, wrong
from mdevalbench.training.diagnosis import blind_reasons

pytestmark = pytest.mark.slow
openenv = pytest.importorskip("openenv", reason="OpenEnv has an environment of its own: make test-environments")
pytest.importorskip("mdevalbench_openenv", reason="the adapter is not installed: make test-environments")

PACKAGE = Path(__file__).parents[2] / "training" / "environments" / "openenv"
BIN = Path(sys.executable).parent
CU, SI = "lattice_constant/cu-mishin", "lattice_constant/si-sw"
ATTEMPTS, SESSIONS = 3, 8


def fenced(script: str) -> str:
    return f"```lammps\n{script}```\n"


def reference(task_id: str) -> str:
    return fenced(render_reference(load_task(task_id)))


def mistaken(task_id: str) -> str:
    return fenced(next(v.script for v in wrong(load_task(task_id)) if v.name == "whole_box"))


REFUSED = fenced("units mettal\n")


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server, started by the command that the package brings."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    settings = {"SUITE": "demo", "ATTEMPTS": str(ATTEMPTS), "SESSIONS": str(SESSIONS)}
    environment = os.environ | {f"MDEVALBENCH_OPENENV_{name}": value for name, value in settings.items()}
    log = tmp_path_factory.mktemp("server") / "log"
    with log.open("w") as output:
        server = subprocess.Popen([BIN / "server", "--port", str(port)], env=environment, stdout=output, stderr=output)
    try:
        found = f"http://127.0.0.1:{port}"
        until = time.monotonic() + 120
        while not _healthy(found):
            assert server.poll() is None and time.monotonic() < until, log.read_text()
            time.sleep(0.2)
        yield found
    finally:
        server.terminate()
        assert server.wait(60) in (0, -signal.SIGTERM)


def _healthy(address: str) -> bool:
    try:
        return httpx.get(f"{address}/health").json() == {"status": "healthy"}
    except httpx.TransportError:
        return False


def session(address: str) -> Any:
    return openenv.GenericEnvClient(base_url=address, message_timeout_s=300).sync()


def test_an_episode_ends_with_a_script_that_passes(address: str) -> None:
    with session(address) as client:
        first = client.reset(task=CU)
        assert first.observation["prompt"] == load_task(CU).prompt and "LAMMPS" in first.observation["system"]
        assert first.reward is None and not first.done
        steps = [client.step({"completion": text}) for text in ("", REFUSED, reference(CU))]
        assert [step.observation["score"] for step in steps] == [0.0, 0.02, 1.0]
        assert [step.reward for step in steps] == pytest.approx([0.0, 0.02, 0.98])
        assert [step.done for step in steps] == [False, False, True]
        assert steps[0].observation["reasons"] == ["no script was found in the answer: it is empty"]
        assert "mettal" in steps[1].observation["reasons"][0] and steps[2].observation["passed"]
        state = client.state()
        assert (state["task"], state["step_count"], state["best"]) == (CU, 3, 1.0)
        with pytest.raises(RuntimeError, match="it is over: reset first"):
            client.step({"completion": ""})


def test_rewards_of_an_episode_add_up_to_its_best_score(address: str) -> None:
    with session(address) as client:
        client.reset(task=CU)
        steps = [client.step({"completion": text}) for text in (mistaken(CU), REFUSED, mistaken(CU))]
    assert [step.observation["score"] for step in steps] == pytest.approx([0.85, 0.02, 0.85])
    assert sum(step.reward for step in steps) == pytest.approx(0.85)
    assert [step.done for step in steps] == [False, False, True] and not steps[-1].observation["passed"]


def test_sessions_at_once_keep_apart_and_get_the_rewards_of_the_judge(address: str) -> None:
    gate = threading.Barrier(SESSIONS)

    def play(number: int) -> tuple[str, str, list[Any]]:
        task_id = (CU, SI)[number % 2]
        texts = [f"{text}\n(session {number})" for text in (REFUSED, mistaken(task_id), reference(task_id))]
        last = texts.pop(number % 3)
        with session(address) as client:
            gate.wait(60)  # all are connected
            assert client.reset(task=task_id, episode_id=f"episode-{number}").observation["task"] == task_id
            steps = [client.step({"completion": last})]
            state = client.state()
            assert (state["episode_id"], state["task"], state["step_count"]) == (f"episode-{number}", task_id, 1)
        return task_id, last, steps

    with ThreadPoolExecutor(SESSIONS) as clients:
        played = list(clients.map(play, range(SESSIONS)))
    with Pool(2) as pool:
        verdicts = Rewards(pool).verdicts([task_id for task_id, _, _ in played], [text for _, text, _ in played])
    for (_, _, (step,)), verdict in zip(played, verdicts, strict=True):
        assert verdict is not None and step.reward == step.observation["score"] == verdict.reward
        assert step.observation["reasons"] == list(blind_reasons(verdict))
        assert step.observation["components"] == verdict.components.model_dump()
    assert {round(verdict.reward, 6) for verdict in verdicts if verdict} == {0.02, 0.85, 1.0}


def test_the_task_of_a_reset(address: str) -> None:
    suite = load_suite("demo")
    with session(address) as client:
        assert client.reset(split="demo", index=3).observation["task"] == suite[3].id
        drawn = {client.reset(seed=seed).observation["task"] for seed in range(12)}
        assert len(drawn) > 3 and client.reset(seed=5).observation == client.reset(seed=5).observation
        for wanted, why in (({"task": "x/y"}, "x/y"), ({"index": 99}, "no task 99"), ({"tsak": CU}, "not tsak")):
            with pytest.raises(RuntimeError, match=why):
                client.reset(**wanted)
    assert httpx.get(f"{address}/mdevalbench/splits").json()[0]["name"] == "demo"
    found = httpx.post(f"{address}/mdevalbench/tasks", json={"split": "demo"}).json()
    assert [task["id"] for task in found["tasks"]] == [task.id for task in suite]


def test_the_typed_client(address: str) -> None:
    from mdevalbench_openenv import ScriptAction, ScriptEnv

    with ScriptEnv(base_url=address, message_timeout_s=300).sync() as client:
        assert client.reset(task=SI).observation.attempts_left == ATTEMPTS
        step = client.step(ScriptAction(completion=reference(SI)))
        assert step.done and step.reward == step.observation.score == step.observation.components["claim"] == 1.0
        assert client.state().best == 1.0


def test_what_openenv_itself_checks(address: str) -> None:
    for arguments in (["--url", address], [str(PACKAGE), "--level", "static", "--skip-build"]):
        done = subprocess.run([BIN / "openenv", "validate", *arguments], capture_output=True, text=True, timeout=120)
        assert done.returncode == 0 and "Verdict: PASS" in done.stdout, done.stdout + done.stderr


class Faulty(Pool):
    """Finds no worker that lives for a script that holds `faulty`, the first time."""

    failed = False

    def run(self, job: Job, cancel: threading.Event | None = None) -> Run:
        if "faulty" in job.script and not self.failed:
            self.failed = True
            raise WorkerFault("a worker died")
        return super().run(job, cancel)


def test_a_harness_fault_gives_no_reward_and_uses_up_no_attempt() -> None:
    from mdevalbench_openenv import ScriptAction
    from mdevalbench_openenv.server.environment import ScriptEnvironment

    with Faulty(2) as pool:
        environment = ScriptEnvironment("demo", load_suite("demo"), Rewards(pool))
        action = ScriptAction(completion=fenced(f"# faulty\n{render_reference(load_task(CU))}"))
        with pytest.raises(UsageError, match="reset first"):
            environment.step(action)
        environment.reset(task=CU)
        with pytest.raises(HarnessFault, match="send it again"):
            environment.step(action)
        assert (environment.state.attempts_left, environment.state.step_count) == (1, 0)
        again = environment.step(action)
        assert again.done and again.reward == 1.0
