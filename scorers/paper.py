"""The reward of MDAgent2 (arXiv:2601.02075), as an alternative to compare the physics with; not used by the benchmark.

There a language model reads task, script and log, gives points by a rubric (A1 to A15), takes points off for mistakes
(E0 to E5), and the sum becomes a reward: (clip(added - taken, -10, 30) + 10) / 40. Items and ranges are those of the
evaluator prompt that github.com/FredericVAN/PKU_MDAgent2 publishes (`prompt.py`); all words here are ours. "Success" is
that LAMMPS raised no exception. A language model can fill in the sheet (`paper_model.py`); by default `stand_in` does,
for nothing and always alike, from what a reader can see: the words of the script and how LAMMPS ended.

| item | points | the stand-in gives them if |
| --- | --- | --- |
| A1 syntax | 3 | LAMMPS accepted every command up to the first loop |
| A2 style | 1 | there is a comment |
| A3 model | 1 | box and atoms are made or read |
| A4 boundaries | 1 | `boundary` is said |
| A5 potential | 2 | `pair_style` and `pair_coeff` are there, E0 aside |
| A6 time step | 1 | it is not beyond what is usual in these units |
| A7 quantities | 1 | `compute`, `variable` or `thermo_style` |
| A8 control | 1 | a `fix`, or a minimisation, which needs none |
| A9 order | 1 | A3, A5, A10 and A11 |
| A10 run | 1 | `run` or `minimize` |
| A11 output | 1 | `thermo`, `dump` or `print` |
| A12 no error | 2 | LAMMPS came to the end without one |
| A13, A14 stability | 1 of 3, 1 | LAMMPS came to the end; the rubric's neutral points, since no log is read |
| A15 completeness | 10 | LAMMPS came to the end and a value was reported, E0 aside |
| E0 off the task | -15 | other pair style, potential files or masses than the task's |
| E1, E2 stopped | -6, -4 | with an error before the first loop; later, or cut off |
| E3 absurd | -3 | neither A6 nor A12 |
| E4, E5 | -2, -1 | not A11; not A2 |

What is weak about it, whoever fills in the sheet: nothing is measured, so that a wrong temperature, a short run or a
number that was made up earns as much as the right answer; an answer without a script earns 0.25, more than a script
that fails at its first command; comments and output commands earn points; and a model that judges can be talked to in
the comments. Weak in the stand-in alone: it does not read the prompt beyond potential and masses. README has figures.
"""

from __future__ import annotations

import posixpath
from collections.abc import Collection
from math import isclose

from pydantic import StrictInt, field_validator

from mdevalbench.extract import extract
from mdevalbench.lammps.script import Command, parse
from mdevalbench.tasks.loading import Task
from mdevalbench.tasks.schema import Potential
from mdevalbench.types import Record, Stage, Verdict

GIVEN = {f"A{n}": most for n, most in enumerate((3, 1, 1, 1, 2, 1, 1, 1, 1, 1, 1, 2, 3, 1, 10), start=1)}
"""most points of each item"""
TAKEN = {f"E{n}": fewest for n, fewest in enumerate((-20, -6, -4, -3, -2, -1))}
"""fewest points of each penalty"""
LOWEST, HIGHEST = -10, 30
NEUTRAL = 1
"""points of A13 and A14 where no log is read"""
OTHER_SYSTEM = -15
LONGEST_TIMESTEP = {"metal": 0.01, "real": 10.0, "lj": 0.02}
"""units -> time step beyond which a reader takes it for a mistake: 10 fs, as an earlier rubric of the paper has it"""


def scaled(total: float) -> float:
    """Points as a reward from 0 to 1; none at all are 0.25."""
    return (min(max(total, LOWEST), HIGHEST) - LOWEST) / (HIGHEST - LOWEST)


class Sheet(Record):
    """The rubric filled in."""

    why: str = ""
    points: dict[str, StrictInt]
    """item -> points; those that are missing are 0"""

    @field_validator("points")
    @classmethod
    def _within_the_rubric(cls, points: dict[str, int]) -> dict[str, int]:
        for item, value in points.items():
            if not TAKEN.get(item, 0) <= value <= GIVEN.get(item, 0):
                raise ValueError(f"{item!r} cannot have {value} points")
        return points

    @property
    def reward(self) -> float:
        """The sum on the scale from 0 to 1."""
        return scaled(sum(self.points.values()))

    @property
    def share(self) -> float:
        """The sum as a share of all points, 0 if more were taken than given."""
        return max(0, sum(self.points.values())) / HIGHEST


NO_SCRIPT = Sheet(why="there is no script to read", points={})


def stand_in(task: Task, completion: str, verdict: Verdict) -> Sheet:
    """The sheet that the table above gives, of the same completion as the verdict."""
    script = extract(completion).script
    if script is None:
        return NO_SCRIPT
    commands = parse(script).commands
    names = {command.name for command in commands}
    ended, began = _ended(verdict), verdict.stage.rank >= Stage.ACCEPTED.rank
    off = _off_the_task(commands, task.spec.potential)
    model = bool(names & {"create_atoms", "read_data", "read_restart"})
    potential = {"pair_style", "pair_coeff"} <= names
    loop, output = bool(names & {"run", "minimize"}), bool(names & {"thermo", "dump", "print"})
    usual, remark = _usual_timestep(commands), "#" in script
    facts = {
        "A1": began,
        "A2": remark,
        "A3": model,
        "A4": "boundary" in names,
        "A5": potential and not off,
        "A6": usual,
        "A7": bool(names & {"compute", "variable", "thermo_style"}),
        "A8": bool(names & {"fix", "minimize"}),
        "A9": model and potential and loop and output,
        "A10": loop,
        "A11": output,
        "A12": ended,
        "A15": ended and verdict.claim is not None and not off,
    }
    mistakes = {
        "E1": not began,
        "E2": began and not ended,
        "E3": not usual and not ended,
        "E4": not output,
        "E5": not remark,
    }
    points = {item: GIVEN[item] for item, so in facts.items() if so}
    points |= {item: TAKEN[item] for item, so in mistakes.items() if so}
    points |= {"E0": OTHER_SYSTEM} if off else {}
    return Sheet(points=points | (dict.fromkeys(("A13", "A14"), NEUTRAL) if ended else {}))


def _ended(verdict: Verdict) -> bool:
    """Whether LAMMPS came to the end without an error: success, as the paper counts it."""
    return verdict.error is None and verdict.stage not in (Stage.NOTHING, Stage.FOUND, Stage.STARTED)


def _usual_timestep(commands: Collection[Command]) -> bool:
    units = next(iter(_words(commands, "units")), "lj")
    return all(step <= LONGEST_TIMESTEP.get(units, step) for step in _numbers(_words(commands, "timestep")))


def _off_the_task(commands: Collection[Command], potential: Potential) -> bool:
    """Whether pair style, potential files or masses are plainly not the task's; what a `$` hides is not judged."""
    styles, coefficients = _words(commands, "pair_style"), _words(commands, "pair_coeff")
    masses = _numbers(
        [command.args[1].text for command in commands if command.name == "mass" and len(command.args) > 1]
    )
    style, files = potential.pair_style.split()[0], _names(potential.files)
    wrong_style = bool(styles) and not any(word.startswith((style, "$")) for word in styles)
    wrong_files = bool(coefficients) and "$" not in "".join(coefficients) and not _names(coefficients) >= files
    return wrong_style or wrong_files or not all(_is_mass(mass, potential) for mass in masses)


def _is_mass(mass: float, potential: Potential) -> bool:
    return any(isclose(mass, own, rel_tol=0.02) for own in potential.elements.values())


def _names(words: Collection[str]) -> set[str]:
    return {posixpath.basename(word) for word in words}


def _words(commands: Collection[Command], name: str) -> list[str]:
    return [word.text for command in commands if command.name == name for word in command.args]


def _numbers(words: Collection[str]) -> list[float]:
    return [number for word in words if (number := _number(word)) is not None]


def _number(word: str) -> float | None:
    try:
        return float(word)
    except ValueError:
        return None
