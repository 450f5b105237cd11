"""What is to be evaluated, and how: the options of an evaluation, and which of them go together."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from mdevalbench.errors import UsageError
from mdevalbench.tasks import DrawnTask, Task, load_suite
from mdevalbench.tasks.inspect_tasks import spread
from mdevalbench.tasks.qa.schema import Language
from mdevalbench.tasks.qa.suites import CODE, OFFICIAL
from mdevalbench.tasks.qa.suites import SUITES as QUESTIONS
from mdevalbench.zoo.opening import check_model

SOLVERS = {
    "direct": "one answer",
    "mdagent1": "a plan, a script, and a critical look at it; nothing is run",
    "mdagent_tools": "a model that calls tools checks, runs and measures by itself",
    "mdagent": "write, check, run, look at the physics, mend (--rounds)",
}
"""ways of answering where a script is to be written"""


@dataclass(frozen=True)
class Evaluation:
    """What is to be evaluated, and how."""

    model: str
    """Inspect model string"""
    suite: str = "codegen"
    family: str | None = None
    seed: str | None = None
    """label of the seed, for a suite that is drawn"""
    temperature: float | None = None
    max_tokens: int | None = None
    top_p: float | None = None
    top_k: int | None = None
    limit: int | None = None
    """at most so many tasks"""
    epochs: int = 1
    """answers per task"""
    base_url: str | None = None
    model_args: tuple[tuple[str, Any], ...] = ()
    """arguments of the provider, by name"""
    max_cost: float | None = None
    """dollars"""
    prices: tuple[float, float] | None = None
    """dollars per million tokens, read and written"""
    max_connections: int = 10
    """questions under way at once"""
    language: Language = "en"
    """in which questions are asked"""
    judge: str | None = None
    """model that judges open answers to questions"""
    data: Path | None = None
    """folder with the published questions"""
    solver: str | None = None
    """way of answering, one of SOLVERS; None for the usual one answer"""
    rounds: int = 3
    """answers of the model to one task, where the way of answering asks for several"""
    log_dir: Path = Path("logs")

    @property
    def of_questions(self) -> bool:
        """Whether the suite holds questions instead of scripts to write."""
        return self.suite in QUESTIONS

    @property
    def of_code(self) -> bool:
        """Whether the suite is that of the published code tasks."""
        return self.suite == CODE

    @cached_property
    def tasks(self) -> tuple[Task, ...]:
        """The tasks that are asked, in order; none if the suite is not one of physics."""
        if self.of_questions or self.of_code:
            return ()
        return spread(load_suite(self.suite, self.family, seed=self.seed, count=self.limit))[: self.limit]

    @cached_property
    def drawn(self) -> dict[str, Any]:
        """Label of the seed and number of tasks, where the suite is drawn; else nothing."""
        first = next(iter(self.tasks), None)
        return {"seed": first.seed, "count": len(self.tasks)} if isinstance(first, DrawnTask) else {}

    @property
    def report(self) -> Path:
        """Where the report lies: beside the log, under a name that stays the same."""
        seed = str(self.drawn.get("seed", (self.seed or "") if self.of_questions else ""))
        named = (self.model, self.solver, self.suite, self.language if not self.tasks else "", seed, self.family)
        words = re.sub(r"[^\w.]+", "-", " ".join(filter(None, named))).strip("-")
        return self.log_dir / f"{words}-{self.key[:6]}.html"

    @property
    def key(self) -> str:
        """Hexadecimal digits from what makes answers comparable; more tasks or epochs continue an evaluation."""
        content: tuple[object, ...]
        content = (self.model, self.suite, self.family, self.temperature, self.max_tokens, *self.drawn.values())
        if self.of_questions or self.of_code:
            content = (*content, self.language, self.seed, self.judge)
        content = (*content, *(limit for limit in (self.top_p, self.top_k) if limit is not None))
        content = (*content, self.solver, self.rounds) if self.solver else content
        return hashlib.sha256(repr((*content, *self.model_args)).encode()).hexdigest()[:12]


def check(what: Evaluation) -> None:
    """Raises UsageError for options that do nothing with the suite, or a model that cannot be asked."""
    check_options(what)
    check_model(what.model, what.base_url, dict(what.model_args))
    if what.judge is not None:
        check_model(what.judge)


def check_options(what: Evaluation) -> None:
    """Raises UsageError for options that do nothing with the suite."""
    if what.solver is not None and what.solver not in SOLVERS:
        ways = ", ".join(f"{one} ({does})" for one, does in SOLVERS.items())
        raise UsageError(f"--solver {what.solver}: there are {ways}")
    if what.tasks:
        for option, given in (("--language", what.language != "en"), ("--judge", what.judge), ("--data", what.data)):
            if given:
                suites = ", ".join((*QUESTIONS, CODE))
                raise UsageError(f"{option} goes with suites of questions ({suites}), not with {what.suite}")
    else:
        if what.solver is not None and not what.of_code:
            raise UsageError(f"--solver goes with suites of scripts to write (codegen, {CODE}), not with {what.suite}")
        _check_asked(what)


def _check_asked(what: Evaluation) -> None:
    if not (what.of_questions or what.of_code):
        raise UsageError("--limit leaves no task")
    if what.family is not None:
        raise UsageError(f"--family: suite {what.suite} has no families")
    if what.seed is not None and what.of_code:
        raise UsageError(f"--seed: suite {what.suite} has no letters that a seed could deal")
    if what.seed is not None and what.suite in OFFICIAL:
        raise UsageError(f"--seed: the letters of suite {what.suite} stay as published")
    if what.seed is not None and not what.seed.isdecimal():
        raise UsageError(f"--seed {what.seed}: the letters of questions are dealt by a number, such as 7")
    if what.data is not None and what.suite not in (*OFFICIAL, CODE):
        raise UsageError(f"--data: the questions of suite {what.suite} come with the package")
