"""Ensembles told from live fixes."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from mdevalbench.lammps.evidence import FixInfo, Segment
from mdevalbench.observables import box_is_free, ensemble, only_watches, plain_style

INTEGRATING = ("nve", "nvt", "npt", "nph", "rigid", "move", "brownian", "nve/limit", "gjf")


def fix_info(number: int, text: str) -> FixInfo:
    style, *args = text.split()
    style, _, atoms = style.partition("*")
    acts = style in INTEGRATING or style.split("/")[0] in INTEGRATING
    return FixInfo(str(number), style, int(atoms or 8), acts, tuple(args))


@pytest.fixture
def stage(make_loop: Any, make_settings: Any, make_samples: Any) -> Callable[..., Segment]:
    """Makes a stage of 8 atoms; a fix is `style`, `style*atoms` or `style arguments`."""

    def make(*fixes: str, kind: str = "verlet", pair_style: str = "lj/cut", **changes: Any) -> Segment:
        settings = make_settings(fixes=tuple(fix_info(*f) for f in enumerate(fixes)), pair_style=pair_style)
        return Segment((make_loop(kind=kind, settings=settings, samples=make_samples(np.arange(4.0)), **changes),), 0)

    return make


ENSEMBLES = {
    "nve": "nve; nve/omp; nve/sphere; nve/sphere/omp; rigid; rigid/small*4 + nve*4; nve + shake; "
    "nve + ave/time + momentum",
    "nvt": "nvt; nvt/kk; nvt/sllod; nvt/uef; rigid/nvt/small; nve + langevin; nve + temp/berendsen; nve + temp/csvr; "
    "nve + temp/csld; nve + temp/rescale; nve*4 + langevin*4; nve*4 + langevin*8; nvt*4 + nvt*4; "
    "rigid langevin 1 1 1 5",
    "npt": "npt; npt/cauchy; npt/asphere; npt/omp; nph + langevin; nve + temp/berendsen + press/berendsen",
    "nph": "nph; nph/sphere; nve + press/berendsen",
    "other": "nve + langevin*4; nve + nvt; nve + nve; nvt*4 + nve*4; rigid*4 + nvt*4; nvt/sllod + deform; "
    "nve + viscous; nve + heat; nve/limit; nve/noforce; move linear 1 0 0; brownian; nve*4 + move*4",
    "frozen": "langevin; ave/time + setforce; print",
}


@pytest.mark.parametrize(
    ("fixes", "expected"), [(fixes, name) for name, cases in ENSEMBLES.items() for fixes in cases.split("; ")]
)
def test_ensembles(fixes: str, expected: str, stage: Callable[..., Segment]) -> None:
    assert ensemble(stage(*fixes.split(" + "))) == expected


def test_no_fixes_integrate_nothing(stage: Callable[..., Segment]) -> None:
    assert ensemble(stage()) == "frozen"


def test_minimisation_and_dissipative_particles(stage: Callable[..., Segment]) -> None:
    assert ensemble(stage("nve", kind="min")) == "minimisation"
    assert ensemble(stage("nve", pair_style="dpd")) == "nvt"
    assert ensemble(stage("nve", pair_style="dpd/fdt")) == "nve"


@pytest.mark.parametrize(
    ("fix", "kind", "free"),
    [
        ("box/relax", "min", True), ("print", "min", False), ("npt", "verlet", True),
        ("press/berendsen", "verlet", True), ("nvt", "verlet", False), ("rigid/nph/small", "verlet", True),
    ],
)  # fmt: skip
def test_a_free_box(fix: str, kind: str, free: bool, stage: Callable[..., Segment]) -> None:
    assert box_is_free(stage(fix, kind=kind)) is free


def test_a_box_that_changed_within_a_loop_was_free(stage, make_frame, cubic) -> None:
    plain = stage("nve")
    frames = [make_frame(np.zeros((1, 3)), cubic(edge)) for edge in (2.0, 2.0, 2.1)]
    assert not box_is_free(Segment((replace(plain.loops[0], frames=tuple(frames[:2])),), 0))
    assert box_is_free(Segment((replace(plain.loops[0], frames=tuple(frames)),), 0))


def test_styles_without_accelerators() -> None:
    assert [plain_style(s) for s in ("nve/omp", "nvt/kk", "npt/kk/device", "ave/time", "nve/sphere")] == [
        "nve", "nvt", "npt", "ave/time", "nve/sphere",
    ]  # fmt: skip
    assert only_watches("ave/time")
    assert only_watches("print")
    assert not only_watches("langevin")
    assert not only_watches("setforce")
    assert not only_watches("ave")


def test_a_loop_of_which_nothing_was_recorded_has_an_ensemble(make_loop, make_settings) -> None:
    fixes = (FixInfo("1", "rigid", 4, True), FixInfo("2", "nve", 4, True))
    assert ensemble(Segment((make_loop(settings=make_settings(fixes=fixes)),), 0)) == "nve"
