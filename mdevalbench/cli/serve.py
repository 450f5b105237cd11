"""`mdevalbench serve`: the judge over HTTP, and the agent's tools over the Model Context Protocol."""

from __future__ import annotations

import socket
from contextlib import closing
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated

import typer

from mdevalbench.cli.options import Executor, Lammps, Scheduler, TasksDir
from mdevalbench.errors import UsageError

app = typer.Typer(no_args_is_help=True, help="Serve the judge over HTTP, or the agent's tools to coding agents.")


@app.callback()
def root() -> None:
    """Serve the judge over HTTP, or the agent's tools to coding agents."""


def reward(
    host: Annotated[str, typer.Option(help="Address to listen on; one that others reach needs a token.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on; 0 for any free one.")] = 8421,
    token: Annotated[
        str | None,
        typer.Option(
            envvar="MDEVALBENCH_TOKEN",
            show_envvar=True,
            help="What clients must send as a bearer token.",
        ),
    ] = None,
    jobs: Annotated[int | None, typer.Option("--jobs", "-j", min=1, help="Scripts at once; one per CPU.")] = None,
    max_body: Annotated[float, typer.Option(metavar="MIB", min=0.001, help="Largest body, MiB.")] = 16,
    max_waiting: Annotated[int, typer.Option(min=1, help="Completions that may wait at once.")] = 1024,
    batch_seconds: Annotated[
        float | None, typer.Option(min=0.001, help="Wall-clock seconds after which the rest of a batch gets null.")
    ] = None,
    executor: Executor = None,
    scheduler: Scheduler = None,
    lammps: Lammps = None,
    tasks_dir: TasksDir = None,
) -> None:
    """Give rewards over HTTP: POST /rewards with `{"tasks": [...], "completions": [...]}`, or /openrlhf.

    The page /docs describes the interface, /health tells whether the server works. Ends with Ctrl-C.

    Example: `MDEVALBENCH_TOKEN=secret mdevalbench serve reward --host 0.0.0.0`
    """
    if token is None and not _is_here(host):
        raise UsageError(f"all who reach {host} could run scripts here: set MDEVALBENCH_TOKEN, or listen on 127.0.0.1")
    try:
        import uvicorn

        from mdevalbench.web.reward_server import create_app
    except ModuleNotFoundError as missing:
        raise UsageError(f"{missing.name} is not installed: pip install 'mdevalbench[agent]'") from missing
    from mdevalbench.lammps.executor import open_executor
    from mdevalbench.scorers.rewards import Rewards

    with open_executor(jobs) as pool:
        rewards = Rewards(pool, batch_seconds=batch_seconds)
        served = create_app(rewards, token=token, most_bytes=int(max_body * (1 << 20)), most_waiting=max_waiting)
        with closing(rewards), _listening(host, port) as listener:
            typer.echo(f"rewards at http://{host}:{listener.getsockname()[1]}, their description under /docs", err=True)
            server = uvicorn.Server(uvicorn.Config(served, log_level="warning", timeout_graceful_shutdown=5))
            server.run(sockets=[listener])


def mcp(
    folder: Annotated[
        Path, typer.Option("--output", "-o", file_okay=False, help="Folder for pictures and structures.")
    ] = Path("agent"),
    port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="Serve streamable HTTP on 127.0.0.1 instead of standard input.")
    ] = None,
    executor: Executor = None,
    scheduler: Scheduler = None,
    lammps: Lammps = None,
) -> None:
    """Serve the agent's tools over the Model Context Protocol: check, run, measure, plot, potentials, structures.

    A coding agent starts it by itself; its configuration names the command `mdevalbench serve mcp`.
    """
    try:
        from mdevalbench.web.mcp_server import create_server
    except ModuleNotFoundError as missing:
        raise UsageError(f"{missing.name} is not installed: pip install 'mdevalbench[agent]'") from missing
    from mdevalbench.agent.toolbox import Toolbox
    from mdevalbench.lammps.executor import open_executor

    with open_executor(1) as pool:
        server = create_server(Toolbox(pool, folder.absolute()))
        if port is None:
            server.run("stdio")
        else:
            server.run("streamable-http", host="127.0.0.1", port=port)


def _listening(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OSError as error:
        raise UsageError(f"cannot listen on {host} port {port}: {error.strerror}; choose another --port") from error


def _is_here(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
