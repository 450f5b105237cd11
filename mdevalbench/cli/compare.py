"""`mdevalbench compare`: several evaluations of the same tasks in one table."""

from __future__ import annotations

import json as jsonlib
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from mdevalbench.errors import UsageError
from mdevalbench.types import Record


def compare(
    ways: Annotated[
        list[str],
        typer.Argument(
            metavar="LABEL=LOG[,LOG...]", help="A way and its logs; logs of one way are pooled (other seeds)."
        ),
    ],
    apart: Annotated[
        list[str] | None, typer.Option(help="A family to set apart, e.g. one that was not trained on.")
    ] = None,
    html: Annotated[
        Path | None, typer.Option(dir_okay=False, help="Write a page: tables, and where they differ.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Compare evaluations of the same tasks: tables in Markdown, with intervals clustered by family.

    The second table has the paired difference of each way from the first, and the probability of one as large by chance
    (an exact permutation test over families). The third has what each reaches if any of its answers to a task counts,
    as with several epochs, and what that takes for each task: calls of the model, tokens, time.

    In place of a log, a file with what `mdevalbench eval --json` printed does as well: its numbers without the texts.

    An unsupported value is one that is reported although nothing of the task could be measured.

    Example: `mdevalbench compare SFT=logs/sft-1.eval,logs/sft-2.eval GRPO=logs/grpo-1.eval,logs/grpo-2.eval`
    """
    from mdevalbench.leaderboard.comparison import as_markdown, differences, legend, paired_markdown
    from mdevalbench.leaderboard.comparison import compare as lines_of
    from mdevalbench.leaderboard.effort import effort_markdown, efforts
    from mdevalbench.leaderboard.report import write_comparison
    from mdevalbench.leaderboard.summary import read_run

    given = dict(_way(text) for text in ways)
    if len(given) < len(ways):
        raise UsageError("two ways have the same label: logs of one way are written LABEL=LOG,LOG")
    summaries = {label: [read_run(path) for path in paths] for label, paths in given.items()}
    lines, pairs, costs = lines_of(summaries, apart or ()), differences(summaries), efforts(summaries)
    if html:
        html.parent.mkdir(parents=True, exist_ok=True)
        write_comparison(summaries, apart or (), html)
    if json:
        tables: dict[str, Sequence[Record]] = {"ways": lines, "pairs": pairs, "efforts": costs}
        content = {name: [one.model_dump(mode="json") for one in some] for name, some in tables.items()}
        typer.echo(jsonlib.dumps(content))
        return
    typer.echo(as_markdown(lines), nl=False)
    if pairs:
        typer.echo(f"\n{paired_markdown(pairs)}", nl=False)
    typer.echo(f"\n{effort_markdown(costs)}\n{legend(summaries)}", nl=False)


def _way(text: str) -> tuple[str, list[Path]]:
    label, equals, logs = text.partition("=")
    paths = [Path(log) for log in logs.split(",") if log]
    if not label or not equals or not paths:
        raise UsageError(f"{text}: a way is written LABEL=LOG, or LABEL=LOG,LOG for several seeds")
    for path in paths:
        if not path.is_file():
            raise UsageError(f"{label}: there is no log {path}")
    return label, paths
