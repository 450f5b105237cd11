"""A pool that is fed right, wrong and hostile scripts while its workers are killed (tools/endurance.py, in small)."""

from __future__ import annotations

import random
import subprocess
import sys

import endurance
import pytest
from endurance import MEBIBYTE, MOST_GROWTH, SETTLED


def test_a_leak_is_told_from_what_comes_and_goes() -> None:
    chance = random.Random(4711)
    runs = 4 * SETTLED
    scatter = [(70 + chance.randrange(20)) * MEBIBYTE for _ in range(runs)]
    leaking = [now + 2 * MOST_GROWTH * MEBIBYTE * done / runs for done, now in enumerate(scatter)]
    assert abs(endurance.growth(scatter) or 0) < MOST_GROWTH / 2
    assert (endurance.growth(leaking) or 0) > 0.8 * MOST_GROWTH
    assert endurance.growth(scatter[:-1]) is None


@pytest.mark.slow
def test_nothing_is_lost_mixed_up_or_left_behind() -> None:
    command = [sys.executable, endurance.__file__, "--runs", "800", "--kill-every", "1"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert "800 of 800 runs" in done.stdout
    assert "\n0 workers killed" not in done.stdout
