"""One task of each family verified for real; `mdevalbench tasks verify` does all."""

from __future__ import annotations

import pytest

from mdevalbench.lammps.pool import Pool
from mdevalbench.scorers.judge import Judge
from mdevalbench.tasks import load_family
from mdevalbench.tasks.loading import family_names
from mdevalbench.tasks.verify import verify


@pytest.mark.slow
@pytest.mark.parametrize("family", family_names())
def test_right_scripts_pass_and_wrong_ones_fail(family: str) -> None:
    """Of benign changes and new seeds one may miss: 1 % of right runs lie outside the tolerance by design."""
    with Pool(2) as pool:
        report = verify(load_family(family)[:1], Judge(pool), jobs=2)
    assert not report.harness_faults, report.offenders
    allowed = {"benign": 1, "reseeds": 1}
    for name, tally in report.groups.items():
        assert tally.good >= tally.total - allowed.get(name, 0), (name, report.offenders)
    assert report.groups["wrong"].total >= 3
