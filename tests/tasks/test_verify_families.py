"""A small part of the suite verified for real, another one every day.

`make verify-shard` verifies a larger part, and what has changed; `make verify-full` every task. MDEVALBENCH_SHARD=N
gives the part of another day again.
"""

from __future__ import annotations

import os

import pytest

from mdevalbench.lammps.pool import Pool
from mdevalbench.scorers.judge import Judge
from mdevalbench.tasks import load_suite
from mdevalbench.tasks.verification.shard import choose
from mdevalbench.tasks.verification.verify import verify

BUDGET = 500.0
"""CPU seconds, of which the part of the day has half, or more for a single task that takes longer"""


@pytest.mark.slow
def test_right_scripts_pass_and_wrong_ones_fail() -> None:
    """Of second solutions, benign changes and new seeds one each may miss: 1 % of right runs do by design."""
    number = os.environ.get("MDEVALBENCH_SHARD")
    ready = [task for task in load_suite("codegen") if task.reference is not None]
    shard = choose(ready, int(number) if number else None, budget=BUDGET)
    print(f"{shard.in_words}; MDEVALBENCH_SHARD={shard.number}")
    with Pool(2) as pool:
        report = verify(shard.tasks, Judge(pool), jobs=2, spared=1)
    assert not report.harness_faults, report.offenders
    assert report.ok, report.offenders
    assert report.groups["wrong"].total >= 3 * len(shard.tasks)
