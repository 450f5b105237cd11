"""The verdict on one script, for people."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator

from rich.console import Console
from rich.table import Table
from rich.text import Text

from mdevalbench.cli.output import with_uncertainty
from mdevalbench.tasks import Task
from mdevalbench.types import Stage, Verdict

WIDTH = 64
"""columns of the scale drawing"""

_NEXT = {
    Stage.NOTHING: "put the LAMMPS input into one fenced code block of the answer",
    Stage.FOUND: "`mdevalbench check {script}` tells, without running anything, what LAMMPS does not accept",
    Stage.ACCEPTED: "a `run` or `minimize` has to simulate what is asked for, with its very interactions: "
    "`mdevalbench tasks show {task}`",
    Stage.STARTED: "the run began as it should and then stopped; the reasons above say where",
    Stage.EXECUTED: "compare the stages of the run with the conditions in `mdevalbench tasks show {task}`",
    Stage.MEASURED: "compare temperature, pressure, length and size of the run with `mdevalbench tasks show {task}`",
}
_CLAIM_ONLY = "the simulation is right, the reported number is not: compute it from this run, in the unit {unit}"


def print_report(task: Task, verdict: Verdict, script: str, name: str) -> None:
    """Print measured against accepted value with a scale, claim, ladder, and the reasons with their script lines."""
    console = Console(highlight=False)
    word = Text("PASSED", "bold green") if verdict.passed else Text("NOT PASSED", "bold red")
    console.print(Text.assemble((task.id, "bold"), "  ", word, f"  reward {verdict.reward:.2f}\n"))
    console.print(_rows([*_facts(task, verdict)], "dim"))
    if drawing := scale(task, verdict):
        console.print("\n".join(" " * 11 + line for line in drawing), markup=False)
    console.print(_rows([("ladder", _ladder(verdict))], "dim"))
    for reason in verdict.reasons:
        console.print(_rows([("\n•", Text("\n" + reason))], "bold", width=2))
        for line in _quoted(reason, script):
            console.print(Text(line, "yellow"))
    if not verdict.passed:
        advice = _CLAIM_ONLY if verdict.setup else _NEXT[verdict.stage]
        text = advice.format(task=task.id, script="FILE" if name == "-" else name, unit=task.unit)
        console.print(_rows([("\nnext", Text("\n" + text))], "dim", width=6))
    console.print(Text(f"\n{verdict.seconds:.2g} CPU seconds", "dim"))


def _rows(rows: list[tuple[str, Text]], style: str, width: int = 11) -> Table:
    """Labels and texts in two columns, so that long texts stay indented."""
    table = Table.grid()
    table.add_column(width=width, style=style)
    table.add_column(overflow="fold")
    for label, text in rows:
        table.add_row(label, text)
    return table


def _facts(task: Task, verdict: Verdict) -> Iterator[tuple[str, Text]]:
    measured, reference, claim = verdict.measured, verdict.reference, verdict.claim
    if measured is None:
        yield "measured", Text("nothing")
    else:
        value = f"{with_uncertainty(measured.value, measured.uncertainty)} {measured.unit}"
        yield "measured", Text.assemble((value, "bold"), (f"  {measured.how}", "dim"))
    if task.spec.compare.kind == "upper-bound":
        yield "accepted", Text(f"at most {reference.value + reference.tolerance:.4g} {reference.unit}")
    else:
        yield "accepted", Text(f"{with_uncertainty(reference.value, reference.tolerance)} {reference.unit}")
    if claim is None:
        yield "claimed", Text(f"nothing (no line `RESULT {task.observable} = <number> {task.unit}`)")
    else:
        origin = {True: "computed from the simulation", False: "not computed from the simulation", None: ""}
        yield "claimed", Text.assemble(f"{claim.value:.8g} {claim.unit}", (f"  {origin[claim.derived]}", "dim"))


def scale(task: Task, verdict: Verdict) -> list[str]:
    """A drawing of the accepted interval `[━━┿━━]`, the measured value `●` with its error bar and the claim `▲`.

    Empty if nothing was measured. Lines are WIDTH columns wide.
    """
    measured, reference = verdict.measured, verdict.reference
    if measured is None or not math.isfinite(measured.value):
        return []
    upper = task.spec.compare.kind == "upper-bound"
    low = min(0.0, measured.value) if upper else reference.value - reference.tolerance
    high = reference.value + reference.tolerance
    left, right = min(low, measured.value), max(high, measured.value)
    claim = verdict.claim.value if verdict.claim is not None else math.nan
    if left - 3 * (right - left) < claim < right + 3 * (right - left):
        left, right = min(left, claim), max(right, claim)
    margin = 0.15 * (right - left) or abs(right) or 1.0
    left, right = (left if upper else left - margin), right + margin

    def column(value: float) -> int:
        return min(max(round((value - left) / (right - left) * (WIDTH - 1)), 0), WIDTH - 1)

    line = ["·"] * WIDTH
    for at in range(column(low), column(high) + 1):
        line[at] = "━"
    if not upper:
        line[column(low)] = "["
        line[column(reference.value)] = "┿"
    line[column(high)] = "]"
    for at in range(column(measured.value - measured.uncertainty), column(measured.value + measured.uncertainty) + 1):
        line[at] = "─" if line[at] == "·" else "═"
    line[column(measured.value)] = "●"
    lines = ["".join(line)]
    if left <= claim <= right:
        lines.append(" " * column(claim) + "▲ claim")
    lines.append(_ticks(left, right))
    return lines


def _ticks(left: float, right: float) -> str:
    digits = max(0, 2 - math.floor(math.log10(right - left)))
    form = f".{digits}f" if digits <= 6 else ".3e"
    first, middle, last = (format(value, form) for value in (left, 0.5 * (left + right), right))
    return f"{first}{middle:^{WIDTH - len(first) - len(last)}}{last}"


def _ladder(verdict: Verdict) -> Text:
    text = Text()
    for stage in list(Stage)[1:]:
        reached = verdict.stage.rank >= stage.rank
        text.append(f"{'✓' if reached else '✗'} {stage.value}  ", "green" if reached else "dim")
    parts = verdict.components
    text.append(f"\nconditions {parts.conditions:.2f}, closeness {parts.closeness:.2f}, claim {parts.claim:.2f}", "dim")
    return text


def _quoted(reason: str, script: str) -> Iterator[str]:
    """The script lines that a reason names, with their numbers."""
    lines = script.splitlines()
    for number in dict.fromkeys(int(n) for n in re.findall(r"\blines? (\d+)", reason)):
        if 1 <= number <= len(lines):
            yield f"   {number:4d} │ {lines[number - 1].rstrip()}"
