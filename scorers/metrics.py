"""Statistics of an evaluation: unbiased pass@k and intervals that respect clustering. Pure functions, no framework.

A *trial* is one answer to one task, a task has one trial per epoch, a family has several tasks. What a benchmark with
few families can say about a model is limited by the number of families, not by the number of answers: tasks of one
family share a prompt, an estimator and a way of going wrong. All intervals here are therefore computed between
clusters.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import norm, t


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean in [0, 1] with its confidence interval."""

    mean: float
    low: float
    high: float
    tasks: int
    """how many tasks the mean is over"""
    clusters: int
    """how many independent clusters the interval rests on"""
    clustered_by: str
    """`family`, `task`, `trial`, or `part` for the mean of some means"""
    level: float = 0.95

    @property
    def method(self) -> str:
        """The method in words, for tables and reports."""
        if self.clustered_by == "part":
            return f"{100 * self.level:.0f} % interval, from those of its {self.clusters} parts"
        return f"{100 * self.level:.0f} % Wilson interval, clustered by {self.clustered_by} ({self.clusters})"


def pass_at_k(trials: int, passed: int, k: int) -> float:
    """Probability that at least one of `k` answers drawn without replacement from `trials` passed.

    The unbiased estimator of Chen et al. 2021 (arXiv 2107.03374, eq. 1): 1 - C(n - c, k) / C(n, k).

    Raises:
        ValueError: not 0 <= passed <= trials, or not 1 <= k <= trials.
    """
    if not 0 <= passed <= trials:
        raise ValueError(f"passed must lie between 0 and trials ({trials}), not {passed}")
    if not 1 <= k <= trials:
        raise ValueError(f"k must lie between 1 and trials ({trials}), not {k}")
    return 1.0 - math.comb(trials - passed, k) / math.comb(trials, k)


def wilson(mean: float, n: float, level: float = 0.95) -> tuple[float, float]:
    """Wilson score interval of a proportion `mean` seen in `n` (not necessarily whole) independent trials.

    Wilson 1927, J. Am. Stat. Assoc. 22, 209. It never leaves [0, 1] and does not collapse at 0 and 1. For any other
    variable in [0, 1] it is conservative, because no such variable has a larger variance than mean * (1 - mean).

    Raises:
        ValueError: `mean` outside [0, 1] or `n` not positive.
    """
    if not 0 <= mean <= 1 or not n > 0:
        raise ValueError(f"a mean in [0, 1] and n > 0 are needed, not {mean} and {n}")
    z2 = float(norm.ppf(0.5 + level / 2)) ** 2
    centre = (mean + z2 / (2 * n)) / (1 + z2 / n)
    half = math.sqrt(z2 * (mean * (1 - mean) / n + z2 / (4 * n * n))) / (1 + z2 / n)
    return max(0.0, min(mean, centre - half)), min(1.0, max(mean, centre + half))


def clustered_interval(
    values: Sequence[float],
    clusters: Sequence[Hashable],
    clustered_by: str,
    trials: int | None = None,
    level: float = 0.95,
) -> Interval:
    """Interval of the mean of `values` (one per task, each in [0, 1]), which are correlated within `clusters`.

    Wilson's interval at an effective number of trials (Korn and Graubard 1998, Surv. Methodol. 24, 193; compared with
    others by Dean and Pagano 2015, J. Surv. Stat. Methodol. 3, 484): n_eff = mean (1 - mean) / se^2, with the cluster-
    robust standard error se^2 = C / (C - 1) * sum_c (sum_{i in c} (x_i - mean))^2 / n^2, at most `trials` and times (z
    / t_{C-1})^2 for the small number C of clusters. Where values do not vary between clusters there is no variance to
    estimate, and a cluster counts as one trial. Trials that are clusters of their own, each 0 or 1, need no estimate:
    theirs is Wilson's interval as it is.

    Args:
        values: means of the tasks, or single trials.
        clusters: cluster of each value.
        clustered_by: what a cluster is, for `Interval.method`.
        trials: number of trials behind `values` (default: one each), the upper limit of n_eff.
        level: confidence level in (0, 1).

    Raises:
        ValueError: no values, or a value outside [0, 1], or lengths that differ.
    """
    n = len(values)
    if n == 0 or n != len(clusters):
        raise ValueError("values and clusters must be of the same length, at least 1")
    mean = min(1.0, math.fsum(values) / n)
    if min(values) < 0 or max(values) > 1:
        raise ValueError("values must lie in [0, 1]")
    deviation: dict[Hashable, float] = {}
    for value, cluster in zip(values, clusters, strict=True):
        deviation[cluster] = deviation.get(cluster, 0.0) + value - mean
    c = len(deviation)
    n_eff, most = float(c), float(trials if trials is not None else n)
    se2 = c / (c - 1) * math.fsum(d * d for d in deviation.values()) / n**2 if c > 1 else 0.0
    if se2 > 1e-24 and not (c == most and set(values) <= {0.0, 1.0}):
        n_eff = min(most, mean * (1 - mean) / se2)
        n_eff *= (float(norm.ppf(0.5 + level / 2)) / float(t.ppf(0.5 + level / 2, c - 1))) ** 2
    low, high = wilson(mean, n_eff, level)
    return Interval(mean, low, high, n, c, clustered_by, level)


@dataclass(frozen=True, slots=True)
class TaskTrials:
    """All scored trials of one task."""

    task: str
    family: str
    values: tuple[float, ...]
    """one per trial, each in [0, 1]; for pass@k 0 or 1"""


def mean_interval(tasks: Sequence[TaskTrials], level: float = 0.95) -> Interval | None:
    """Mean over tasks of the mean over trials, with its interval; None where nothing was scored.

    Clusters are families; with a single family its tasks; with a single task its trials.
    """
    tasks = [task for task in tasks if task.values]
    if not tasks:
        return None
    means = [math.fsum(task.values) / len(task.values) for task in tasks]
    return _over_tasks(tasks, means, sum(len(task.values) for task in tasks), level)


def mean_of(intervals: Sequence[Interval]) -> Interval:
    """Interval of the mean of independent means, whose own intervals need not lie symmetrically about them.

    Squares of the distances to each side's limits are added ("method of variance estimates recovery", Zou and Donner
    2008, Stat. Med. 27, 1693).

    Raises:
        ValueError: `intervals` is empty.
    """
    if not intervals:
        raise ValueError("there is no interval of nothing")
    number = len(intervals)
    mean = sum(each.mean for each in intervals) / number
    return Interval(
        mean=mean,
        low=mean - math.hypot(*(each.mean - each.low for each in intervals)) / number,
        high=mean + math.hypot(*(each.high - each.mean for each in intervals)) / number,
        tasks=sum(each.tasks for each in intervals),
        clusters=number,
        clustered_by="part",
        level=intervals[0].level,
    )


def pass_at_k_interval(tasks: Sequence[TaskTrials], k: int, level: float = 0.95) -> Interval | None:
    """Mean over tasks of the unbiased pass@k; None if no task has `k` scored trials.

    A trial passed if its value is 1. Tasks with fewer than `k` scored trials do not count (`Interval.tasks` says how
    many do).
    """
    tasks = [task for task in tasks if len(task.values) >= k]
    if not tasks:
        return None
    rates = [pass_at_k(len(task.values), sum(v == 1 for v in task.values), k) for task in tasks]
    return _over_tasks(tasks, rates, sum(len(task.values) // k for task in tasks), level)


def _over_tasks(tasks: Sequence[TaskTrials], values: Sequence[float], trials: int, level: float) -> Interval:
    """Interval of one value per task: clustered by family, with one family by task, with one task over its trials."""
    families = [task.family for task in tasks]
    if len(set(families)) > 1:
        return clustered_interval(values, families, "family", trials, level)
    if len(tasks) > 1:
        return clustered_interval(values, [task.task for task in tasks], "task", trials, level)
    return Interval(values[0], *wilson(values[0], trials, level), 1, trials, "trial", level)


@dataclass(frozen=True, slots=True)
class Difference:
    """How much better the second of two is on the same tasks."""

    mean: float
    """mean over tasks of the difference of their means, in [-1, 1]"""
    low: float
    high: float
    p: float
    """two-sided probability of a difference as large as this or larger if both were alike"""
    tasks: int
    clusters: int
    differing: int
    """clusters in which the two are not equal on the whole"""
    clustered_by: str

    @property
    def least_p(self) -> float:
        """The smallest probability that so few differing clusters can give."""
        return min(1.0, 2.0 ** (1 - self.differing))


MOST_FLIPS = 16
"""clusters whose signs are flipped in every possible way; beyond, as many flips are drawn at random"""


def paired_difference(first: Sequence[TaskTrials], second: Sequence[TaskTrials], level: float = 0.95) -> Difference:
    """Compare two on the tasks that both were scored on; tasks of one family depend on each other.

    The interval is t-distributed around the mean with the cluster-robust standard error. The probability comes from a
    permutation test that flips the signs of the differences of whole clusters (Fisher 1935, The Design of Experiments,
    section 21): exact for few clusters, and without any assumption on how differences are distributed. With C clusters
    it cannot be smaller than 2 / 2^C.

    Raises:
        ValueError: they have no task in common.
    """
    mine = {task.task: task for task in first if task.values}
    pairs = [(mine[task.task], task) for task in second if task.values and task.task in mine]
    if not pairs:
        raise ValueError("the two have no scored task in common")
    by = "family" if len({task.family for _, task in pairs}) > 1 else "task"
    sums: dict[str, float] = {}
    for a, b in pairs:
        change = math.fsum(b.values) / len(b.values) - math.fsum(a.values) / len(a.values)
        change = round(change, 12)  # what is left of rounding is no difference
        cluster = b.family if by == "family" else b.task
        sums[cluster] = sums.get(cluster, 0.0) + change
    n, c = len(pairs), len(sums)
    mean = math.fsum(sums.values()) / n
    sizes = {cluster: sum((b.family if by == "family" else b.task) == cluster for _, b in pairs) for cluster in sums}
    half = 2.0
    if c > 1:
        spread = math.fsum((total - sizes[cluster] * mean) ** 2 for cluster, total in sums.items())
        half = float(t.ppf(0.5 + level / 2, c - 1)) * math.sqrt(c / (c - 1) * spread) / n
    return Difference(
        mean=mean,
        low=max(-1.0, mean - half),
        high=min(1.0, mean + half),
        p=_sign_flips(np.array(list(sums.values()))),
        tasks=n,
        clusters=c,
        differing=sum(abs(total) > 1e-9 for total in sums.values()),
        clustered_by=by,
    )


def _sign_flips(sums: np.ndarray[tuple[int], np.dtype[np.float64]]) -> float:
    """Share of the ways to flip signs that give a sum at least as large, the actual one included."""
    c = len(sums)
    if c <= MOST_FLIPS:
        signs = 1.0 - 2.0 * ((np.arange(2**c)[:, None] >> np.arange(c)) & 1)
    else:
        signs = 1.0 - 2.0 * np.random.default_rng(0).integers(0, 2, (2**MOST_FLIPS, c))
        signs[0] = 1.0
    totals = np.abs(signs @ sums)
    return float(np.mean(totals >= abs(sums.sum()) * (1 - 1e-12)))
