"""One pool for all tests of the engine."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from mdevalbench.lammps.pool import Pool


@pytest.fixture(scope="session")
def pool() -> Iterator[Pool]:
    """Two workers, kept for the whole session."""
    with Pool(2) as workers:
        yield workers
