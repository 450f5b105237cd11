"""One judge for the tests of this folder, and judgements made by hand."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from mdevalbench.lammps.pool import Pool
from mdevalbench.scorers.judge import Judge
from mdevalbench.tasks.scripts import Kind
from mdevalbench.tasks.verification.judgements import Judgement
from mdevalbench.types import Measurement, Reference


@pytest.fixture(scope="session")
def judge() -> Iterator[Judge]:
    """A judge with two workers, kept for the whole session."""
    with Pool(2) as pool:
        yield Judge(pool)


def make_judgement(
    kind: Kind = "reference",
    passed: bool = True,
    *,
    task: str = "pressure/dense",
    name: str = "",
    seed: int | None = None,
    value: float | None = 1.0,
    uncertainty: float = 0.1,
    dof: float | None = None,
    reference: Reference | None = None,
    reference_dof: float | None = None,
    stochastic: bool = True,
    two_sided: bool = True,
    script_seconds: float | None = 2.0,
    reasons: tuple[str, ...] = (),
) -> Judgement:
    """A judgement; the reference is 1 +- 0 with a tolerance of 0.3 by default."""
    return Judgement(
        key=f"{task} {kind} {name} {seed}",
        task=task,
        kind=kind,
        name=name or kind,
        seed=seed,
        stochastic=stochastic,
        two_sided=two_sided,
        passed=passed,
        outcome="scored",
        stage="passed" if passed else "measured",
        reward=float(passed),
        measured=None if value is None else Measurement(value=value, uncertainty=uncertainty, unit="bar", dof=dof),
        reference=reference or Reference(value=1.0, uncertainty=0.0, tolerance=0.3, unit="bar"),
        reference_dof=reference_dof,
        claim=value,
        reasons=reasons,
        cpu_seconds=4.0,
        script_seconds=script_seconds,
        task_digest="t",
        script_digest="s",
        judge_digest="j",
        lammps="2025.7.22",
        package="0.1.0",
        date="2026-11-23",
    )


@pytest.fixture
def judgement() -> Callable[..., Judgement]:
    """`make_judgement`, for tests of statistics."""
    return make_judgement
