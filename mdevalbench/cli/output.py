"""What commands print: JSON or tables on standard output, progress on standard error."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

Progress = Callable[[int, int], None]
"""called with (done, total)"""


def print_json(content: Any) -> None:
    """Pure JSON on standard output; numbers that JSON cannot hold become null."""
    sys.stdout.write(json.dumps(_finite(content), indent=2, ensure_ascii=False) + "\n")


def _finite(content: Any) -> Any:
    if isinstance(content, dict):
        return {key: _finite(value) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return [_finite(value) for value in content]
    return None if isinstance(content, float) and not math.isfinite(content) else content


def with_uncertainty(value: float, uncertainty: float) -> str:
    """`3.6150 ± 0.0012`: the uncertainty to two significant digits and the value to the same place.

    A power of ten is put behind where there would be many zeros.
    """
    if not math.isfinite(value):
        return f"{value}"
    if not 1e-8 * abs(value) < uncertainty < math.inf:  # as good as exact, or unknown
        return f"{value:.8g}"
    leading = math.floor(math.log10(max(abs(value), uncertainty)))
    power = leading if not -4 <= leading <= 6 else 0
    scale = 10.0**power
    last = math.floor(math.log10(float(f"{uncertainty / scale:.1e}"))) - 1
    digits = min(max(-last, 0), 8)
    text = f"{value / scale:.{digits}f} ± {uncertainty / scale:.{digits}f}"
    return f"({text})e{power:+d}" if power else text


@contextmanager
def progress(what: str) -> Iterator[Progress]:
    """A progress bar on standard error; gives the function to call with (done, total)."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bar

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        line = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(line, completed=done, total=total)
