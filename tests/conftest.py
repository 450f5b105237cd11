"""Shared by tests: an environment in which LAMMPS behaves the same everywhere, a small family, a small model server."""

from __future__ import annotations

import json
import os
import threading
from collections import Counter
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from mdevalbench.tasks import loading

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ["HF_HUB_OFFLINE"] = "1"

FAMILY = """\
family: argon_lattice
version: 1
title: Lattice constant of Lennard-Jones argon
level: L1
observable: lattice_constant
unit: angstrom
stochastic: false
description: Edge of the cubic cell of the static crystal.
limits: {cpu_seconds: 10}
record: {samples: 50, frames: 4}
potential:
  units: metal
  pair_style: "lj/cut {{ cutoff }}"
  pair_coeff: ["* * {{ epsilon }} {{ sigma }}"]
  elements: {"{{ element }}": "{{ mass }}"}
measure:
  - estimator: relaxed_lattice_constant
    select: {kind: minimisation}
    options: {atoms_per_cell: 4}
compare:
  floor: 0.002
  floor_reason: right methods agree to 0.0005 angstrom
  max_uncertainty: 0.0005
validity:
  units: [metal]
  atoms: [1, 5000]
  composition: {"{{ element }}": 1.0}
  fixes: [box/relax]
world: {pair_coeff: {style: lj/cut, factors: {2: 1.02}}}
recipe:
  cells: 4
  tolerance: 1e-10
  cutoff: "{{ 3 * sigma }}"
  guess: "{{ 1.6 * sigma }}"
mutations:
  breaking:
    wrong_sigma: {sigma: "{{ 1.05 * sigma }}"}
  benign:
    bigger: {cells: "{{ cells + 1 }}"}
tasks:
  - {id: ar, materials: [Ar], parameters: {element: Ar, mass: 39.948, epsilon: 0.0104, sigma: 3.4}}
  - {id: kr, materials: [Kr], parameters: {element: Kr, mass: 83.798, epsilon: 0.0140, sigma: 3.65}}
"""

PROMPT = """\
Find the lattice constant of the static fcc crystal of {{ element }} at zero pressure. The atoms interact by the 12-6
Lennard-Jones potential with epsilon = {{ epsilon }} eV and sigma = {{ sigma }} angstrom, cut off at {{ cutoff }}
angstrom, neither shifted nor with a tail correction.

Report one line: RESULT lattice_constant = <number> angstrom
"""

REFERENCE = """\
# relax the box of a perfect crystal
units metal
lattice fcc {{ guess }}
region box block 0 {{ cells }} 0 {{ cells }} 0 {{ cells }}
create_box 1 box
create_atoms 1 box
mass 1 {{ mass }}
pair_style lj/cut {{ cutoff }}
pair_coeff 1 1 {{ epsilon }} {{ sigma }}
fix 1 all box/relax iso 0 vmax 0.01
minimize 0 {{ tolerance }} 500 5000
fix 1 all box/relax iso 0 vmax 0.001
minimize 0 {{ tolerance }} 500 5000
variable a equal lx/{{ cells }}
print "RESULT lattice_constant = ${a} angstrom"
"""

SUITES = """\
codegen: {description: everything, tasks: ["*"]}
demo: {description: a first look, tasks: [argon_lattice/ar]}
"""


@pytest.fixture
def toy_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A tasks folder with one small family, `argon_lattice`, which every function takes for that of the package."""
    folder = tmp_path / "tasks" / "codegen" / "argon_lattice"
    for name in ("solutions", "wrong"):
        (folder / name).mkdir(parents=True)
    (folder / "family.yml").write_text(FAMILY)
    (folder / "prompt.md.j2").write_text(PROMPT)
    (folder / "reference.lmp.j2").write_text(REFERENCE)
    (folder / "solutions" / "aniso.lmp.j2").write_text(
        REFERENCE.replace("relax the box", "relax the three edges").replace("iso 0", "aniso 0")
    )
    for name, old, new in (
        ("another_potential", "lj/cut {{ cutoff }}", "lj/cut 5"),
        ("whole_box", "lx/{{ cells }}", "lx"),
        ("guess", "lx/{{ cells }}", "{{ guess }}"),
    ):
        (folder / "wrong" / f"{name}.lmp.j2").write_text(REFERENCE.replace("relax the box", name).replace(old, new))
    (tmp_path / "tasks" / "suites.yml").write_text(SUITES)
    monkeypatch.setattr(loading, "ROOT", tmp_path / "tasks")
    return tmp_path / "tasks"


class ModelServer:
    """Serves `/v1/chat/completions` for one model and one key on a free port of the loopback interface.

    Args:
        answer: prompt -> (completion, finish reason).
        hold_after: how many prompts are answered before further ones wait for `release`.
    """

    model = "right-or-wrong"
    key = "a-key"

    def __init__(self, answer: Callable[[str], tuple[str, str]], hold_after: int | None = None) -> None:
        self.answer, self.hold_after = answer, hold_after
        self.asked: Counter[str] = Counter()
        self.failing = False
        self.held, self.release = threading.Event(), threading.Event()
        self._lock = threading.Lock()
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                status, content = server.respond(body, self.headers.get("Authorization", ""))
                data = json.dumps(content).encode()
                try:
                    self.send_response(status)
                    self.send_header("Content-Type", "application/json")
                    self.send_header("Content-Length", str(len(data)))
                    self.end_headers()
                    self.wfile.write(data)
                except (BrokenPipeError, ConnectionResetError):
                    pass  # the client was killed

            def log_message(self, format: str, *args: Any) -> None:
                """Quiet."""

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._http.server_port}/v1"

    def respond(self, body: dict[str, Any], authorization: str) -> tuple[int, dict[str, Any]]:
        """Status and content for a request."""
        if authorization != f"Bearer {self.key}":
            return 401, {"error": {"message": "Incorrect API key provided", "type": "invalid_request_error"}}
        if body["model"] != self.model:
            return 404, {
                "error": {"message": f"The model {body['model']} does not exist", "type": "invalid_request_error"}
            }
        prompt = body["messages"][-1]["content"]
        system = [message["content"] for message in body["messages"] if message["role"] in ("system", "developer")]
        if not system:
            return 200, self._completion(body, "ready", "stop")
        with self._lock:
            wait = self.hold_after is not None and sum(self.asked.values()) >= self.hold_after
            self.asked[prompt] += 1
        if wait and not self.release.is_set():
            self.held.set()
            self.release.wait()
        if self.failing:
            return 400, {"error": {"message": "the weights have been lost", "type": "server_error"}}
        return 200, self._completion(body, *self.answer(prompt))

    def _completion(self, body: dict[str, Any], text: str, finish: str) -> dict[str, Any]:
        read = sum(len(message["content"].split()) for message in body["messages"])
        written = len(text.split())
        return {
            "id": "chatcmpl-1",
            "object": "chat.completion",
            "created": 0,
            "model": self.model,
            "choices": [{"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": finish}],
            "usage": {"prompt_tokens": read, "completion_tokens": written, "total_tokens": read + written},
        }

    def __enter__(self) -> ModelServer:
        threading.Thread(target=self._http.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.release.set()
        self._http.shutdown()
        self._http.server_close()


@pytest.fixture
def model_server() -> type[ModelServer]:
    """The class, for tests to serve their own answers."""
    return ModelServer


@pytest.fixture(scope="session")
def writer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model made here that answers every prompt with one script that it has learnt by heart."""
    torch = pytest.importorskip("torch")
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from mdevalbench.tasks import draw, render_reference
    from mdevalbench.training.models import begin
    from mdevalbench.training.recipe import read_recipe

    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    tasks = [*draw("lattice_constant", 7, 3), *draw("lj_pressure", 7, 3)]
    lines = [" ".join(line.split()) for line in render_reference(tasks[0]).splitlines()]
    script = "\n".join(line for line in lines if line and not line.startswith("#"))
    answer = {"role": "assistant", "content": f"```lammps\n{script}\n```"}
    prompts = [prompt for task in tasks for prompt in (task.prompt, task.prompt.strip())]
    talks = [[{"role": "user", "content": prompt}, answer] for prompt in prompts]
    text = [message["content"] for talk in talks for message in talk]
    folder = Path(begin(read_recipe("tiny"), tmp_path_factory.mktemp("writer"), text))
    model, tokenizer = AutoModelForCausalLM.from_pretrained(folder), AutoTokenizer.from_pretrained(folder)
    optimiser = torch.optim.AdamW(model.parameters(), lr=5e-3)
    losses = [1.0]
    while max(losses[-len(talks) :]) > 0.01:
        talk = talks[len(losses) % len(talks)]
        chat = tokenizer.apply_chat_template(
            talk, return_tensors="pt", return_dict=True, return_assistant_tokens_mask=True
        )
        labels = chat["input_ids"].masked_fill(chat["assistant_masks"] == 0, -100)
        loss = model(input_ids=chat["input_ids"], labels=labels).loss
        loss.backward()
        optimiser.step()
        optimiser.zero_grad()
        losses.append(loss.item())
        assert len(losses) < 1000, losses[-8:]
    model.save_pretrained(folder)
    return folder
