"""One judge for all tests of scoring."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from mdevalbench.lammps.pool import Pool
from mdevalbench.scorers.judge import Judge


@pytest.fixture(scope="session")
def judge() -> Iterator[Judge]:
    """Two workers, no cache."""
    with Pool(2) as pool:
        yield Judge(pool)
