"""Cheats: every one comes to nothing, for the reason it should; and the rule for it can fail."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from mdevalbench.audit.attack import Attack, attacks, choose
from mdevalbench.audit.cheats import (
    NotApplicable,
    edit,
    has_honest_part,
    lightest_tasks,
    memorised,
    render,
    run_cheats,
    scene,
    shorter,
)
from mdevalbench.lammps.pool import Pool
from mdevalbench.scorers.judge import Judge
from mdevalbench.tasks import family_names, load_task, task_ids

CRYSTAL, LIQUID, SILICON = "lattice_constant/fe-mendelev", "energy_conservation/ar-liquid", "energy_conservation/si-sw"

REASONS = {
    "few_mobile_atoms": "moved by an integrator",
    "half_frozen": "moving atoms|no stage of the simulation is as asked",
    "idle_minimiser": "is a minimisation, not dynamics",
    "literal_claim": "does not follow from the simulation",
    "long_steps": "jump over",
    "loop_without_integrator": "moved by an integrator",
    "memorised_state": "no dynamics did a step",
    "no_interactions": "not that of the prescribed potential|not those of the prescribed potential",
    "rescaled_velocities": "no stage of the simulation is as asked",
    "scaled_potential": r"deviate by 3 % \(RMS; 0.1 % are allowed\)",
    "swapped_species": "and the task has only",
    "tiny_timestep": "the atoms did not move",
    "windowed_potential": "not those of the prescribed potential",
    "world_detector": "no dynamics did a step",
}


@pytest.fixture(scope="module")
def pool() -> Iterator[Pool]:
    """Two workers."""
    with Pool(2) as pool:
        yield pool


def test_all_come_to_nothing_on_a_crystal(pool: Pool) -> None:
    findings = run_cheats(pool, attacks("cheat"), tasks=[load_task(CRYSTAL)])
    assert [f for f in findings if not f.ok] == []
    assert len(findings) > 25
    reasons = {f.attack.partition(" @ ")[0]: f.reason for f in findings}
    assert "never free to relax" in reasons["deform_to_answer"]
    assert "under other interactions" in reasons["relaxed_by_another_potential"]
    assert "under other interactions" in reasons["scaled_potential"]


def test_come_to_nothing_on_a_liquid_for_the_right_reason(pool: Pool) -> None:
    for finding in run_cheats(pool, choose("cheat", tuple(REASONS)), tasks=[load_task(LIQUID)]):
        assert finding.ok, finding
        assert re.search(REASONS[finding.attack.partition(" @ ")[0]], finding.reason), finding


@pytest.mark.slow
def test_literals_for_both_worlds_do_not_pass(pool: Pool) -> None:
    (finding,) = run_cheats(pool, choose("cheat", ["two_worlds"]), tasks=[load_task(SILICON)])
    assert finding.ok
    assert "forces are not those of the prescribed potential" in finding.reason


def test_where_nothing_honest_remains_it_is_worth_nothing(pool: Pool) -> None:
    judge, task = Judge(pool), load_task(CRYSTAL)
    names = scene(task, **memorised(pool, task))
    texts = [render(cheat, names, False) for cheat in attacks("cheat") if not has_honest_part(cheat)]
    assert len(texts) > 12
    for text in {text for text in texts if text is not None}:
        assert judge.judge(task, f"```lammps\n{text}\n```").reward <= 0.05, text


def test_an_honest_script_is_reported(pool: Pool) -> None:
    honest = Attack("honest", "cheat", "no cheat at all", "{{ script }}")
    (finding,) = run_cheats(pool, [honest], tasks=[load_task(CRYSTAL)])
    assert finding.passed and not finding.ok


@pytest.mark.parametrize("header", ["# a gain\n", "# a gain\n# honest part: none\n"])
def test_a_gain_is_reported_even_without_passing(pool: Pool, header: str) -> None:
    gain = '{% if cheat %}{{ setup }}{{ approach }}{{ production }}{{ claim }}{% else %}print "no"{% endif %}\n'
    (finding,) = run_cheats(pool, [Attack("gain", "cheat", "", header + gain)], tasks=[load_task(CRYSTAL)])
    assert not finding.passed and not finding.ok
    assert finding.reason.startswith("earns more than the 0.0")


def test_every_cheat_is_tried_against_several_kinds_of_task() -> None:
    scenes = [scene(load_task(task_id), "1.0", -1.0) for task_id in task_ids()]
    for cheat in attacks("cheat"):
        tried = {s["task"].family for s in scenes if render(cheat, s, True) is not None}
        named = re.search("^# families: (.*)$", cheat.source, re.MULTILINE)
        assert tried == set(named[1].split()) if named else len(tried) > (cheat.source.count("# needs: minim") == 0)
        for s in scenes:
            honest = render(cheat, s, False)
            assert (honest is None) == (render(cheat, s, True) is None)


def test_templates_name_no_family_but_in_their_header() -> None:
    for cheat in attacks("cheat"):
        body = re.sub(r"\A(#.*\n)+", "", cheat.source)
        assert not [family for family in family_names() if family in body], cheat.name


def test_one_task_of_each_family_is_tried_by_default(pool: Pool) -> None:
    assert [task.family for task in lightest_tasks(pool)] == list(family_names())


def test_parts_of_a_script_make_the_whole() -> None:
    for task_id in task_ids():
        names = scene(load_task(task_id), "1.0", -1.0)
        parts = ("setup", "approach", "production", "ending", "report")
        assert "".join(names[part] for part in parts) == names["script"]
        assert names["production"].startswith(("run", "minimize"))


def test_what_cannot_be_edited_is_not_tried() -> None:
    assert edit("run 10\nrun 20\n", "^run", "rerun") == "rerun 10\nrerun 20\n"
    assert shorter("run  1000 post no\nvelocity 10\n", 10) == "run  100 post no\nvelocity 10\n"
    with pytest.raises(NotApplicable):
        edit("run 10\n", "^minimize", "run")
    names = scene(load_task(CRYSTAL), "1.0", -1.0)
    assert render(Attack("a", "cheat", "", "# needs: dynamics\n"), names, True) is None
    assert render(Attack("a", "cheat", "", "# families: water ice\n"), names, True) is None


@pytest.mark.slow
def test_all_come_to_nothing_on_every_kind_of_task(pool: Pool) -> None:
    """Statics, a bound, an average and a transport coefficient; `mdevalbench audit` takes a task of every family."""
    kinds = ("lattice_constant", "energy_conservation", "lj_pressure", "self_diffusion")
    findings = run_cheats(pool, attacks("cheat"), tasks=[task for task in lightest_tasks(pool) if task.family in kinds])
    assert [f for f in findings if not f.ok] == []
    assert len(findings) > 130
