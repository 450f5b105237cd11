"""How often the judge errs, from judgements of scripts whose answer is known, with bounds.

Two errors are possible: a right script is rejected, or a wrong one accepted. Each rate is given with the one-sided 95 %
upper bound of Clopper and Pearson, Biometrika 26, 404 (1934). The bound takes judgements as independent; those of one
task share its reference value, whose own error (a quarter of the spread of runs, with 16 seeds) they have in common.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from scipy.stats import beta

from mdevalbench.observables.statistics import CONFIDENCE, expanded
from mdevalbench.tasks.verification.judgements import Judgement

LEVEL = 0.95
MOST_REJECTED = 0.03
"""bound on the false-reject rate that the suite has to reach"""
LEAST_FAILED = 0.98
"""fraction of wrong scripts, and of breaking mutations, that have to fail"""
LEAST_SEEDS = 10
MEDIAN_SECONDS, MOST_SECONDS = 8.0, 60.0
"""CPU seconds of reference scripts"""


@dataclass(frozen=True, slots=True)
class Rate:
    """How often something happened."""

    events: int
    trials: int

    @property
    def value(self) -> float:
        """Fraction; NaN without trials."""
        return self.events / self.trials if self.trials else math.nan

    @property
    def upper(self) -> float:
        """One-sided 95 % upper bound of the probability (Clopper and Pearson); 1 without trials."""
        if self.events >= self.trials:
            return 1.0
        return float(beta.ppf(LEVEL, self.events + 1, self.trials - self.events))

    @property
    def lower(self) -> float:
        """One-sided 95 % lower bound of the probability."""
        if self.events == 0:
            return 0.0
        return float(beta.ppf(1 - LEVEL, self.events, self.trials - self.events + 1))


Which = Callable[[Judgement], bool]


def rate_wrong(judgements: Iterable[Judgement], which: Which) -> Rate:
    """How many of these scripts were judged as they must not be."""
    found = [judgement for judgement in judgements if which(judgement)]
    return Rate(sum(not judgement.good for judgement in found), len(found))


def is_fresh(judgement: Judgement) -> bool:
    """A right script with a seed that made no part of the reference, of a task that depends on seeds."""
    return judgement.stochastic and judgement.group == "reseeds"


def is_random_right(judgement: Judgement) -> bool:
    """A right script of a task that depends on seeds: a fresh seed, or a harmless change."""
    return judgement.stochastic and judgement.group in ("reseeds", "benign")


def is_fresh_or_benign(judgement: Judgement) -> bool:
    """What the false-reject bound of the suite is over: fresh seeds, and harmless changes in every family."""
    return judgement.group in ("reseeds", "benign")


def in_group(group: str) -> Which:
    """Whether a judgement belongs to a group."""
    return lambda judgement: judgement.group == group


@dataclass(frozen=True, slots=True)
class FamilyRates:
    """What was found of one family, or of all."""

    family: str
    tasks: int
    references: Rate
    """rejected"""
    solutions: Rate
    """rejected"""
    fresh: Rate
    """rejected, new seeds of right scripts"""
    benign: Rate
    """rejected, harmless changes"""
    rejected: Rate
    """rejected, new seeds and harmless changes together"""
    wrong: Rate
    """accepted"""
    breaking: Rate
    """accepted"""
    seconds: float
    """CPU seconds of a reference script's own run: median over its seeds, then over the tasks; NaN if unknown"""
    longest: float
    """CPU seconds of the longest run of a reference script; NaN if unknown"""


def family_rates(family: str, judgements: Sequence[Judgement]) -> FamilyRates:
    """The rates of the judgements given, which are those of a family."""
    seconds = _reference_seconds(judgements)
    medians = [statistics.median(runs) for runs in seconds.values()]
    return FamilyRates(
        family=family,
        tasks=len({judgement.task for judgement in judgements}),
        references=rate_wrong(judgements, in_group("references")),
        solutions=rate_wrong(judgements, in_group("solutions")),
        fresh=rate_wrong(judgements, in_group("reseeds")),
        benign=rate_wrong(judgements, in_group("benign")),
        rejected=rate_wrong(judgements, is_fresh_or_benign),
        wrong=rate_wrong(judgements, in_group("wrong")),
        breaking=rate_wrong(judgements, in_group("breaking")),
        seconds=statistics.median(medians) if medians else math.nan,
        longest=max(map(max, seconds.values()), default=math.nan),
    )


def _reference_seconds(judgements: Iterable[Judgement]) -> dict[str, list[float]]:
    """Task -> CPU seconds of its reference script's own run, for every seed."""
    runs: dict[str, list[float]] = {}
    for judgement in judgements:
        if judgement.kind in ("reference", "reseed") and judgement.script_seconds is not None:
            runs.setdefault(judgement.task, []).append(judgement.script_seconds)
    return runs


@dataclass(frozen=True, slots=True)
class ScriptRate:
    """How often a wrong script or breaking mutation of a family was accepted, over tasks and seeds."""

    family: str
    kind: str
    name: str
    accepted: Rate


def script_rates(judgements: Iterable[Judgement]) -> list[ScriptRate]:
    """One entry for each wrong script and breaking mutation, by family."""
    groups: dict[tuple[str, str, str], list[Judgement]] = {}
    for judgement in judgements:
        if not judgement.right:
            groups.setdefault((judgement.family, judgement.kind, judgement.name), []).append(judgement)
    return [ScriptRate(*key, rate_wrong(found, lambda _: True)) for key, found in sorted(groups.items())]


@dataclass(frozen=True, slots=True)
class ToleranceCheck:
    """Whether right runs scatter about the reference as their uncertainties say.

    z = (m - r) / sqrt(u_ref^2 + u_run^2) of runs with fresh seeds. Its 99 % interval is that of Student's t with the
    effective degrees of freedom of each run, without the floor and the cap that a tolerance has.
    """

    runs: int
    mean: float
    """of z"""
    deviation: float
    """standard deviation of z"""
    outside: Rate
    """beyond the 99 % interval; 1 % is expected"""
    used: tuple[float, float, float]
    """of |m - r| / tolerance: median, 95th percentile, largest"""


def tolerance_check(judgements: Iterable[Judgement]) -> ToleranceCheck | None:
    """The check over right scripts with fresh seeds which were measured and compared on both sides; None if none."""
    scores, used, outside = [], [], 0
    for judgement in judgements:
        measured, reference = judgement.measured, judgement.reference
        if not (is_fresh(judgement) and judgement.two_sided and measured is not None):
            continue
        off = measured.value - reference.value
        combined = math.hypot(reference.uncertainty, measured.uncertainty)
        if not (0 < combined < math.inf and reference.tolerance > 0):
            continue
        dofs = (judgement.reference_dof or math.inf, measured.dof or math.inf)
        interval = expanded([(reference.uncertainty, dofs[0]), (measured.uncertainty, dofs[1])])
        scores.append(off / combined)
        used.append(abs(off) / reference.tolerance)
        outside += abs(off) > interval
    if len(scores) < 2:
        return None
    used.sort()
    return ToleranceCheck(
        runs=len(scores),
        mean=statistics.fmean(scores),
        deviation=statistics.stdev(scores),
        outside=Rate(outside, len(scores)),
        used=(statistics.median(used), used[math.ceil(0.95 * len(used)) - 1], used[-1]),
    )


EXPECTED_OUTSIDE = 1 - CONFIDENCE


@dataclass(frozen=True, slots=True)
class Criterion:
    """Something that the whole suite has to reach."""

    text: str
    needed: str
    found: str
    met: bool


def criteria(judgements: Sequence[Judgement]) -> list[Criterion]:
    """What the suite has to reach, and whether it does."""
    whole = family_rates("", judgements)
    seeds = _seeds_per_task(judgements)
    return [
        _all_pass("reference scripts pass", whole.references),
        _all_pass("second solutions pass", whole.solutions),
        _fail("wrong scripts fail", whole.wrong),
        _fail("breaking mutations fail", whole.breaking),
        Criterion(
            "95 % bound of the false-reject rate over fresh seeds and harmless changes",
            f"<= {MOST_REJECTED:.0%}",
            f"{whole.rejected.upper:.2%} ({whole.rejected.events} of {whole.rejected.trials} rejected)",
            whole.rejected.upper <= MOST_REJECTED,
        ),
        Criterion(
            "fresh seeds of the reference script for each task that depends on seeds",
            f">= {LEAST_SEEDS}",
            str(min(seeds)) if seeds else "no such task",
            min(seeds, default=LEAST_SEEDS) >= LEAST_SEEDS,
        ),
        Criterion(
            "median CPU time of reference scripts",
            f"<= {MEDIAN_SECONDS:g} s",
            seconds_text(whole.seconds),
            whole.seconds <= MEDIAN_SECONDS,
        ),
        Criterion(
            "longest CPU time of a reference script",
            f"<= {MOST_SECONDS:g} s",
            seconds_text(whole.longest),
            whole.longest <= MOST_SECONDS,
        ),
    ]


def seconds_text(seconds: float) -> str:
    """`3.1 s`; `-` where nothing was measured."""
    return "-" if math.isnan(seconds) else f"{seconds:.2g} s"


def _seeds_per_task(judgements: Iterable[Judgement]) -> list[int]:
    """For each stochastic task: how many fresh seeds of its reference script were judged."""
    counts: dict[str, int] = {}
    for judgement in judgements:
        if judgement.stochastic:
            counts[judgement.task] = counts.get(judgement.task, 0) + (judgement.kind == "reseed")
    return list(counts.values())


def _all_pass(text: str, rejected: Rate) -> Criterion:
    passed = rejected.trials - rejected.events
    return Criterion(text, "all", f"{passed} of {rejected.trials}", rejected.trials > 0 and rejected.events == 0)


def _fail(text: str, accepted: Rate) -> Criterion:
    failed = accepted.trials - accepted.events
    found = f"{failed / accepted.trials:.1%} ({failed} of {accepted.trials})" if accepted.trials else "none judged"
    return Criterion(
        text, f">= {LEAST_FAILED:.0%}", found, accepted.trials > 0 and failed >= LEAST_FAILED * accepted.trials
    )
