"""What is wrong with a script, in the words in which a model or a person is told, with the change that is suggested."""

from __future__ import annotations

from collections.abc import Iterable

from mdevalbench.agent.difference import suggested
from mdevalbench.lammps.diagnostics import Diagnostic, apply_all
from mdevalbench.lammps.job import Ending, Run
from mdevalbench.lammps.remedies import remedy
from mdevalbench.types import Limits, Record


class Problem(Record):
    """Why a script has to be changed."""

    words: str
    """what is wrong, by LAMMPS's message or in ours"""
    line: int | None = None
    """of the script, from 1"""
    advice: str = ""
    """what to do"""
    mended: str = ""
    """the script with the suggested change; empty without one"""

    def told(self, script: str) -> str:
        """All of it as text: the line, the message, the advice, and the suggestion as a unified diff."""
        lines = script.split("\n")
        shown = (
            f" at line {self.line}: `{lines[self.line - 1].strip()}`" if self.line and self.line <= len(lines) else ""
        )
        parts = [f"{self.words}{shown}", self.advice]
        return "\n".join(part for part in parts if part) + suggested(script, self.mended)


_ENDINGS = {
    Ending.CPU_LIMIT: "the run was stopped after {limits.cpu_seconds:.0f} CPU seconds",
    Ending.MEMORY_LIMIT: "the run needed more than {limits.memory_bytes} bytes of memory",
    Ending.DISK_LIMIT: "the run wrote more than {limits.folder_bytes} bytes of files",
    Ending.CRASHED: "LAMMPS crashed under this script",
}
_REMEDIES = {
    Ending.CPU_LIMIT: "Take fewer steps or fewer atoms.",
    Ending.MEMORY_LIMIT: "Take fewer atoms, or a shorter cutoff.",
    Ending.DISK_LIMIT: "Write less: dump every thousandth step, or not at all.",
    Ending.CRASHED: "Look for overlapping atoms, a box that is too small for the cutoff, or wrong numbers of types.",
}


def from_check(script: str, found: Iterable[Diagnostic]) -> tuple[Problem, ...]:
    """A problem for each error of the static check; the first brings the script with all suggested changes."""
    errors = [one for one in found if one.severity == "error"]
    edits = [one.suggestion for one in errors if one.suggestion]
    mended = apply_all(script, edits) if edits else ""
    return tuple(
        Problem(words=one.message, line=one.line, advice=one.advice, mended=mended if number == 0 else "")
        for number, one in enumerate(errors)
    )


def from_run(script: str, run: Run, limits: Limits) -> Problem | None:
    """Why a run did not come to its end; None if it did."""
    if run.ending in _ENDINGS:
        return Problem(words=_ENDINGS[run.ending].format(limits=limits), advice=_REMEDIES[run.ending])
    if run.error is None:
        return None
    found = remedy(script, run.error, run.output)
    return Problem(
        words=f"LAMMPS stopped with an error: {run.error.message}",
        line=run.error.line,
        advice=found.advice if found else "",
        mended=found.apply(script) if found and found.edits else "",
    )


def from_warnings(script: str, run: Run) -> Problem | None:
    """What LAMMPS warned of in a run that came to its end and has to be mended, such as atoms that are moved twice."""
    found = remedy(script, None, run.output)
    if found is None:
        return None
    return Problem(
        words=f"LAMMPS warned: {found.message}",
        line=found.line,
        advice=found.advice,
        mended=found.apply(script) if found.edits else "",
    )
