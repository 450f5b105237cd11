"""The taskset of verifiers, by its own commands: a model on loopback answers, real LAMMPS is judged.

verifiers needs another `openai` than the package, and so an environment of its own: `make test-environments`.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
import tomllib
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from mdevalbench.errors import WorkerFault
from mdevalbench.lammps.job import Job, Run
from mdevalbench.lammps.pool import Pool
from mdevalbench.scorers.rewards import Rewards
from mdevalbench.tasks import load_task, render_reference, wrong

pytestmark = pytest.mark.slow
vf = pytest.importorskip("verifiers.v1", reason="verifiers has an environment of its own: make test-environments")
pytest.importorskip("mdevalbench_verifiers", reason="the adapter is not installed: make test-environments")

EXAMPLE = Path(__file__).parents[2] / "training" / "environments" / "verifiers" / "eval.toml"
BIN = Path(sys.executable).parent
CU, SI = "lattice_constant/cu-mishin", "lattice_constant/si-sw"
FAULTY = "```lammps\n# faulty\nrun 0\n```"


def fenced(script: str) -> str:
    return f"```lammps\n{script}```\n"


def replies(task_id: str) -> tuple[str, ...]:
    """A right answer, one with a mistake, one that LAMMPS refuses, and an empty one."""
    task = load_task(task_id)
    mistaken = next(v.script for v in wrong(task) if v.name == "whole_box")
    return fenced(render_reference(task)), fenced(mistaken), fenced("units mettal\n"), ""


@contextmanager
def model(answers: dict[str, tuple[str, ...]]) -> Iterator[str]:
    """The address of a model that gives to each prompt its answers in turn."""
    import uvicorn
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import StreamingResponse
    from starlette.routing import Route

    asked = Counter[str]()

    async def complete(request: Request) -> StreamingResponse:
        prompt = (await request.json())["messages"][-1]["content"].strip()
        answer = answers[prompt][asked[prompt] % len(answers[prompt])]
        asked[prompt] += 1
        deltas = ({"role": "assistant", "content": answer}, None), ({}, "stop")
        choices = [[{"index": 0, "delta": delta, "finish_reason": why}] for delta, why in deltas]
        usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
        head = {"id": "a", "object": "chat.completion.chunk", "created": 0, "model": "loopback"}
        chunks = [*({**head, "choices": choice} for choice in choices), {**head, "choices": [], "usage": usage}]
        lines = [f"data: {json.dumps(chunk)}\n\n" for chunk in chunks]
        return StreamingResponse(iter([*lines, "data: [DONE]\n\n"]), media_type="text/event-stream")

    app = Starlette(routes=[Route("/v1/chat/completions", complete, methods=["POST"])])
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning"))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}/v1"
        finally:
            server.should_exit = True
            thread.join()


def command(name: str, *arguments: str, into: Path) -> list[dict[str, Any]]:
    """Run a command of verifiers; the records that it left."""
    environment = os.environ | {"PATH": f"{BIN}:{os.environ['PATH']}", "LOCAL_API_KEY": "x"}
    done = subprocess.run(
        [BIN / name, *arguments, "-o", str(into), "--run.name", "run"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    (file,) = [*into.glob("run/traces.jsonl"), *into.glob("run/results.jsonl")]
    return [json.loads(line) for line in file.read_text().splitlines()]


def test_an_evaluation_gives_the_rewards_of_the_judge(tmp_path: Path) -> None:
    answers = {load_task(task_id).prompt.strip(): replies(task_id) for task_id in (CU, SI)}
    with model(answers) as address:
        chosen = ["--env.taskset.family", "lattice_constant", "--client.base-url", address, "--no-rich"]
        episodes = command("vf-eval", "@", str(EXAMPLE), *chosen, into=tmp_path)
    traces = [trace for episode in episodes for trace in episode["traces"]]
    assert Counter(trace["task"]["data"]["id"] for trace in traces) == {CU: 4, SI: 4}
    replied = [trace["nodes"][-1]["message"].get("content", "") for trace in traces]
    with Pool(2) as pool:
        verdicts = Rewards(pool).verdicts([trace["task"]["data"]["id"] for trace in traces], replied)
    for trace, verdict in zip(traces, verdicts, strict=True):
        assert verdict is not None and trace["rewards"] == {"physics": {"score": verdict.reward, "weight": 1.0}}
        assert trace["metrics"] == {**verdict.components.model_dump(), "passed": float(verdict.passed)}
        assert trace["info"] == {"stage": verdict.stage.value, "reasons": list(verdict.reasons)}
    assert Counter(round(v.reward, 6) for v in verdicts if v) == {1.0: 2, 0.85: 2, 0.02: 2, 0.0: 2}


def test_every_task_is_valid(tmp_path: Path) -> None:
    chosen = ["--taskset.suite", "codegen-train", "--taskset.seed", "7", "--taskset.count", "2"]
    chosen += ["--taskset.family", "lattice_constant", "--runtime.type", "subprocess", "--no-rich"]
    results = command("vf-validate", "mdevalbench-verifiers", *chosen, into=tmp_path)
    assert {result["name"] for result in results} == {f"lattice_constant/draw-7-{index}" for index in (0, 1)}
    for result in results:
        assert result["gold"]["valid"] and result["noop"]["valid"] and result["noop"]["reward"] == 0.0


class Faulty(Pool):
    """Finds no worker that lives for a script that holds `faulty`."""

    def run(self, job: Job, cancel: threading.Event | None = None) -> Run:
        if "faulty" in job.script:
            raise WorkerFault("a worker died")
        return super().run(job, cancel)


async def test_a_harness_fault_gives_no_score_and_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from verifiers.v1.cli.eval.runner import run_eval
    from verifiers.v1.configs.cli.eval import EvalConfig

    from mdevalbench_verifiers import taskset

    monkeypatch.setenv("PATH", f"{BIN}:{os.environ['PATH']}")
    monkeypatch.setenv("LOCAL_API_KEY", "x")
    answers = {CU: (FAULTY, replies(CU)[0]), SI: (FAULTY,)}
    with Faulty(2) as pool, model({load_task(i).prompt.strip(): given for i, given in answers.items()}) as address:
        monkeypatch.setattr(taskset, "shared", lambda: Rewards(pool))
        chosen = tomllib.loads(EXAMPLE.read_text())
        chosen["env"]["taskset"]["family"] = "lattice_constant"
        chosen |= {"client": chosen["client"] | {"base_url": address}, "num_rollouts": 1, "rich": None}
        episodes = await run_eval(EvalConfig.model_validate(chosen | {"output_dir": tmp_path}))
    traces = {trace.task.data.id: trace for episode in episodes for trace in episode.traces}
    assert traces[CU].ok and traces[CU].reward == 1.0 and len(traces[CU].errors) == 1
    assert not traces[SI].ok and traces[SI].rewards == {"physics": None}
    assert [error.type for error in traces[SI].errors] == ["TaskError"] * 3
    assert "could not be judged" in traces[SI].errors[0].message
