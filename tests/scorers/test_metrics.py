"""Metrics against brute force, published intervals and simulated coverage."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from mdevalbench.scorers.metrics import (
    Interval,
    TaskTrials,
    clustered_interval,
    mean_interval,
    mean_of,
    paired_difference,
    pass_at_k,
    pass_at_k_interval,
    wilson,
)


def trials(family: str, name: str, *values: float) -> TaskTrials:
    return TaskTrials(f"{family}/{name}", family, values)


@pytest.mark.parametrize(
    ("n", "c", "k"), [(n, c, k) for n in range(1, 7) for c in range(n + 1) for k in range(1, n + 1)]
)
def test_pass_at_k_counts_the_subsets_that_hold_a_pass(n: int, c: int, k: int) -> None:
    answers = [1] * c + [0] * (n - c)
    subsets = list(itertools.combinations(answers, k))
    assert pass_at_k(n, c, k) == pytest.approx(sum(any(s) for s in subsets) / len(subsets), abs=1e-12)


def test_pass_at_k_is_unbiased() -> None:
    p, n, k = 0.3, 5, 3
    expected = sum(math.comb(n, c) * p**c * (1 - p) ** (n - c) * pass_at_k(n, c, k) for c in range(n + 1))
    assert expected == pytest.approx(1 - (1 - p) ** k, abs=1e-12)


@pytest.mark.parametrize(("n", "c", "k"), [(3, 4, 1), (3, -1, 1), (3, 1, 0), (3, 1, 4)])
def test_pass_at_k_refuses_impossible_counts(n: int, c: int, k: int) -> None:
    with pytest.raises(ValueError):
        pass_at_k(n, c, k)


@pytest.mark.parametrize(
    ("passed", "n", "low", "high"),
    # Newcombe 1998, Stat. Med. 17, 857, table I, method 3 (score without continuity correction)
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilson_gives_published_intervals(passed: int, n: int, low: float, high: float) -> None:
    assert wilson(passed / n, n) == pytest.approx((low, high), abs=6e-5)


def test_one_cluster_per_value() -> None:
    """Single answers that pass or fail are Wilson's own case; the variance of anything else is estimated."""
    interval = clustered_interval([1.0] * 30 + [0.0] * 70, range(100), "task")
    assert (interval.low, interval.high) == pytest.approx(wilson(0.3, 100), abs=1e-12)
    partial = clustered_interval([0.9] * 30 + [0.1] * 70, range(100), "task")
    # se^2 = s^2 / n with s^2 = 0.8^2 0.3 0.7 n / (n - 1), and n_eff = p (1 - p) / se^2 times (z / t_99)^2, at most n
    wanted = min(100, 0.34 * 0.66 / (0.64 * 0.21 / 99)) * (1.959964 / 1.984217) ** 2
    assert (partial.low, partial.high) == pytest.approx(wilson(0.34, wanted), abs=1e-6)


def test_equal_values_leave_nothing_to_estimate() -> None:
    """Whatever the value: a cluster counts as one trial."""
    for value in (0.0, 0.05, 1.0):
        interval = clustered_interval([value] * 6, "aabbcc", "family")
        assert (interval.low, interval.high) == pytest.approx(wilson(value, 3), abs=1e-12)


def test_identical_answers_within_a_family_count_once() -> None:
    values = [0.9, 0.0, 1.0, 1.0, 0.0]
    once = clustered_interval(values, range(5), "family")
    repeated = clustered_interval(
        [v for v in values for _ in range(10)], [i for i in range(5) for _ in range(10)], "family"
    )
    assert (repeated.low, repeated.high) == pytest.approx((once.low, once.high), abs=1e-12)


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_all_right_in_four_families_is_four_trials(value: float) -> None:
    tasks = [trials(f, str(i), value, value) for f in "abcd" for i in range(3)]
    interval = mean_interval(tasks)
    assert interval is not None
    assert (interval.mean, interval.clusters, interval.clustered_by) == (value, 4, "family")
    assert (interval.low, interval.high) == pytest.approx(wilson(value, 4), abs=1e-12)


def test_clusters_become_finer_when_there_is_only_one() -> None:
    family = [trials("a", str(i), *v) for i, v in enumerate([(1, 1), (0, 1), (0, 0)])]
    by_task, by_trial = mean_interval(family), mean_interval(family[1:2])
    assert by_task is not None
    assert by_trial is not None
    assert (by_task.clustered_by, by_task.clusters) == ("task", 3)
    assert (by_trial.clustered_by, by_trial.low, by_trial.high) == ("trial", *wilson(0.5, 2))


def test_mean_weighs_tasks_equally_and_leaves_out_unscored_ones() -> None:
    interval = mean_interval([trials("a", "1", 1, 1, 1, 1), trials("a", "2", 0), trials("b", "3")])
    assert interval is not None
    assert (interval.mean, interval.tasks) == (0.5, 2)
    assert mean_interval([trials("a", "1")]) is None


def test_pass_at_k_over_tasks() -> None:
    tasks = [trials("a", "1", 1, 0, 0), trials("b", "2", 0, 0, 0), trials("c", "3", 1)]
    two = pass_at_k_interval(tasks, 2)
    assert two is not None
    assert two.mean == pytest.approx((pass_at_k(3, 1, 2) + 0) / 2)
    assert two.tasks == 2
    assert pass_at_k_interval(tasks, 4) is None
    one, mean = pass_at_k_interval(tasks, 1), mean_interval(tasks)
    assert one is not None
    assert mean is not None
    assert (one.mean, one.low, one.high) == pytest.approx((mean.mean, mean.low, mean.high))


def test_values_outside_the_unit_interval_are_refused() -> None:
    with pytest.raises(ValueError):
        clustered_interval([0.5, 1.5], [0, 1], "task")
    with pytest.raises(ValueError):
        clustered_interval([], [], "task")


@pytest.mark.parametrize(("families", "tasks", "epochs", "spread"), [(4, 3, 1, 0.5), (4, 3, 4, 2.0), (20, 5, 4, 1.0)])
def test_intervals_cover_the_truth(families: int, tasks: int, epochs: int, spread: float) -> None:
    """Success rates differ between families (beta-distributed) and between tasks; the 95 % interval must hold 95 %."""
    rng = np.random.default_rng(7)
    covered = []
    for truth in (0.1, 0.5, 0.9):
        for _ in range(200):
            family = rng.beta(2 * spread * truth, 2 * spread * (1 - truth), families).clip(1e-3, 1 - 1e-3)
            sample = [
                trials(
                    str(f), str(i), *(rng.random(epochs) < rng.beta(4 * family[f], 4 * (1 - family[f]))).astype(float)
                )
                for f in range(families)
                for i in range(tasks)
            ]
            interval = mean_interval(sample)
            assert interval is not None
            covered.append(interval.low <= truth <= interval.high)
    assert np.mean(covered) > 0.93


def test_paired_differences_by_hand() -> None:
    first = [
        trials("a", "1", 0.0),
        trials("a", "2", 0.0),
        trials("b", "1", 0.5),
        trials("c", "1", 0.25, 0.75),
        trials("d", "1", 1.0),
    ]
    second = [
        trials("a", "1", 1.0),
        trials("a", "2", 0.0),
        trials("b", "1", 1.0),
        trials("c", "1", 0.75),
        trials("e", "1", 1.0),
    ]
    found = paired_difference(first, second)
    # per task: 1, 0, 0.5, 0.25; per family: 1, 0.5, 0.25, all of one sign: two of eight ways are as large
    assert (found.tasks, found.clusters, found.clustered_by) == (4, 3, "family")
    assert found.mean == pytest.approx(1.75 / 4)
    assert found.p == found.least_p == pytest.approx(2 / 8) and found.differing == 3
    residuals = (1 - 2 * 0.4375, 0.5 - 0.4375, 0.25 - 0.4375)
    error = math.sqrt(3 / 2 * sum(r * r for r in residuals)) / 4
    assert found.high == pytest.approx(min(1.0, found.mean + 4.302652729749464 * error))
    assert paired_difference(second, first).mean == pytest.approx(-found.mean)
    same = paired_difference(first, first)
    assert (same.mean, same.p, same.low, same.high, same.differing, same.least_p) == (0, 1, 0, 0, 0, 1)
    assert paired_difference(first[:2], second[:2]).clustered_by == "task"
    with pytest.raises(ValueError, match="no scored task in common"):
        paired_difference(first[-1:], second[-1:])


@pytest.mark.parametrize("families", [6, 15, 20])
def test_chance_is_called_significant_no_more_often_than_it_says(families: int) -> None:
    """Two alike whose families differ in difficulty: 5 % of the comparisons, or less, have p below 0.05."""
    rng = np.random.default_rng(families)
    found, covered = [], []
    for _ in range(300):
        levels = rng.beta(1, 1, families)
        pair = [
            [trials(str(f), str(k), float(rng.random() < level)) for f, level in enumerate(levels) for k in range(4)]
            for _ in range(2)
        ]
        compared = paired_difference(*pair)
        found.append(compared.p)
        covered.append(compared.low <= 0 <= compared.high)
    assert np.mean(np.array(found) < 0.05) <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / 300)
    assert np.mean(covered) >= 0.95 - 3 * math.sqrt(0.05 * 0.95 / 300)
    assert min(found) >= 2 / 2**families


def test_the_mean_of_independent_means_covers_the_truth_as_often_as_it_says() -> None:
    """Three proportions of different size, 2000 times: 95 % within three standard errors of that share."""
    rng = np.random.default_rng(5)
    truth, sizes, times = (0.15, 0.5, 0.8), (40, 60, 80), 2000
    hits = 0
    for _ in range(times):
        found = []
        for share, n in zip(truth, sizes, strict=True):
            seen = rng.binomial(n, share) / n
            found.append(Interval(seen, *wilson(seen, n), tasks=n, clusters=n, clustered_by="task"))
        both = mean_of(found)
        hits += both.low <= sum(truth) / 3 <= both.high
    assert hits / times == pytest.approx(0.95, abs=3 * (0.95 * 0.05 / times) ** 0.5 + 0.005)
    one = Interval(0.5, 0.4, 0.7, tasks=9, clusters=3, clustered_by="family")
    assert (mean_of([one]).low, mean_of([one]).high) == pytest.approx((0.4, 0.7))
    with pytest.raises(ValueError, match="of nothing"):
        mean_of([])


def test_rounding_errors_are_no_difference() -> None:
    """The mean of 0.1 three times is not 0.1 in binary."""
    families = [f"f{number}" for number in range(10)]
    thrice = [TaskTrials(f"{family}/a", family, (0.1, 0.1, 0.1)) for family in families]
    once = [TaskTrials(f"{family}/a", family, (0.1,)) for family in families]
    found = paired_difference(thrice, once)
    assert (found.mean, found.p) == (0.0, 1.0)
