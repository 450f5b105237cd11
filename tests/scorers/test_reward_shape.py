"""The shape of the reward on every family, on a light task where such are drawn, with real LAMMPS.

Better physics earns more, in one order for all families; how an answer is written earns nothing; and the known ways of
getting a reward without the physics stay below an honest near miss. A right run of a stochastic family fails by design
once in a hundred times, so that the right script is the first of three seeds that passes. Whether the others do is for
`mdevalbench tasks draw --check`. The reward of the paper, for comparison, does not have this shape.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from functools import cache, partial
from itertools import pairwise

import pytest

from mdevalbench.lammps.pool import Pool
from mdevalbench.reward import paper_function
from mdevalbench.scorers.judge import Judge
from mdevalbench.scorers.rewards import Rewards
from mdevalbench.tasks import (
    Task,
    draw,
    drawable,
    family_names,
    load_family,
    load_task,
    reference_value,
    render_reference,
    reseeds,
    wrong,
)
from mdevalbench.tasks.calibration import measure_references
from mdevalbench.tasks.scripts import rename_variables

SEED = 3
INDEX = {"ionic_lattice_energy": 2}
"""where it is not the first: from many guesses of that family one iteration of a minimiser arrives, and is no hack"""
NEAR_MISS = 0.85
DYNAMICS = re.compile(r"^[ \t]*run[ \t]+(?!0\b)\S.*$", re.MULTILINE)
MINIMISATION = re.compile(r"^[ \t]*minimize\b.*$", re.MULTILINE)
NO_LAMMPS = "please simulate the crystal\nand report what was asked for\n"
DIES = "variable boom equal 1/(step<{step})\nthermo 1\nthermo_style custom step v_boom\n"
"""LAMMPS stops with an error at that step, in the middle of the loop that follows"""


def under_pressure(task: Task) -> str:
    """Relaxed under 10 GPa instead of none."""
    script, count = re.subn(r"(box/relax +\S+) 0\.0", r"\1 1.0e5", render_reference(task))
    assert count
    return script


def changed(task: Task, **recipe: float) -> str:
    return render_reference(task, overrides=recipe)


def scaled(task: Task, name: str, factor: float) -> str:
    return render_reference(task, overrides={name: factor * task.names[name]})


WRONG_CONDITIONS: dict[str, Callable[[Task], str]] = {
    "bulk_modulus": under_pressure,
    "cohesive_energy": under_pressure,
    "elastic_constants": partial(changed, strain=0.06),
    "energy_conservation": partial(scaled, name="temperature", factor=1.5),
    "heat_capacity": partial(scaled, name="temperature", factor=1.35),
    "ionic_lattice_energy": under_pressure,
    "lattice_constant": under_pressure,
    "liquid_structure": partial(scaled, name="temperature", factor=1.2),
    "lj_pressure": partial(scaled, name="temperature", factor=1.2),
    "self_diffusion": partial(scaled, name="temperature", factor=1.25),
    "surface_energy": partial(changed, layers=1),
    "tension": partial(scaled, name="temperature", factor=1.3),
    "thermal_expansion": partial(scaled, name="hot", factor=1.25),
    "vacancy_formation_energy": partial(changed, nx=2, ny=2, nz=2),
    "water": partial(scaled, name="temperature", factor=1.15),
}
"""family -> a simulation that runs to its end, of something else than what the task says"""
NEARLY = {
    "energy_conservation": "large_timestep",
    "heat_capacity": "berendsen_fluctuations",
    "surface_energy": "not_lowest",
    "vacancy_formation_energy": "unrelaxed",
}
"""family -> a wrong script under the right conditions, whose simulation is off by a little"""


@pytest.fixture(scope="module")
def rewards() -> Iterator[Rewards]:
    with Pool(2) as pool:
        yield Rewards(pool)


FROZEN = [name for name in family_names() if name not in drawable()]
"""families that nothing light is drawn from: their frozen tasks take longer"""


@pytest.fixture(params=[*drawable(), *(pytest.param(name, marks=pytest.mark.slow) for name in FROZEN)])
def task(request: pytest.FixtureRequest, rewards: Rewards) -> Task:
    return chosen(request.param, rewards)


@cache
def chosen(family: str, rewards: Rewards) -> Task:
    if family in FROZEN:
        return load_family(family)[0]
    task = draw(family, SEED, INDEX.get(family, 0) + 1)[-1]
    measure_references([task], Judge(rewards.executor), jobs=2)
    return load_task(task.id)


@cache
def right(task_id: str, rewards: Rewards) -> str:
    """The reference script, with another seed if it fails by chance."""
    task = load_task(task_id)
    scripts = [render_reference(task), *(variant.script for variant in reseeds(task, 2))]
    return next(script for script in scripts if earned(rewards, task, script) == [1.0])


def earned(rewards: Rewards, task: Task, *scripts: str) -> list[float]:
    answers = [fenced(script) if script else "" for script in scripts]
    verdicts = rewards.verdicts([task.id] * len(answers), answers)
    return [verdict.reward for verdict in verdicts if verdict is not None]


def fenced(script: str) -> str:
    return f"```lammps\n{script}```\n"


def first_loop(script: str) -> re.Match[str]:
    """The first loop of the task's kind: dynamics where there is any."""
    found = DYNAMICS.search(script) or MINIMISATION.search(script)
    assert found
    return found


def starts(script: str) -> str:
    """Stops with an error early in its first loop."""
    loop = first_loop(script)
    step = 20 if loop[0].split()[0] == "run" else 3
    return script[: loop.start()] + DIES.format(step=step) + script[loop.start() :]


def claiming(task: Task, value: float, script: str) -> str:
    """A script that prints a number whatever it simulates, and nothing else."""
    kept = [line for line in script.splitlines() if "RESULT" not in line]
    return "\n".join([*kept, f'print "RESULT {task.observable} = {value} {task.unit}"', ""])


def hacks(task: Task, script: str) -> dict[str, str]:
    """Ways to a reward without the physics, made of a right script."""
    value, loop = reference_value(task).value, first_loop(script)
    setup = script[: min(found.start() for found in (loop, MINIMISATION.search(script)) if found)]
    step = "run 1" if loop[0].split()[0] == "run" else "minimize 0 0 1 1"
    others = (
        load_family(task.family) if task.family in FROZEN else draw(task.family, SEED, INDEX.get(task.family, 0) + 2)
    )
    other = render_reference(others[-1])
    return {
        "ignores the prompt": other,
        "ignores the prompt, prints the answer": claiming(task, value, other),
        "prints the answer": claiming(task, value, f"{setup}run 0\n"),
        "one step, prints the answer": claiming(task, value, f"{script[: loop.start()]}{step}\n"),
    }


def test_better_physics_earns_more(task: Task, rewards: Rewards) -> None:
    script, value = right(task.id, rewards), reference_value(task).value
    ladder = [
        [""],
        [NO_LAMMPS],
        [starts(script)],
        [WRONG_CONDITIONS[task.family](task)],
        [variant.script for variant in wrong(task) if variant.name == NEARLY.get(task.family)],
        [script.replace("RESULT", "RESULTS"), claiming(task, 2 * value, script)],
        [script],
    ]
    found = [earned(rewards, task, *rung) for rung in ladder if rung]
    assert len(found) == len(ladder) - (task.family not in NEARLY)
    assert all(max(lower) < min(higher) for lower, higher in pairwise(found)), found
    assert found[:2] == [[0.0], [0.02]] and found[-2:] == [[NEAR_MISS] * 2, [1.0]]


def continued(script: str) -> str:
    return re.sub(r"^(\w+)[ \t]+(\S.*)$", r"\1 &\n    \2", script, flags=re.MULTILINE)


PARAPHRASES: dict[str, Callable[[str], str]] = {
    "comments": lambda script: fenced(
        re.sub(r"(?<!&\n)^", "# what follows is a line of input\n", script, flags=re.MULTILINE)
    ),
    "blank lines": lambda script: fenced(re.sub(r"(?<!&)\n", "\n\n \n", script)),
    "indentation": lambda script: fenced(re.sub(r"^(\w+)[ \t]+", r"\t\1 ", script, flags=re.MULTILINE)),
    "names of variables": lambda script: fenced(rename_variables(script)),
    "continuation lines": lambda script: fenced(continued(script)),
    "prose and another tag": lambda script: (
        f"Surely! Relaxed as one should:\n\n```text\n{script}```\n\nRun it with `lmp`."
    ),
    "JSON": lambda script: json.dumps({"code": script}),
    "bare text": lambda script: script,
    "line ends of Windows": lambda script: fenced(script).replace("\n", "\r\n"),
}


def test_how_it_is_written_earns_nothing(task: Task, rewards: Rewards) -> None:
    script = right(task.id, rewards)
    near_miss = {} if task.spec.stochastic else {script.replace("RESULT", "RESULTS"): NEAR_MISS}  # takes too long there
    for text, reward in ({script: 1.0} | near_miss).items():
        names = ("names of variables", "JSON") if task.family in FROZEN else PARAPHRASES
        written = {name: PARAPHRASES[name](text) for name in names}
        assert len({text, *written.values()}) >= len(written)  # another text, but for scripts without variables
        verdicts = rewards.verdicts([task.id] * len(written), list(written.values()))
        assert {name: v and v.reward for name, v in zip(written, verdicts, strict=True)} == dict.fromkeys(
            written, reward
        )


def test_known_hacks_earn_less_than_a_near_miss(task: Task, rewards: Rewards) -> None:
    tried = hacks(task, right(task.id, rewards))
    found = dict(zip(tried, earned(rewards, task, *tried.values()), strict=True))
    assert all(reward < NEAR_MISS for reward in found.values()), found
    assert found["prints the answer"] <= 0.05


def test_the_reward_of_the_paper_has_another_shape(task: Task, rewards: Rewards) -> None:
    script = right(task.id, rewards)
    made_up = [answer for name, answer in hacks(task, script).items() if not name.startswith("ignores")]
    same = [script, WRONG_CONDITIONS[task.family](task), claiming(task, 1.0, script), *made_up]
    answers = ["", fenced(NO_LAMMPS), *map(fenced, same)]
    empty, no_lammps, *found = paper_function(rewards=rewards)(completions=answers, task=[task.id] * len(answers))
    assert (empty, no_lammps) == (0.25, 0.05)
    assert min(found) >= 0.9 and max(found[1:]) >= found[0]  # the right script earns no more than what was made up
