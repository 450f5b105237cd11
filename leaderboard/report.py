"""The report of a run: one HTML file that needs nothing else, not even a network."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from urllib.parse import quote

from jinja2 import Environment, PackageLoader, StrictUndefined

from mdevalbench.extract import extract
from mdevalbench.leaderboard.code import CodeSummary
from mdevalbench.leaderboard.comparison import (
    COLUMNS,
    compare,
    differences,
    differing,
    earned,
    gained,
    heading,
    probability,
)
from mdevalbench.leaderboard.drawing import deviations_svg
from mdevalbench.leaderboard.effort import efforts
from mdevalbench.leaderboard.questions import QuestionSummary
from mdevalbench.leaderboard.summary import RUNGS, Answer, RunSummary, caveat
from mdevalbench.scorers import reward as r
from mdevalbench.types import Record, Reference, ScriptError, Stage
from mdevalbench.zoo.cards import cards

_LINE = re.compile(r"\bline (\d+)\b")


def write_report(summary: RunSummary, path: Path) -> Path:
    """Render a run into `path`. Everything that came from a model is escaped."""
    by_task: dict[str, list[Answer]] = {}
    for answer in summary.answers:
        by_task.setdefault(answer.task, []).append(answer)
    about = next((card.notes for card in cards().values() if card.inspect == summary.model), "")
    return _write(
        "report.html.j2",
        path,
        run=summary,
        tasks=by_task,
        failures=failures(summary.answers),
        other_quantities=sum(answer.other_quantity for answer in summary.answers),
        about=about,
        earning=earning(),
    )


def earning() -> str:
    """How a reward is made up, in words."""
    return (
        f"{r.FOUND:g} for a script, {r.ACCEPTED:g} if LAMMPS comes as far as a step, {r.STARTED:g} once it started; "
        f"up to {r.EXECUTED:g} more for how much of what the task asks for was simulated, {r.CONDITIONS:g} for its "
        f"conditions, {r.CLOSENESS:g} for how near the measured value is, {r.CLAIM:g} for the printed one; "
        f"1 only if it passes, else at most {r.NEARLY:g}"
    )


def write_question_report(summary: QuestionSummary, path: Path) -> Path:
    """Render a run on questions into `path`, likewise."""
    return _write("questions.html.j2", path, run=summary)


def write_code_report(summary: CodeSummary, path: Path) -> Path:
    """Render a run on the published code tasks into `path`, likewise."""
    return _write("code.html.j2", path, run=summary)


def write_comparison(ways: Mapping[str, Sequence[RunSummary]], apart: Collection[str], path: Path) -> Path:
    """Render several runs on the same tasks, side by side. Raises UsageError as `compare` does."""
    return _write(
        "comparison.html.j2",
        path,
        lines=compare(ways, apart),
        pairs=differences(ways),
        differing=differing(ways),
        efforts=efforts(ways),
        ways=list(ways),
        runs=ways,
        columns=COLUMNS,
        suite=next(iter(ways.values()))[0].suite,
        tasks={answer.task for answer in next(iter(ways.values()))[0].answers},
    )


def _write(template: str, path: Path, **names: object) -> Path:
    environment = templates()
    environment.filters |= {
        "heading": heading,
        "number": number,
        "probability": probability,
        "gained": gained,
        "earned": earned,
        "accepted": accepted,
        "stage": _STAGES.get,
    }
    environment.globals |= {
        "deviations": deviations_svg,
        "script": script_lines,
        "rungs": RUNGS,
        "viewer": viewer,
        "caveat": caveat,
    }
    path.write_text(environment.get_template(template).render(**names), "utf-8", "replace")
    return path


def templates(folder: str = "templates") -> Environment:
    """Templates of pages; what they are given is escaped."""
    environment = Environment(
        loader=PackageLoader("mdevalbench.leaderboard", folder),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"percent": percent, "digits": digits}
    return environment


class Failure(Record):
    """A way of failing."""

    what: str
    answers: int
    example: Answer
    """the one that earned least"""


def failures(answers: Sequence[Answer]) -> tuple[Failure, ...]:
    """Ways in which answers failed, by their first reason, the most frequent first."""
    found: dict[str, list[Answer]] = {}
    for answer in answers:
        if answer.verdict is not None and not answer.verdict.passed and answer.verdict.reasons:
            found.setdefault(complaint(answer.verdict.reasons[0]), []).append(answer)
    ways = (
        Failure(what=what, answers=len(some), example=min(some, key=lambda a: a.verdict.reward if a.verdict else 0.0))
        for what, some in found.items()
    )
    return tuple(sorted(ways, key=lambda way: -way.answers))


_COMPLAINTS = {
    "LAMMPS stopped with an error": r"^LAMMPS stopped with an error",
    "There is no script in the answer": r"^no script was found",
    "Nothing was simulated": r"^(nothing was simulated|no (loop|run or minimisation) )",
    "The measured value is off": r": measured .*(off by|above the bound)",
    "The printed number is not what its own simulation gives": r"^the claim ",
    "No result was reported, or not in the form asked for": r"result",
    "It ran into a limit": r"(CPU|memory|disk) limit|limit of",
    "Another system or other interactions than the task's": r"potential|interaction|species|composition|atoms of mass",
}


def complaint(reason: str) -> str:
    """What kind of reason it is, in a few words."""
    fitting = (words for words, pattern in _COMPLAINTS.items() if re.search(pattern, reason))
    return next(fitting, "The simulation was not under the conditions asked for")


def script_lines(
    completion: str, reasons: Sequence[str] = (), error: ScriptError | None = None
) -> list[tuple[int, str, bool]]:
    """Lines of an answer's script: number, text, and whether a reason or LAMMPS names the line.

    Without a script the lines of the whole answer, none of them named.
    """
    script = extract(completion).script
    if script is None:
        return [(number, line, False) for number, line in enumerate(completion.splitlines(), 1)]
    named = {int(found) for reason in reasons for found in _LINE.findall(reason)}
    if error is not None and error.line is not None:
        named.add(error.line)
    return [(number, line, number in named) for number, line in enumerate(script.splitlines(), 1)]


_STAGES = {
    Stage.NOTHING: "no script was found",
    Stage.FOUND: "there is a script, and LAMMPS stopped before its first step",
    Stage.ACCEPTED: "LAMMPS came as far as a step, but no simulation of the task's system began",
    Stage.STARTED: "a simulation of the task's system began",
    Stage.EXECUTED: "it ran to its end",
    Stage.MEASURED: "it ran to its end, and the quantity was measured",
    Stage.PASSED: "it passed",
}
"""how far an answer came, in words"""


def accepted(reference: Reference, compare: str) -> str:
    """What a measured value is compared with: `accepted 421.4 to 430.0`, or `accepted up to 0.12`."""
    low, high = reference.value - reference.tolerance, reference.value + reference.tolerance
    if compare == "upper-bound":
        return f"accepted up to {number(high)}"
    places = min(max(1 - math.floor(math.log10(reference.tolerance or 1.0)), 0), 8)
    return f"accepted {low:.{places}f} to {high:.{places}f}"


def viewer(log: str, sample: str, epoch: int) -> str:
    """Where Inspect's viewer shows an answer, once `inspect view` runs in the folder of the log."""
    name = log.rpartition("/")[2]
    return f"http://127.0.0.1:7575/#/logs/{quote(name, safe='')}/samples/sample/{quote(sample, safe='')}/{epoch}"


def percent(fraction: float) -> str:
    """0.667 -> `67 %`."""
    return f"{100 * fraction:.0f} %"


def number(value: float, uncertainty: float = 0.0) -> str:
    """`3.6150 ± 0.0012`: the uncertainty to two significant digits and the value to the same place."""
    if not math.isfinite(value):
        return str(value)
    if not (math.isfinite(uncertainty) and uncertainty > 1e-7 * abs(value)):
        return f"{value:.6g}"
    if not 1e-3 <= max(abs(value), uncertainty) < 1e6:
        return f"{value:.4g} ± {uncertainty:.2g}"
    place = min(max(1 - math.floor(math.log10(uncertainty)), 0), 8)
    return f"{value:.{place}f} ± {uncertainty:.{place}f}"


def digits(value: int) -> str:
    """Whole numbers with thin spaces between thousands."""
    return f"{value:,}".replace(",", "\u202f")
