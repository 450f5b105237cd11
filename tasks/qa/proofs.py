"""Questions against the facts: LAMMPS runs the checks of an item, and numbers are computed again.

`mdevalbench tasks verify --suite syntax` runs them all. A check must hold for every right answer and for no wrong one,
so that an item stays true when LAMMPS changes, or is noticed.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from scipy import constants

from mdevalbench.errors import TaskError
from mdevalbench.lammps.executor import Executor
from mdevalbench.lammps.job import Ending, Job, Run
from mdevalbench.scorers.answers import score
from mdevalbench.tasks.qa.loading import Question
from mdevalbench.tasks.qa.schema import LANGUAGES, Check
from mdevalbench.tasks.render import names_in, render_value
from mdevalbench.types import Limits

LIMITS = Limits(cpu_seconds=10)
_PRINTED = re.compile(r"(?m)^CHECK (\w+) (.*?)\s*$")


def near(a: float, b: float, relative: float = 1e-6) -> bool:
    """Whether two numbers agree, relative to the larger one."""
    return math.isclose(float(a), float(b), rel_tol=relative, abs_tol=1e-300)


FUNCTIONS: dict[str, Any] = {
    "near": near,
    "abs": abs,
    "float": float,
    "int": int,
    "str": str,
    "len": len,
    "min": min,
    "max": max,
    **{name: getattr(math, name) for name in ("sqrt", "exp", "log", "log10", "sin", "cos", "acos", "radians")},
}
CONSTANTS: dict[str, float] = {
    "pi": math.pi,
    "k": constants.k,
    "k_eV": constants.k / constants.e,
    "N_A": constants.N_A,
    "R": constants.R,
    "e": constants.e,
    "h": constants.h,
    "hbar": constants.hbar,
    "c": constants.c,
    "u": constants.u,
    "epsilon_0": constants.epsilon_0,
    "calorie": constants.calorie,
    "atm": constants.atm,
    "bohr": constants.physical_constants["Bohr radius"][0],
    "hartree": constants.physical_constants["Hartree energy"][0],
}
"""SI units, CODATA as in scipy.constants; `k_eV` is Boltzmann's constant in eV/K, `u` the atomic mass unit in kg"""


@dataclass(frozen=True)
class Trial:
    """One answer that is tried by a check."""

    question: Question
    check: Check
    where: tuple[int | str, ...]
    """of the check in its item"""
    answer: str
    """which answer is tried, for messages"""
    tried: Any
    right: bool

    def job(self) -> Job:
        """What LAMMPS is to run. Raises TaskError if the script cannot be rendered."""
        script = render_value(self.check.script, {"tried": self.tried}, self._at, ("script",))
        files = {name: text.encode() for name, text in self.check.files.items()}
        return Job(str(script), LIMITS, files=files)

    def judge(self, run: Run) -> str:
        """Why the check does not prove what the item says; empty if it does. Raises TaskError for a bad expression."""
        names = _names(run) | {"tried": self.tried}
        known = CONSTANTS | FUNCTIONS | names
        unprinted = names_in(self.check.holds, self._at, ("holds",)) - known.keys()
        # a script that stops early proves nothing of what it would have printed
        holds = not (unprinted and names["error"]) and render_value(
            "{{" + self.check.holds + "}}", known, self._at, ("holds",)
        )
        if bool(holds) == self.right:
            return ""
        told = ", ".join(f"{name} = {names[name]!r}" for name in names if name not in ("output", "tried"))
        return f"`{self.check.holds}` is {bool(holds)} for {self.answer}, which is {_said(self.right)}; {told}"

    def _at(self, where: tuple[int | str, ...]) -> str:
        return self.question.at(*self.where, *where)


def _said(right: bool) -> str:
    return "called right" if right else "called wrong"


def _names(run: Run) -> dict[str, Any]:
    """What an expression may use of a run."""
    printed = {name: _value(text) for name, text in _PRINTED.findall(run.output)}
    ok = run.ending in (Ending.COMPLETED, Ending.QUIT)
    error = "" if ok else run.error.message if run.error else run.ending.value
    return {"ok": ok, "error": error, "output": run.output, **printed}


def _value(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text


def trials(question: Question) -> Iterator[Trial]:
    """Every answer that a check of the item can try."""
    item = question.item
    for number, option in enumerate(item.options):
        if check := option.check or item.check:
            where = ("options", number, "check") if option.check else ("check",)
            tried = option.text.en if option.tried is None else option.tried
            yield Trial(question, check, where, f"the option {option.text.en!r}", tried, option.right)
    if item.check and item.answer:
        right = item.answer.texts or (item.answer.number,)
        for answer, is_right in [*((one, True) for one in right), *((one, False) for one in item.answer.wrong)]:
            yield Trial(question, item.check, ("check",), f"the answer {answer!r}", answer, is_right)
    if item.check and item.kind == "open":
        yield Trial(question, item.check, ("check",), "the points", "", True)


def problems(
    questions: Sequence[Question], executor: Executor, progress: Callable[[int, int], None] | None = None
) -> list[str]:
    """What is wrong with questions, each with file and line; empty if everything is proven.

    `progress` is called with (done, total) scripts.
    """
    found = [text for question in questions for text in _incomplete(question)]
    found += [text for question in questions for text in _miscalculated(question)]
    tried = [trial for question in questions for trial in trials(question)]
    runs = executor.map([trial.job() for trial in tried], progress)
    for trial, run in zip(tried, runs, strict=True):
        if why := trial.judge(run):
            found.append(f"{trial._at(('holds',))}: {trial.question.id}: {why}")
    return found


def _incomplete(question: Question) -> Iterator[str]:
    item = question.item
    if question.suite == "syntax":
        unproven = [option.text.en for option in item.options if not (option.check or item.check)]
        if unproven or (not item.options and not item.check):
            what = f"the option {unproven[0]!r} has" if unproven else "it has"
            yield f"{question.at()}: {question.id}: {what} no `check`, so that LAMMPS cannot prove it"
        if item.kind == "fill" and item.answer and not item.answer.wrong:
            yield f"{question.at('answer')}: {question.id}: `wrong` names no answer for which the check must fail"
    elif not item.source and not item.computed:
        yield f"{question.at()}: {question.id}: has neither `source` nor `computed`"
    for language in LANGUAGES:
        if item.example is None:
            break
        if missing := score(item, item.example[language], language).reasons:
            yield f"{question.at('example', language)}: {question.id}: its own points do not find it: {missing[0]}"
        if score(item, item.question[language], language).score:
            yield f"{question.at('points')}: {question.id}: the question alone says a point ({language})"
    if item.answer and item.answer.number is not None and not item.computed and not item.check:
        yield f"{question.at('answer')}: {question.id}: nothing computes this number again (`computed` or `check`)"


def _miscalculated(question: Question) -> Iterator[str]:
    item = question.item
    if not item.computed:
        return
    value = _computed(question)
    if item.answer and item.answer.number is not None:
        if not near(value, item.answer.number, item.answer.relative / 2):
            yield f"{question.at('computed')}: {question.id}: gives {value:.6g}, the answer is {item.answer.number:g}"
        return
    for number, option in enumerate(item.options):
        if option.tried is None:
            yield f"{question.at('options', number)}: {question.id}: `tried` must give its number, to be computed again"
        elif near(value, float(option.tried), 0.02) != option.right:
            what = f"gives {value:.6g}; {option.text.en!r} is {_said(option.right)}"
            yield f"{question.at('computed')}: {question.id}: {what}"


def _computed(question: Question) -> float:
    names: Mapping[str, Any] = CONSTANTS | FUNCTIONS
    value = render_value("{{" + question.item.computed + "}}", names, lambda where: question.at(*where), ("computed",))
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TaskError(f"{question.at('computed')}: gives {value!r}, which is no number")
    return float(value)
