"""Have LAMMPS stop a script, and mend it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from mending import Mender

from mdevalbench.lammps.job import Job, Run
from mdevalbench.lammps.pool import Pool
from mdevalbench.lammps.remedies import Remedy, remedy


@pytest.fixture(scope="session")
def pool() -> Iterator[Pool]:
    """One worker."""
    with Pool(1) as worker:
        yield worker


@pytest.fixture
def mend(pool: Pool) -> Mender:
    """Run a script, apply the remedy, and again, at most five times: the last script, all remedies, the last run."""

    def mend(script: str) -> tuple[str, list[Remedy], Run]:
        remedies: list[Remedy] = []
        for _ in range(5):
            run = pool.run(Job(script))
            found = remedy(script, run.error, run.output)
            remedies += [found] if found else []
            if found is None or not found.edits:
                break
            script = found.apply(script)
        return script, remedies, pool.run(Job(script))

    return mend
