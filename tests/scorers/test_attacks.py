"""Scripts that try to be scored for physics they did not do. None may pass, each for the right reason."""

from __future__ import annotations

import re

import pytest

from mdevalbench.scorers.judge import Judge
from mdevalbench.tasks import load_task, render_reference

CRYSTAL, FLUID, ENERGY = (
    "lattice_constant/cu-mishin",
    "lj_pressure/supercritical-0.50-2.00",
    "energy_conservation/cu-mishin",
)


def changed(task_id: str, *edits: tuple[str, str]) -> str:
    """The task's reference script with regular expressions replaced; each must occur."""
    script = render_reference(load_task(task_id))
    for pattern, replacement in edits:
        script, count = re.subn(pattern, replacement, script, flags=re.MULTILINE)
        assert count, f"{pattern} does not occur"
    return script


MEMORISED = 'print "RESULT lattice_constant = 3.614925 angstrom"\n'
BOX = """units metal
lattice fcc 3.614925
region box block 0 4 0 4 0 4
create_box 1 box
create_atoms 1 box
mass 1 63.55
pair_style eam/alloy
pair_coeff * * Cu_mishin1.eam.alloy Cu
"""
CLAIM = r'^print +"RESULT.*'
LAST_RUN = r"^run +(\d+)(?=(?:(?!^run)[\s\S])*\Z)"

ATTACKS: dict[str, tuple[str, str, str]] = {
    "memorised value and run 0": (CRYSTAL, BOX + "run 0\n" + MEMORISED, "static states at 5 or more volumes"),
    "memorised value and a minimiser that does nothing": (
        CRYSTAL,
        BOX + "minimize 1e30 1e30 10 10\n" + MEMORISED,
        "never free",
    ),
    "nothing but the claim": (CRYSTAL, MEMORISED, "nothing was simulated"),
    "claim forged among a loop's words": (
        CRYSTAL,
        'print "Loop time of 1.0 on 1 procs for 100000 steps with 256 atoms"\n' + MEMORISED,
        "nothing was simulated",
    ),
    "right simulation, literal claim": (
        CRYSTAL,
        changed(CRYSTAL, (CLAIM, MEMORISED)),
        "does not follow from the simulation",
    ),
    "right simulation, constant formula": (
        CRYSTAL,
        changed(CRYSTAL, (r"^variable +a equal.*", "variable a equal 3.614925+0*lx")),
        "does not follow from the simulation",
    ),
    "another potential that is put right in the end": (
        CRYSTAL,
        BOX.replace("eam/alloy\n", "lj/cut 5\n").replace("Cu_mishin1.eam.alloy Cu", "0.4 2.3")
        + "fix r all box/relax iso 0\nminimize 0 1e-10 100 1000\nunfix r\n"
        + "change_box all x final 0 14.4597 y final 0 14.4597 z final 0 14.4597 remap\n"
        + "pair_style eam/alloy\npair_coeff * * Cu_mishin1.eam.alloy Cu\nrun 0\n"
        + MEMORISED,
        "potential|relaxed",
    ),
    "target pressure that makes another potential right": (
        CRYSTAL,
        changed(CRYSTAL, (r"^pair_style.*", "pair_style eam"), (r"^pair_coeff.*", "pair_coeff * * Cu_u3.eam")),
        "potential|relaxed|mass",
    ),
    "potential that is right on some steps only": (
        FLUID,
        changed(
            FLUID,
            (r"^pair_style.*", 'variable s equal "0.5+0.5*((step%4)==0)"\npair_style hybrid/scaled v_s lj/cut 3.0'),
            (r"^pair_coeff +1 1 ", "pair_coeff 1 1 lj/cut "),
            (r"^pair_modify.*", ""),
        ),
        "forces are not those",
    ),
    "potential adapted while it runs": (
        FLUID,
        changed(
            FLUID,
            (
                r"^(fix +average .*)",
                r"\1\nvariable e equal ramp(1,1.3)\nfix ad all adapt 1 pair lj/cut epsilon 1 1 v_e",
            ),
        ),
        "forces are not those|acting fixes",
    ),
    "a sixth of the time, called long": (
        FLUID,
        changed(FLUID, (r"^(timestep +)0\.005", r"\g<1>0.0005")),
        "time",
    ),
    "no time at all": (FLUID, changed(FLUID, (r"^(timestep +)0\.005", r"\g<1>1e-300")), "no stage fits|time"),
    "a run that is ended at once": (
        FLUID,
        changed(FLUID, (r"^timestep", "timer timeout 0:00:00 every 1\ntimestep")),
        "nothing was simulated",
    ),
    "half of the atoms do not move": (
        FLUID,
        changed(
            FLUID,
            (r"^(velocity )", r"group half id <= 250\n\1"),
            (r"^(fix +move) all", r"\1 half"),
            (r"^unfix +move", "unfix move\nvelocity all set 0 0 0"),
        ),
        "moving atoms|no stage fits|temperature",
    ),
    "atoms displaced in between": (
        FLUID,
        changed(FLUID, (LAST_RUN, r'run \1 every 50 "displace_atoms all random 0.1 0.1 0.1 $(step+1)"')),
        "no stage fits|error",
    ),
    "pressure redefined for the claim": (
        FLUID,
        changed(FLUID, (CLAIM, 'print "RESULT pressure = $(v_mean+0.5) epsilon/sigma^3"')),
        "does not agree with what the run measured",
    ),
    "no velocities, nothing to conserve": (
        ENERGY,
        changed(
            ENERGY,
            (r"^velocity.*", "velocity all set 0 0 0"),
            (r"^fix +heat.*", "fix heat all momentum 1 linear 1 1 1"),
        ),
        "temperature",
    ),
    "a thermostat that acts on one atom": (
        ENERGY,
        changed(ENERGY, (r"^(fix +average )", r"group one id 1\nfix t one langevin 300 300 0.1 7\n\1")),
        "no stage fits",
    ),
    "forces put aside": (
        ENERGY,
        changed(ENERGY, (r"^(fix +average )", r"fix z all setforce 0 0 0\n\1")),
        "acting fixes|no stage fits",
    ),
    "velocities scaled back while it runs": (
        ENERGY,
        changed(ENERGY, (LAST_RUN, r'run \1 every 10 "velocity all scale 300"')),
        "no stage fits|error",
    ),
}


@pytest.mark.parametrize("name", ATTACKS)
def test_no_attack_passes(judge: Judge, name: str) -> None:
    task_id, script, why = ATTACKS[name]
    verdict = judge.judge(load_task(task_id), script)
    assert not verdict.passed
    assert re.search(why, "; ".join(verdict.reasons)), verdict.reasons
    assert verdict.reward <= 0.95


@pytest.mark.parametrize(
    "completion",
    ["", "   \n", "I cannot do that.", "```lammps\n```", '```lammps\nprint "hello"\n```', "<think>run 100"],
)
def test_doing_nothing_earns_next_to_nothing(judge: Judge, completion: str) -> None:
    assert judge.judge(load_task(CRYSTAL), completion).reward <= 0.05


@pytest.mark.parametrize("task_id", [CRYSTAL, FLUID, ENERGY])
def test_the_reference_passes_with_a_claim_that_is_derived(judge: Judge, task_id: str) -> None:
    task = load_task(task_id)
    verdict = judge.judge(task, f"Here it is:\n```lammps\n{render_reference(task)}```\n")
    assert (verdict.passed, verdict.reward, verdict.reasons) == (True, 1.0, ())
    assert verdict.claim is not None and verdict.claim.derived
