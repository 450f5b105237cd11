"""The server: `server --port 8000`, or `uvicorn mdevalbench_openenv.server.app:app`.

Settings stand in the environment: `MDEVALBENCH_OPENENV_SUITE=demo MDEVALBENCH_OPENENV_ATTEMPTS=3 server`.
"""

from __future__ import annotations

import argparse
from functools import partial

from fastapi import FastAPI
from openenv.core.env_server.http_server import create_app
from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from mdevalbench.reward import shared
from mdevalbench.tasks import load_suite
from mdevalbench_openenv.models import ScriptAction, ScriptObservation, ScriptState
from mdevalbench_openenv.server.environment import ScriptEnvironment


class Settings(BaseSettings):
    """Which tasks, and how they are asked; each comes from the variable MDEVALBENCH_OPENENV_<NAME>."""

    model_config = SettingsConfigDict(env_prefix="MDEVALBENCH_OPENENV_")

    suite: str = "codegen"
    family: str | None = None
    """only this one"""
    seed: str | None = None
    """of a suite that is drawn: a number; a sealed one stands in MDEVALBENCH_SEAL instead"""
    count: int | None = None
    """tasks of a suite that is drawn"""
    attempts: int = Field(1, ge=1)
    """completions in an episode"""
    sessions: int = Field(64, ge=1)
    """episodes at once; as many scripts run at once as there are workers"""


def application(settings: Settings) -> FastAPI:
    """The application. Raises TaskError if there are no such tasks."""
    tasks = load_suite(settings.suite, settings.family, seed=settings.seed, count=settings.count)
    return create_app(
        partial(ScriptEnvironment, settings.suite, tasks, shared(), settings.attempts),
        ScriptAction,
        ScriptObservation,
        env_name="mdevalbench",
        max_concurrent_envs=settings.sessions,
        state_cls=ScriptState,
    )


app = application(Settings())
"""where OpenEnv looks for it"""


def main() -> None:
    """Serve until Ctrl-C. Who reaches the server can run scripts here, in the sandbox."""
    import uvicorn

    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--port", type=int, default=8000, help="port to listen on")
    given = parser.parse_args()
    uvicorn.run(app, host=given.host, port=given.port)


if __name__ == "__main__":
    main()
