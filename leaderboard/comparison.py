"""Several evaluations of the same tasks side by side: ways of training, models, rewards."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from mdevalbench.errors import UsageError
from mdevalbench.leaderboard.summary import Answer, RunSummary, trials
from mdevalbench.scorers.metrics import Difference, Interval, TaskTrials, mean_interval, paired_difference
from mdevalbench.types import Record

COLUMNS = ("started", "executed", "physics", "reward", "exploiting")
"""a loop of the task began, the script came to its end, it passed, mean reward, a value without anything measured"""


USUAL = 0.05
"""p below which a difference is usually believed"""


def heading(column: str) -> str:
    """What a column is called in tables."""
    return "unsupported value" if column == "exploiting" else column


class Line(Record):
    """One way on one part of the tasks; runs of the same way with other seeds are pooled."""

    label: str
    part: str
    """`seen` or, for families that are set apart, `unseen`; empty where none is"""
    runs: int
    tasks: int
    columns: dict[str, Interval | None]


def compare(ways: Mapping[str, Sequence[RunSummary]], apart: Collection[str] = ()) -> tuple[Line, ...]:
    """A line for each way, first of the families that are not set apart, then of those that are.

    Intervals are clustered by family. Answers without a score enter no mean.

    Raises UsageError if runs are not of the same tasks, are not complete, or if a family set apart is in none.
    """
    runs = [(label, run) for label, summaries in ways.items() for run in summaries]
    asked = {answer.task for answer in runs[0][1].answers}
    for label, run in runs:
        if not run.complete:
            raise UsageError(f"{label}: {run.log} is not complete: give the command of its evaluation again")
        if {answer.task for answer in run.answers} != asked:
            raise UsageError(f"{label}: {run.log} is of other tasks than {runs[0][1].log}")
    families = {task.partition("/")[0] for task in asked}
    if unknown := sorted(set(apart) - families):
        raise UsageError(
            f"--apart {unknown[0]}: there is no task of that family; there are {', '.join(sorted(families))}"
        )
    parts = {"seen": families - set(apart), "unseen": set(apart)} if apart else {"": families}
    return tuple(
        _line(label, part, summaries, names)
        for part, names in parts.items()
        if names
        for label, summaries in ways.items()
    )


def _line(label: str, part: str, summaries: Sequence[RunSummary], families: Collection[str]) -> Line:
    answers = [a for run in summaries for a in run.answers if a.family in families and a.scores is not None]
    columns = {name: mean_interval(trials(answers, name)) for name in COLUMNS}
    return Line(
        label=label, part=part, runs=len(summaries), tasks=len({answer.task for answer in answers}), columns=columns
    )


class Paired(Record):
    """A way against the first one, on the same tasks."""

    label: str
    against: str
    physics: Difference
    reward: Difference


def differences(ways: Mapping[str, Sequence[RunSummary]]) -> tuple[Paired, ...]:
    """Every way but the first against the first one, over all tasks; runs of a way are pooled."""
    (against, base), *others = ways.items()
    return tuple(
        Paired(
            label=label,
            against=against,
            physics=paired_difference(_pooled(base, "physics"), _pooled(summaries, "physics")),
            reward=paired_difference(_pooled(base, "reward"), _pooled(summaries, "reward")),
        )
        for label, summaries in others
    )


def _pooled(summaries: Sequence[RunSummary], column: str) -> list[TaskTrials]:
    return trials([answer for run in summaries for answer in run.answers], column)


class Tally(Record):
    """What became of one task on one way."""

    passed: int
    scored: int
    reason: str = ""
    """why an answer failed, the first one"""


def differing(ways: Mapping[str, Sequence[RunSummary]]) -> dict[str, dict[str, Tally]]:
    """Tasks that were not passed equally often on every way -> way -> what became of it."""
    tasks: dict[str, dict[str, Tally]] = {}
    for label, summaries in ways.items():
        by_task: dict[str, list[Answer]] = {}
        for answer in (answer for run in summaries for answer in run.answers):
            by_task.setdefault(answer.task, []).append(answer)
        for task, answers in by_task.items():
            tasks.setdefault(task, {})[label] = _tally(answers)
    return {
        task: cells
        for task, cells in sorted(tasks.items())
        if len({cell.passed / cell.scored if cell.scored else None for cell in cells.values()}) > 1
    }


def _tally(answers: Sequence[Answer]) -> Tally:
    scored = [answer for answer in answers if answer.scores]
    failed = [answer for answer in scored if answer.scores and not answer.scores["physics"]]
    reasons = [answer.verdict.reasons[0] for answer in failed if answer.verdict and answer.verdict.reasons]
    return Tally(passed=len(scored) - len(failed), scored=len(scored), reason=reasons[0] if reasons else "")


def paired_markdown(pairs: Sequence[Paired]) -> str:
    """A table in Markdown: differences with intervals, and the probability that chance makes one as large."""
    rows = ["difference | physics, points | p | reward | p", " | ".join(["---"] * 5)]
    for pair in pairs:
        physics, reward = pair.physics, pair.reward
        rows.append(
            f"{pair.label} - {pair.against} | {gained(physics)} | {probability(physics)} | "
            f"{earned(reward)} | {probability(reward)}"
        )
    return "".join(f"| {row} |\n" for row in rows)


def gained(difference: Difference) -> str:
    """A difference of rates in percentage points, with its interval."""
    if not difference.differing:
        return _none(difference)
    low, high = 100 * difference.low, 100 * difference.high
    return f"{100 * difference.mean:+.1f} [{low:+.0f}, {high:+.0f}]"


def _none(difference: Difference) -> str:
    """An interval of no width would claim that the two are equal everywhere."""
    return f"no {difference.clustered_by} differs"


def earned(difference: Difference) -> str:
    """A difference of rewards, with its interval."""
    if not difference.differing:
        return _none(difference)
    return f"{difference.mean:+.3f} [{difference.low:+.2f}, {difference.high:+.2f}]"


def rate(interval: Interval | None) -> str:
    """A rate in percent, with its interval."""
    if interval is None:
        return "-"
    return f"{100 * interval.mean:.1f} % [{100 * interval.low:.0f}, {100 * interval.high:.0f}]"


def probability(difference: Difference) -> str:
    """p to three places, with the least that it can be where that is more than is usually asked of one."""
    p, least = difference.p, difference.least_p
    said = f"{p:.3f}" if p >= 0.001 else "< 0.001"
    return "-" if not difference.differing else f"{said} (at least {least:.3g} here)" if least > USUAL else said


def as_markdown(lines: Sequence[Line]) -> str:
    """A table in Markdown: percent with 95 % intervals, the reward as it is."""
    head = ["", "tasks", "logs", *map(heading, COLUMNS)]
    rows = [" | ".join(head), " | ".join("---" for _ in head)]
    for line in lines:
        cells = [_cell(column, line.columns[column]) for column in COLUMNS]
        name = f"{line.label}, {line.part}" if line.part else line.label
        rows.append(" | ".join([name, str(line.tasks), str(line.runs), *cells]))
    return "".join(f"| {row} |\n" for row in rows)


def legend(ways: Mapping[str, Sequence[RunSummary]]) -> str:
    """What the tables in Markdown mean."""
    unequal = len({len(runs) for runs in ways.values()}) > 1
    warning = (
        "**Ways with different numbers of logs** are compared here: where each log is of another training, differences "
        "are also those between the trainings that one of them lacks.\n\n"
    )
    paired = (
        "Differences are paired by task, in percentage points; p is how often one as large arises if both exchange "
        "their results at random, all tasks of a family together (a permutation test; where k families differ at all "
        "it is at least 2 / 2^k), not corrected for the number of comparisons. "
    )
    return (
        f"{warning if unequal else ''}"
        "[low, high]: 95 % confidence interval; tasks of a family count as correlated. Unsupported value: share of all "
        "answers that report a value although nothing of the task could be measured, for whatever reason; scripts that "
        "stop before they report one are not among them. "
        f"{paired if len(ways) > 1 else ''}Answers: to each task, of which any may be right; calls of the model, "
        "tokens, seconds of model, tools and judge, and CPU time of LAMMPS are means for each task.\n"
    )


def _cell(column: str, interval: Interval | None) -> str:
    if column == "reward" and interval is not None:
        return f"{interval.mean:.3f} [{interval.low:.2f}, {interval.high:.2f}]"
    return rate(interval)
