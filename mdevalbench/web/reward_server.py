"""The judge as a reward over HTTP, for trainers that run elsewhere (`mdevalbench serve reward`).

`POST /rewards` is the format of this project, `POST /openrlhf` that of OpenRLHF's `--reward.remote_url`. Both take a
batch and answer when it is judged. A batch that is too large, or that comes while too many completions wait, is refused
with a status that says so (413, 503) and loses nothing: the client sends it again.
"""

from __future__ import annotations

import math
import re
import secrets
from collections.abc import Callable
from typing import Annotated

from fastapi import Depends, FastAPI, HTTPException, Request
from fastapi.responses import JSONResponse
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import BaseModel, Field
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mdevalbench import __version__
from mdevalbench.errors import HarnessFault, UsageError
from mdevalbench.lammps import install
from mdevalbench.scorers.rewards import Rewards, means
from mdevalbench.types import Components, Stage, Verdict

MOST_BYTES = 16 << 20
MOST_WAITING = 1024
RETRY_SECONDS = 10
_BEARER = HTTPBearer(auto_error=False, description="the token that the server was started with, if it was")
_MARKUP = re.compile(r"<\|(?:im_end|endoftext|eot_id|end_of_text|end)\|>|</s>|<eos>|<end_of_turn>")
"""what models write at the end of an answer, and trainers leave in the text"""


class Batch(BaseModel):
    """Completions, each with the id of its task beside it."""

    tasks: list[str] = Field(examples=[["lattice_constant/cu-mishin"]])
    completions: list[str] = Field(examples=[["```lammps\nunits metal\n...\n```"]])


class Detail(BaseModel):
    """What the judge said of a completion."""

    stage: Stage
    passed: bool
    components: Components
    reasons: tuple[str, ...]


class Answer(BaseModel):
    """A reward in [0, 1] for each completion, in order; null where the harness failed, which is no 0."""

    rewards: list[float | None]
    details: list[Detail | None]


class OpenRlhfBatch(BaseModel):
    """What OpenRLHF sends: prompts with their answers, the prompts alone, and the ids of tasks as labels."""

    query: list[str]
    prompts: list[str]
    labels: list[str]


class OpenRlhfAnswer(BaseModel):
    """What OpenRLHF expects."""

    rewards: list[float]
    scores: list[float]
    extra_logs: dict[str, float]


class Health(BaseModel):
    """Whether the server works, and how busy it is."""

    status: str = "ok"
    version: str
    lammps: str
    workers: int
    waiting: int
    """completions that are being judged, or wait for it"""


def create_app(
    rewards: Rewards, *, token: str | None = None, most_bytes: int = MOST_BYTES, most_waiting: int = MOST_WAITING
) -> FastAPI:
    """The application.

    Args:
        rewards: what judges.
        token: what clients have to send as `Authorization: Bearer TOKEN`; None for no check.
        most_bytes: largest body.
        most_waiting: completions that may wait at once.
    """
    app = FastAPI(title="MD-EvalBench rewards", version=__version__, description=__doc__.partition("\n\n")[2])
    app.add_middleware(BodyLimit, most_bytes=most_bytes)
    app.add_exception_handler(UsageError, _refused(422))
    app.add_exception_handler(HarnessFault, _refused(503))
    guarded = [Depends(_guard(token))]

    async def judge(tasks: list[str], completions: list[str]) -> list[Verdict | None]:
        if rewards.waiting + len(completions) > most_waiting:
            raise HTTPException(
                503,
                f"{rewards.waiting} completions wait and {most_waiting} may: send these {len(completions)} later",
                {"Retry-After": str(RETRY_SECONDS)},
            )
        return await rewards.averdicts(tasks, completions)

    @app.post("/rewards", dependencies=guarded)
    async def reward(batch: Batch) -> Answer:
        """Judge a batch."""
        verdicts = await judge(batch.tasks, batch.completions)
        return Answer(rewards=[v and v.reward for v in verdicts], details=[v and _detail(v) for v in verdicts])

    @app.post("/openrlhf", dependencies=guarded)
    async def openrlhf(batch: OpenRlhfBatch) -> OpenRlhfAnswer:
        """Judge a batch of OpenRLHF, which knows no missing reward: where one is missing, send the batch again."""
        if not len(batch.query) == len(batch.prompts) == len(batch.labels):
            raise UsageError("`query`, `prompts` and `labels` must be of the same length")
        answers = [answer_of(query, prompt) for query, prompt in zip(batch.query, batch.prompts, strict=True)]
        verdicts = await judge(batch.labels, answers)
        values = [verdict.reward for verdict in verdicts if verdict is not None]
        if len(values) < len(verdicts):
            raise HarnessFault(f"{len(verdicts) - len(values)} completions could not be judged: send the batch again")
        logs = {name: value for name, value in means(verdicts).items() if math.isfinite(value)}
        return OpenRlhfAnswer(rewards=values, scores=values, extra_logs=logs)

    @app.get("/health")
    async def health() -> Health:
        """Whether the server works; needs no token."""
        workers = rewards.executor.workers
        return Health(version=__version__, lammps=install.identity(), workers=workers, waiting=rewards.waiting)

    return app


def answer_of(query: str, prompt: str) -> str:
    """The answer in a text that begins with its prompt, without what chat templates put at its end."""
    return _MARKUP.split(query.removeprefix(prompt), maxsplit=1)[0]


def _detail(verdict: Verdict) -> Detail:
    return Detail(stage=verdict.stage, passed=verdict.passed, components=verdict.components, reasons=verdict.reasons)


def _refused(status: int) -> Callable[[Request, Exception], JSONResponse]:
    headers = {"Retry-After": str(RETRY_SECONDS)} if status == 503 else None
    return lambda request, error: JSONResponse({"detail": str(error)}, status, headers)


def _guard(token: str | None) -> Callable[..., None]:
    def check(given: Annotated[HTTPAuthorizationCredentials | None, Depends(_BEARER)]) -> None:
        if token is None:
            return
        if given is None or not secrets.compare_digest(given.credentials.encode(), token.encode()):
            raise HTTPException(401, "a token is needed: Authorization: Bearer TOKEN", {"WWW-Authenticate": "Bearer"})

    return check


class BodyLimit:
    """Refuses bodies that are too large, while they come: nothing is kept of them."""

    def __init__(self, app: ASGIApp, most_bytes: int) -> None:
        self.app, self.most_bytes = app, most_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, counting its bytes."""
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        declared = dict(scope["headers"]).get(b"content-length", b"0")
        if declared.isdigit() and int(declared) > self.most_bytes:
            return await self._refusal()(scope, receive, send)
        came = 0

        async def counted() -> Message:
            nonlocal came
            message = await receive()
            came += len(message.get("body", b""))
            if came > self.most_bytes:
                raise HTTPException(413, self._told())
            return message

        await self.app(scope, counted, send)

    def _told(self) -> str:
        return f"the body is larger than {self.most_bytes} bytes: send smaller batches"

    def _refusal(self) -> ASGIApp:
        return JSONResponse({"detail": self._told()}, 413)
