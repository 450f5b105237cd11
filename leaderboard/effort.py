"""What ways of answering reach with all that they may ask and run, and what that takes: methods side by side.

A way that asks a model three times for one answer is compared with three answers of another way, of which any may be
right: equal numbers of calls, as in Exec-Success@3 of MDAgent2 (arXiv 2601.02075).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from mdevalbench.leaderboard.comparison import gained, probability, rate
from mdevalbench.leaderboard.summary import RunSummary, trials
from mdevalbench.scorers.metrics import Difference, Interval, TaskTrials, mean_interval, paired_difference
from mdevalbench.types import Record


class Effort(Record):
    """One way; runs of it with other seeds are pooled, and counted one by one."""

    label: str
    answers: int
    """to each task, of which any may be right"""
    executed: Interval | None
    physics: Interval | None
    """tasks of which any answer was executed, or right; mean over tasks"""
    gain: Difference | None
    """in `physics`, from the first way on the same tasks"""
    calls: float
    """of the model, for each task, as everything below"""
    tokens: float
    """read and written"""
    seconds: float
    """wall time of model and tools, without waiting for a turn"""
    lammps_seconds: float
    """CPU time of LAMMPS, of an agent's own runs and the judge's"""


def efforts(ways: Mapping[str, Sequence[RunSummary]]) -> tuple[Effort, ...]:
    """A line for each way; the ways are of the same tasks, which `comparison.compare` sees to."""
    first = next(iter(ways))
    return tuple(
        _effort(label, runs, None if label == first else _reached(ways[first], "physics"))
        for label, runs in ways.items()
    )


def _effort(label: str, runs: Sequence[RunSummary], base: Sequence[TaskTrials] | None) -> Effort:
    answers = [answer for run in runs for answer in run.answers]
    each = len({answer.task for answer in answers}) * len(runs)
    physics = _reached(runs, "physics")
    return Effort(
        label=label,
        answers=max(run.epochs for run in runs),
        executed=mean_interval(_reached(runs, "executed")),
        physics=mean_interval(physics),
        gain=paired_difference(base, physics) if base else None,
        calls=sum(answer.calls for answer in answers) / each,
        tokens=sum(answer.input_tokens + answer.output_tokens for answer in answers) / each,
        seconds=math.fsum(answer.seconds for answer in answers) / each,
        lammps_seconds=math.fsum(answer.lammps_seconds for answer in answers) / each,
    )


def _reached(runs: Sequence[RunSummary], rung: str) -> list[TaskTrials]:
    """By task, a trial for each run: whether any of its answers came so far."""
    found: dict[tuple[str, str], list[float]] = {}
    for run in runs:
        for task in trials(run.answers, rung):
            found.setdefault((task.task, task.family), []).append(max(task.values))
    return [TaskTrials(task, family, tuple(values)) for (task, family), values in found.items()]


def effort_markdown(lines: Sequence[Effort]) -> str:
    """A table in Markdown."""
    costs = "calls | tokens | seconds | LAMMPS CPU s"
    head = f"with all its calls | answers | executed | physics | difference, points | p | {costs}"
    rows = [head, " | ".join(["---"] * 10)]
    for line in lines:
        cells = [line.label, str(line.answers), rate(line.executed), rate(line.physics), *_gain(line.gain)]
        cells += [f"{line.calls:.1f}", f"{line.tokens:.0f}", f"{line.seconds:.1f}", f"{line.lammps_seconds:.1f}"]
        rows.append(" | ".join(cells))
    return "".join(f"| {row} |\n" for row in rows)


def _gain(gain: Difference | None) -> tuple[str, str]:
    """A difference and its probability."""
    return ("-", "-") if gain is None else (gained(gain), probability(gain))
