"""A pool for the tests of the tools."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from mdevalbench.lammps.pool import Pool


@pytest.fixture(scope="module")
def pool() -> Iterator[Pool]:
    """One worker."""
    with Pool(1) as workers:
        yield workers
