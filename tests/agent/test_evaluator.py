"""The evaluator over real runs: each fault of physics is seen, and a sound run is not blamed."""

from __future__ import annotations

import pytest

from mdevalbench.agent.evaluator import evaluate
from mdevalbench.agent.finding import Finding, State
from mdevalbench.agent.problem import from_warnings
from mdevalbench.agent.wish import understand
from mdevalbench.lammps.job import Job
from mdevalbench.scorers.judge import Judge
from mdevalbench.tasks import Task, load_suite, render_reference

ARGON = """\
units metal
lattice fcc {spacing}
region box block 0 {cells} 0 {cells} 0 {cells}
create_box 1 box
create_atoms 1 box
mass 1 {mass}
pair_style lj/cut 8.5
pair_coeff 1 1 0.0103 3.4
velocity all create {start} 4711
timestep {timestep}
fix move all {fix}
run {before}
run {steps}
variable t equal temp
print "RESULT temperature = $t K"
"""
USUAL = {
    "spacing": 5.4, "cells": 4, "mass": 39.948, "start": 160, "timestep": 0.004, "fix": "nvt temp 80 80 0.2",
    "before": 1000, "steps": 4000,
}  # fmt: skip


def findings(judge: Judge, request: str, script: str) -> dict[str, Finding]:
    run = judge.pool.run(Job(script))
    assert run.error is None, run.error
    return {finding.check: finding for finding in reversed(evaluate(understand(request), script, run))}


def argon(**changes: object) -> str:
    return ARGON.format(**{**USUAL, **changes})


def test_a_sound_run_is_not_blamed(judge: Judge) -> None:
    found = findings(judge, "energy of solid argon at 80 K", argon())
    assert not [one for one in found.values() if one.state in (State.WRONG, State.DOUBT)], found
    for check in ("result", "species", "temperature", "sampling", "size", "equilibration"):
        assert found[check].state is State.FINE, check
    assert {"pressure", "uncertainty", "potential"} <= {c for c, one in found.items() if one.state is State.UNKNOWN}


@pytest.mark.parametrize(
    ("request_", "changes", "check", "state", "says"),
    [
        ("argon at 120 K", {}, "temperature", State.WRONG, "120 K were asked for"),
        ("argon at 120 K", {"before": 0, "fix": "nve"}, "temperature", State.WRONG, "120 K were asked for"),
        ("krypton at 80 K", {}, "species", State.WRONG, "Kr was asked for"),
        ("a mixture of argon and krypton at 80 K", {}, "species", State.DOUBT, "Kr was asked for"),
        ("argon at 80 K", {"mass": 42.0}, "species", State.WRONG, "an unknown one"),
        ("argon at 80 K", {"fix": "nve", "timestep": 0.052}, "energy", State.WRONG, "shorter time step"),
        ("argon at 80 K", {"fix": "nve", "timestep": 0.046}, "energy", State.DOUBT, "shorter time step"),
        ("argon at 80 K", {"fix": "nve"}, "energy", State.FINE, "drifts by"),
        ("argon at 80 K", {"cells": 2, "spacing": 9.0}, "size", State.DOUBT, "are few"),
        ("argon at 80 K", {"steps": 15, "before": 5}, "sampling", State.DOUBT, "independent samples"),
        ("argon under 2 GPa at 80 K", {}, "pressure", State.DOUBT, "2 GPa were asked for"),
        ("copper at 80 K", {"mass": 63.546}, "potential", State.DOUBT, "poor model of a metal"),
        (
            "argon at 80 K",
            {"before": 0, "start": 20, "fix": "nvt temp 20 140 0.2"},
            "equilibration",
            State.DOUBT,
            "still changes",
        ),
    ],
)
def test_each_fault_is_seen(
    judge: Judge, request_: str, changes: dict[str, object], check: str, state: State, says: str
) -> None:
    finding = findings(judge, request_, argon(**changes))[check]
    assert (finding.state, says in finding.words) == (state, True), finding


def test_a_temperature_that_only_an_earlier_stage_has_is_doubtful(judge: Judge) -> None:
    warm = argon(fix="nvt temp 120 120 0.2").replace(
        "variable t", "unfix move\nfix again all nvt temp 60 60 0.2\nrun 3000\nvariable t"
    )
    finding = findings(judge, "argon at 120 K", warm)["temperature"]
    assert finding.state is State.DOUBT and "as an earlier stage has" in finding.words


def test_a_result_without_unit_is_doubtful(judge: Judge) -> None:
    finding = findings(judge, "argon at 80 K", argon(steps=200, before=0).replace("$t K", "$t"))["result"]
    assert finding.state is State.DOUBT and "without a unit" in finding.words


def test_a_result_without_a_name_is_none(judge: Judge) -> None:
    nameless = argon(steps=200, before=0).replace("RESULT temperature", "RESULT value")
    finding = findings(judge, "argon at 80 K", nameless)["result"]
    assert finding.state is State.WRONG and "does not say what it is" in finding.words


def test_a_squeezed_crystal_is_doubtful_unless_it_was_asked_for(judge: Judge) -> None:
    squeezed = argon(spacing=4.9)
    assert findings(judge, "argon at 80 K", squeezed)["pressure"].state is State.DOUBT
    assert findings(judge, "equation of state of argon at 80 K", squeezed)["pressure"].state is State.UNKNOWN


def test_a_better_potential_is_suggested(judge: Judge) -> None:
    copper = argon(spacing=3.61, mass=63.546, steps=100, before=0).replace("0.0103 3.4", "0.4 2.3")
    finding = findings(judge, "copper at 80 K", copper)["potential"]
    assert "LAMMPS comes with Cu_mishin1.eam.alloy (pair_style eam/alloy)" in finding.words
    assert "+pair_style eam/alloy\n+pair_coeff * * Cu_mishin1.eam.alloy Cu\n" in finding.told(copper)
    assert findings(judge, "copper at 80 K", finding.mended)["potential"].state is not State.DOUBT
    sodium = copper.replace("63.546", "22.99")
    finding = findings(judge, "sodium at 80 K", sodium)["potential"]
    assert "LAMMPS comes with none" in finding.words and not finding.mended


def test_a_script_without_result_or_without_atoms(judge: Judge) -> None:
    silent = argon().replace("print ", "# print ")
    assert findings(judge, "argon at 80 K", silent)["result"].state is State.WRONG
    nothing = 'units metal\nprint "RESULT value = 1 K"\n'
    found = findings(judge, "argon at 80 K", nothing)
    assert found["simulation"].state is State.WRONG and "nothing was simulated" in found["simulation"].words


def test_reduced_units_are_said_not_to_be_comparable(judge: Judge) -> None:
    script = argon(spacing=0.8, mass=1.0, start=1.0, fix="nve", before=200, steps=500)
    script = script.replace("units metal", "units lj").replace("8.5\n", "2.5\n").replace("0.0103 3.4", "1.0 1.0")
    found = findings(judge, "liquid argon at 80 K", script)
    assert found["species"].state is found["temperature"].state is State.UNKNOWN


@pytest.mark.slow
@pytest.mark.parametrize("task", load_suite("codegen-v1")[::2], ids=lambda task: task.id)
def test_right_scripts_of_the_benchmark_are_not_blamed(judge: Judge, task: Task) -> None:
    script = render_reference(task)
    run = judge.pool.run(Job(script, task.spec.limits, files=task.files))
    assert run.error is None
    found = evaluate(understand(task.prompt), script, run)
    assert not [one for one in found if one.state is State.WRONG], found
    assert from_warnings(script, run) is None
