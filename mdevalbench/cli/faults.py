"""Exceptions at the door: one clear message and an exit code, no traceback unless it is a bug of ours."""

from __future__ import annotations

import functools
import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable
from types import FrameType
from typing import ParamSpec, TypeVar

import typer

from mdevalbench.errors import MDEvalBenchError, UsageError

OK, FELL_SHORT, USAGE, HARNESS = 0, 1, 2, 3

P = ParamSpec("P")
R = TypeVar("R")


def exit_code(error: BaseException) -> int:
    """2 for what the user can put right, 3 for everything else."""
    return USAGE if isinstance(error, UsageError) else HARNESS


def guarded(command: Callable[P, R]) -> Callable[P, R]:
    """A command that ends with a message and an exit code instead of an exception, and in order when it is told to."""

    @functools.wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, functools.partial(_end, os.getpid()))
        try:
            return command(*args, **kwargs)
        except (typer.Exit, typer.Abort, typer.BadParameter, BrokenPipeError):
            raise
        except MDEvalBenchError as error:
            label = "Error" if isinstance(error, UsageError) else "Harness fault"
            print(f"{label}: {error}", file=sys.stderr)
            raise typer.Exit(exit_code(error)) from error
        except Exception as error:
            traceback.print_exc()
            print("This is a bug in MD-EvalBench, not a fault of the script: please report it.", file=sys.stderr)
            raise typer.Exit(HARNESS) from error

    return run


def _end(process: int, number: int, frame: FrameType | None) -> None:
    """What SIGTERM does: `timeout` and schedulers of clusters send it, and what was made for a while is removed.

    A process that was forked from `process` does not own what it would remove, and simply dies.
    """
    if os.getpid() == process:
        raise SystemExit(128 + number)
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)
