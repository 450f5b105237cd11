"""One judge for the tests of this folder."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from mdevalbench.lammps.pool import Pool
from mdevalbench.scorers.judge import Judge


@pytest.fixture(scope="session")
def judge() -> Iterator[Judge]:
    """A judge with two workers, kept for the whole session."""
    with Pool(2) as pool:
        yield Judge(pool)
