"""Which stages count, how well a stage fits, and what is said when none does."""

from dataclasses import replace

import numpy as np
import pytest

from mdevalbench.errors import Unmeasured, UsageError
from mdevalbench.lammps.evidence import Edit, Evidence, FixInfo
from mdevalbench.observables import Near, Selection, conditions, nearest, select, stages
from mdevalbench.observables.estimator import estimator, get_estimator

NVE = (FixInfo("1", "nve", 8, True),)
NVT = (FixInfo("1", "nvt", 8, True),)


@pytest.fixture
def hot(make_loop, make_settings, make_samples):
    """Makes a loop of 8 atoms at some temperature, with fixes and a duration; edge 2, so that the density is 1."""

    def make(temperature: float, fixes=NVT, duration: float = 100.0, **changes):
        random = np.random.default_rng(1)
        time = np.linspace(0, duration, 200)
        kinetic = np.zeros((200, 6))
        kinetic[:, :3] = temperature * 7 * (1 + 0.1 * random.normal(size=(200, 1)))  # 21 degrees of freedom of 8 atoms
        rows = make_samples(time, kinetic=kinetic)
        return make_loop(samples=rows, duration=duration, settings=make_settings(fixes=fixes), **changes)

    return make


def test_the_last_stage_that_fits_counts(hot) -> None:
    last = hot(0.9, index=2, line=12)
    evidence = Evidence(
        (
            hot(1.0, fixes=NVE),
            hot(0.9, index=1, edit=Edit(velocity=1.0)),
            replace(last, edit=Edit(cell=True)),
            hot(0.9, NVE, 0.0),
        )
    )
    wanted = Selection(ensemble=("nvt",), temperature=Near(0.9, 0.05), min_time=50.0)
    (chosen,) = select(evidence, wanted)
    assert chosen.loops[0].index == 2
    assert len(select(evidence, replace(wanted, role="all"))) == 2


def test_the_longest_stage_counts(hot) -> None:
    evidence = Evidence((hot(1.0, NVE, 30.0), hot(1.0, NVT, 40.0), hot(1.0, NVE, 20.0)))
    assert select(evidence, Selection(role="longest"))[0].duration == 40.0
    assert select(evidence, Selection(role="longest", ensemble=("nve",)))[0].duration == 30.0


def test_fixes_that_watch_do_not_end_a_stage(hot) -> None:
    watched = (*NVT, FixInfo("a", "ave/time", 8, False))
    evidence = Evidence((hot(1.0, NVT, 30.0), hot(1.0, watched, 40.0), hot(1.0, NVE, 5.0)))
    assert [stage.duration for stage in stages(evidence)] == [70.0, 5.0]
    edited = Evidence((hot(1.0, NVT, 30.0), hot(1.0, watched, 40.0, edit=Edit(velocity=0.1))))
    assert [stage.duration for stage in stages(edited)] == [30.0, 40.0]


def test_conditions_fall_off_smoothly(hot) -> None:
    (stage,) = stages(Evidence((hot(1.0),)))

    def met(**wanted) -> float:
        return conditions(stage, Selection(**wanted))[-1].met

    assert met(temperature=Near(1.0, 0.05)) == 1.0
    assert met(temperature=Near(1.1, 0.05)) == pytest.approx(np.exp(-1), rel=0.25)
    assert 0 < met(temperature=Near(2.0, 0.05)) < 1e-6
    assert met(density=Near(1.0, 0.01)) == 1.0
    assert met(density=Near(1.02, 0.01)) == pytest.approx(np.exp(-1))
    assert met(pressure=Near(7 / 8, 0.05)) == 1.0  # 2 KE / (3 V) of 8 atoms with 21 degrees of freedom at T = 1
    assert met(min_time=50.0) == 1.0
    assert met(min_time=100.0) == 1.0
    assert met(min_time=200.0) == pytest.approx(0.5)
    assert [met(ensemble=(e,)) for e in ("nvt", "nve", "npt", "nph")] == [1.0, 0.5, 0.5, 0.25]
    assert met(kind="minimisation") == 0.0
    assert met(kind="any") == 1.0


def test_a_stage_in_which_nothing_moves_is_no_ensemble(hot) -> None:
    (stage,) = stages(Evidence((hot(1.0, fixes=()),)))
    assert conditions(stage, Selection(ensemble=("nve",)))[-1].met == 0.0


def test_reasons_name_what_came_nearest(hot) -> None:
    evidence = Evidence((hot(0.71, line=9, command="run 20000"), hot(0.1, NVE, 5.0)))
    wanted = Selection(ensemble=("nvt",), temperature=Near(1.2, 0.06), min_time=400.0)
    with pytest.raises(
        Unmeasured,
        match=r"'run 20000' on line 9.*temperature 0\.7\d* \S+ \(accepted: 1\.2 \+- 0\.06 .*100 \S+ \(accepted: 400",
    ):
        select(evidence, wanted)
    found = nearest(evidence, wanted)
    assert found is not None
    assert found[0].loops[0].line == 9
    with pytest.raises(Unmeasured, match="nothing ran"):
        select(Evidence(), wanted)
    assert nearest(Evidence(), wanted) is None


def test_of_stages_that_fit_equally_badly_the_longest_is_named(hot) -> None:
    evidence = Evidence((hot(5.0, NVT, 30.0, index=0), hot(5.0, NVE, 90.0, index=1), hot(5.0, NVT, 1e-6, index=2)))
    found = nearest(evidence, Selection(kind="minimisation"))
    assert found is not None
    assert found[0].loops[0].index == 1


def test_minimisations_are_selected_by_kind(make_loop, hot) -> None:
    relaxed = make_loop(kind="min", duration=0.0, command="minimize 0 1e-8 100 1000")
    evidence = Evidence((hot(1.0), relaxed))
    assert select(evidence, Selection(kind="minimisation"))[0].loops[0].kind == "min"
    assert select(evidence, Selection())[0].is_dynamics
    with pytest.raises(Unmeasured, match="temperature unknown"):
        select(Evidence((relaxed,)), Selection(kind="any", temperature=Near(1.0, 0.1)))


def test_the_equilibration_at_the_beginning_of_a_stage_is_left_out(make_loop, make_samples, make_settings) -> None:
    kinetic = np.full((300, 6), 7.0)
    kinetic[:45] *= 3
    loop = make_loop(samples=make_samples(np.arange(300.0), kinetic=kinetic), settings=make_settings(fixes=NVT))
    assert select(Evidence((loop,)), Selection(temperature=Near(1.0, 0.01)))


def test_a_selection_in_other_units() -> None:
    metal = Selection(temperature=Near(300.0, 5.0), pressure=Near(1.0, 0.5), density=Near(0.01, 0.001), min_time=10.0)
    real = metal.in_units("metal", "real")
    assert real.min_time == pytest.approx(10_000.0)
    assert real.temperature == Near(300.0, 5.0)
    assert real.density == Near(pytest.approx(0.01), pytest.approx(0.001))
    assert real.pressure == Near(pytest.approx(1e5 / 101325), pytest.approx(0.5e5 / 101325))
    with pytest.raises(UsageError):
        metal.in_units("metal", "lj")


def test_estimators_are_found_by_name() -> None:
    with pytest.raises(UsageError, match=r"unknown estimator 'colour'.*diffusion_msd.*mean_pressure"):
        get_estimator("colour")
    with pytest.raises(UsageError, match="two estimators called 'mean_pressure'"):
        estimator("mean_pressure")(get_estimator("mean_temperature"))
    assert get_estimator("mean_pressure").__name__ == "mean_pressure"
