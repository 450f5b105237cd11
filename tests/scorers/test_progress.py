"""The lower rungs: what belongs to a task earns by how much of it was done, what does not earns nothing."""

from __future__ import annotations

import re

import pytest

from mdevalbench.scorers.judge import Judge
from mdevalbench.tasks import load_task, render_reference
from mdevalbench.types import Stage, Verdict

CRYSTAL, LIQUID = "lattice_constant/cu-mishin", "energy_conservation/ar-liquid"


def judged(judge: Judge, task_id: str, *edits: tuple[str, str]) -> Verdict:
    """Verdict on the task's reference script with regular expressions replaced; each must occur."""
    script = render_reference(load_task(task_id))
    for pattern, replacement in edits:
        script, count = re.subn(pattern, replacement, script, flags=re.MULTILINE)
        assert count, f"{pattern} does not occur"
    return judge.judge(load_task(task_id), f"```lammps\n{script}```\n")


def test_a_script_that_fails_halfway_keeps_what_it_earned(judge: Judge) -> None:
    verdict = judged(judge, LIQUID, (r"^unfix +heat", "unfix heat\nrun 625\nbroken command"))
    assert verdict.stage is Stage.STARTED
    before = judged(judge, LIQUID, (r"^unfix +heat", "broken command"))
    assert 0.4 < before.reward - 0.005 < verdict.reward < 0.6
    crystal = judged(judge, CRYSTAL, (r"^unfix +relax", "unfix relax\nbroken command"))
    assert crystal.reward >= 0.25


def test_more_steps_earn_more(judge: Judge) -> None:
    rewards = []
    for steps in (25, 100, 400):
        rewards.append(judged(judge, LIQUID, (r"^run +[0-9]+", f"run {steps}")).reward)
    assert rewards == sorted(set(rewards))
    assert 0.10 <= rewards[0] < rewards[-1] < 0.6


def test_interactions_that_resemble_the_prescribed_ones_earn_more_than_others(judge: Judge) -> None:
    def reward(pair_style: str, coefficients: str) -> float:
        edits = ((r"^pair_style.*", f"pair_style {pair_style}"), (r"^pair_coeff.*", f"pair_coeff * * {coefficients}"))
        return judged(judge, LIQUID, *edits).reward

    nearly, less, other = (reward("lj/smooth/linear 8.5", f"{e} 3.405") for e in (0.01037, 0.0107, 0.02))
    assert nearly > less > other == 0.05
    assert nearly < 0.25
    assert reward("zero 8.5", "") == 0.05


def test_the_command_that_made_the_interactions_others_comes_first(judge: Judge) -> None:
    edits = ((r"^pair_coeff.*", "pair_coeff * * 0.0107 3.405"),)
    verdict = judged(judge, LIQUID, *edits)
    line = next(n for n, text in enumerate(render_reference(load_task(LIQUID)).splitlines(), 1) if "pair_coeff" in text)
    assert verdict.reasons[0].startswith(f"line {line} has `pair_coeff * * 0.0107 3.405`, the task prescribes `0.0")
    early = judged(judge, LIQUID, *edits, (r"^run .*", "run 25"))  # nothing to measure, and yet it is named
    assert early.reasons[0].startswith(f"line {line} has")


def test_a_compound_without_one_of_its_elements_is_another_substance(judge: Judge) -> None:
    """Silicon where silicon carbide is asked for, under the prescribed potential."""
    task = load_task("cohesive_energy/sic-erhart")
    script = render_reference(task)
    silicon, count = re.subn(r"basis +([5-8]) +2", r"basis \1 1", script)
    assert count == 4
    verdict = judge.judge(task, f"```lammps\n{silicon}```\n")
    assert not verdict.passed and verdict.components.conditions == 0.0
    assert any("composition" in reason for reason in verdict.reasons)


@pytest.mark.parametrize(
    ("edits", "why"),
    [
        (
            ((r"^fix +move.*", "group one id 1\nfix move one nve"), (r"^fix +heat", "fix heat")),
            "moved by an integrator",
        ),
        (((r"^timestep.*", "timestep 0.5"), (r" zero yes", "")), "jump over"),
        (((r"^velocity.*", ""), (r"^fix +heat.*", "fix heat all momentum 1 linear 1 1 1")), "did not move"),
        (((r"block 0 4 0 4 0 4", "block 0 1 0 1 0 1"),), "no system of the task"),
    ],
    ids=["one-mobile-atom", "steps-too-long", "at-rest", "four-atoms"],
)
def test_what_is_no_simulation_of_the_system_earns_nothing(
    judge: Judge, edits: tuple[tuple[str, str], ...], why: str
) -> None:
    verdict = judged(judge, LIQUID, *edits)
    assert verdict.reward <= 0.05
    assert why in " ".join(verdict.reasons)


def test_a_minimiser_earns_by_what_it_moves(judge: Judge) -> None:
    fixed = ((r"^fix +relax.*", ""), (r"^unfix.*", ""))
    assert judged(judge, CRYSTAL, *fixed).reward == 0.05
    displaced = (r"^min_style", "displace_atoms all random 0.1 0.1 0.1 4711\nmin_style")
    assert judged(judge, CRYSTAL, *fixed, displaced).reward == 0.25


def test_of_a_minimisation_that_dies_nobody_says_that_it_had_nothing_to_do(judge: Judge) -> None:
    dies = (r"^min_style", "variable s equal step\nfix dies all halt 1 v_s > 2 error hard\nmin_style")
    verdict = judged(judge, CRYSTAL, dies)
    assert verdict.reward == 0.05
    assert "LAMMPS stopped in the middle of the minimisation" in " ".join(verdict.reasons)


@pytest.mark.parametrize("task_id", [CRYSTAL, "elastic_constants/si-sw", "vacancy_formation_energy/cu-mishin"])
def test_an_empty_box_is_no_fault_of_the_harness(judge: Judge, task_id: str) -> None:
    script = re.sub(r"(?m)^create_atoms.*", "", render_reference(load_task(task_id)))
    verdict = judge.judge(load_task(task_id), f"```lammps\n{script}```\n")
    assert verdict.reward == 0.05
    assert "there are no atoms" in verdict.reasons


@pytest.mark.slow
def test_a_state_too_dense_to_compute_is_no_fault_of_the_harness(judge: Judge) -> None:
    edits = (
        (r"^lattice.*", "lattice fcc 0.02"),
        (r"^pair_style.*", "pair_style lj/cut 0.02"),
        (r"^pair_coeff.*", "pair_coeff * * 1e-6 0.012\nneighbor 0.001 bin"),
    )
    verdict = judged(judge, CRYSTAL, *edits)
    assert verdict.reward <= 0.05
    assert "cannot be computed for a recorded state" in verdict.reasons[0]
