"""A recipe small enough for tests, and two workers that all tests of training share."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from mdevalbench.lammps.pool import Pool
from mdevalbench.scorers.rewards import Rewards
from mdevalbench.training.recipe import Recipe, read_recipe

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


@pytest.fixture
def tiny() -> Recipe:
    return read_recipe("tiny")


@pytest.fixture(scope="session")
def rewards() -> Iterator[Rewards]:
    with Pool(2) as pool:
        yield Rewards(pool)
