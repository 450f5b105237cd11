"""Logs of Inspect as they come: perhaps damaged, cut off, or no logs at all."""

from __future__ import annotations

from pathlib import Path

from inspect_ai.log import EvalLog, read_eval_log

from mdevalbench.errors import UsageError


def read_log(path: Path) -> EvalLog:
    """Read a log of Inspect. Raises UsageError if the file is not there or cannot be read as one."""
    if not path.is_file():
        raise UsageError(f"{path}: there is no such log")
    try:
        return read_eval_log(str(path))
    except Exception as error:  # in a damaged file Inspect, zip and decompressors stumble over whatever comes first
        why = f"{type(error).__name__}: {str(error).partition(chr(10))[0]}"
        raise UsageError(f"{path}: cannot be read as a log of Inspect ({why}): it is damaged or cut off") from error
