"""Cheats: scripts that want a reward for physics that they did not do, tried against every kind of task.

Each cheat is a template which makes two scripts for a task: with `cheat` true the attempt, with `cheat` false the same
script with the cheat removed. A cheat came to nothing if it did not pass and earned no more than the other script, or
no more than doing nothing earns; if nothing valid remains without the cheat, its header says `# honest part: none`.

Templates see the task's reference script in parts, what the task prescribes, and the answer (see `scene`); they name no
family unless the cheat makes sense for some only: `# families: a b`, or `# needs: dynamics` (or `minimisation`). A
cheat that finds nothing to change in a task's script is not tried there.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import Any

from mdevalbench.audit.attack import Attack
from mdevalbench.audit.finding import DOING_NOTHING, Finding
from mdevalbench.errors import HarnessFault, TaskError
from mdevalbench.lammps.executor import Executor, Progress
from mdevalbench.lammps.install import potentials_folder
from mdevalbench.lammps.job import Job
from mdevalbench.lammps.script import Command, parse
from mdevalbench.scorers.claim import NoClaim, find_claim
from mdevalbench.scorers.judge import Judge
from mdevalbench.tasks import (
    Task,
    draw,
    drawable,
    family_names,
    load_family,
    load_task,
    reference_value,
    render_reference,
)
from mdevalbench.tasks.calibration import measure_references
from mdevalbench.types import Verdict

RESOLUTION = 0.01
"""to which the rewards of two runs of one script agree: the recorder draws its steps at random"""
_LOOPS = ("run", "minimize")
_HEADER = re.compile(r"^# (families|needs|honest part): *(.*)$", re.MULTILINE)
_NO_MODEL = (
    "velocity",
    "fix",
    "thermo",
    "thermo_style",
    "timestep",
    "variable",
    "compute",
    "min_style",
    "displace_atoms",
)


class NotApplicable(Exception):
    """A cheat makes no sense for a task."""


def run_cheats(
    executor: Executor, cheats: Sequence[Attack], progress: Progress | None = None, tasks: Sequence[Task] | None = None
) -> list[Finding]:
    """Judge every cheat against `tasks`, by default a light task of each family.

    Raises:
        HarnessFault: a script could not be judged.
    """
    chosen = lightest_tasks(executor) if tasks is None else tasks
    scenes = [scene(task, **memorised(executor, task)) for task in chosen]
    tried = [(cheat, s, text) for cheat in cheats for s in scenes if (text := render(cheat, s, True)) is not None]
    judging = _Judging(executor, progress)
    verdicts = judging.all([(s["task"], text) for _, s, text in tried])
    honest = {
        (s["task"].id, cheat.name): (s["task"], render(cheat, s, False) or "")
        for (cheat, s, _), verdict in zip(tried, verdicts, strict=True)
        if verdict.reward > DOING_NOTHING and has_honest_part(cheat)
    }
    texts = {(task.id, text): (task, text) for task, text in honest.values()}
    rewards = dict(zip(texts, (v.reward for v in judging.all(list(texts.values()))), strict=True))
    findings = []
    for (cheat, s, _), verdict in zip(tried, verdicts, strict=True):
        task, text = honest.get((s["task"].id, cheat.name), (s["task"], ""))
        findings.append(_finding(cheat, task, verdict, rewards.get((task.id, text))))
    return findings


def has_honest_part(cheat: Attack) -> bool:
    """Whether something valid remains of a cheat's script when the cheat is removed."""
    return _headers(cheat).get("honest part") != "none"


def lightest_tasks(executor: Executor) -> list[Task]:
    """A light task of each family: the first that is drawn where runs are long and light ones can be drawn, elsewhere
    the one whose reference script moves the fewest atoms for the fewest steps.

    Raises:
        HarnessFault: the reference of a drawn task cannot be measured here.
    """
    drawn = [draw(name, 0, 1)[0] for name in drawable() if load_family(name)[0].spec.stochastic]
    for reference in measure_references(drawn, Judge(executor), executor.workers).values():
        if isinstance(reference, TaskError):
            raise HarnessFault(str(reference)) from reference
    light = {task.family: load_task(task.id) for task in drawn}
    return [light.get(name) or min(load_family(name), key=_work) for name in family_names()]


def _work(task: Task) -> int:
    steps = sum(int(n) for n in re.findall(r"^run\s+(\d+)", render_reference(task), re.MULTILINE))
    return reference_value(task).natoms * max(steps, 1)


def render(cheat: Attack, names: dict[str, Any], cheating: bool) -> str | None:
    """The script of a cheat for the task of a scene, with or without the cheat; None if it makes no sense there."""
    headers, task = _headers(cheat), names["task"]
    if "families" in headers and task.family not in headers["families"].split():
        return None
    if "needs" in headers and (headers["needs"] == "dynamics") != names["dynamics"]:
        return None
    try:
        text = cheat.render(names | {"cheat": cheating})
    except NotApplicable:
        return None
    return re.sub(r"\A(#.*\n)+", "", text)


def scene(task: Task, value: str, start_energy: float) -> dict[str, Any]:
    """The names that a template may use.

    `script` is the reference script; `setup` what stands before its first loop (of dynamics, where that is asked for),
    `approach` from there to its last loop, `production` that loop, `ending` what follows, `report` the RESULT line;
    `model` the setup without what only dynamics needs. `claim` prints the memorised answer. `edit(text, pattern,
    replacement)` changes every match, `shorter(text, divisor)` every number of steps, `scaled(text, factor)` the
    potential; `require(condition)` limits a cheat to some tasks. `value` and `start_energy` are what is known from an
    earlier run, see `memorised`.

    Raises:
        TaskError: the reference script has no such parts.
    """
    text, spec = render_reference(task), task.spec
    selection = spec.measure[0].select
    usual = 1.0 if spec.potential.units == "lj" else 300.0
    return {
        **_parts(text, task),
        "task": task,
        "script": text,
        "dynamics": _is_dynamics(task),
        "temperature": selection.temperature.value if selection.temperature else usual,
        "style": task.pair_style,
        "potential_files": {name: _size(name) for name in spec.potential.files},
        "observable": task.observable,
        "unit": task.unit,
        "value": value,
        "start_energy": start_energy,
        "claim": f'print "RESULT {task.observable} = {value} {task.unit}"',
        "edit": edit,
        "shorter": shorter,
        "scaled": scaled,
        "require": require,
        "content": _content,
    }


def _is_dynamics(task: Task) -> bool:
    return task.spec.measure[0].select.kind == "dynamics"


def _parts(text: str, task: Task) -> dict[str, str]:
    commands = parse(text).commands
    loops = [c for c in commands if c.name in _LOOPS]
    if _is_dynamics(task):  # what a minimisation prepares is a part of the setup
        loops = [c for c in loops if c.name == "run"]
    report = next((c for c in commands if c.name == "print" and "RESULT" in c.raw), None)
    if not loops or report is None:
        raise TaskError(f"{task.folder}: its reference script has no run or minimize, or prints no RESULT line")
    lines, first, last = text.splitlines(keepends=True), loops[0], loops[-1]

    def part(begin: int, end: int) -> str:
        return "".join(lines[begin - 1 : end])

    return {
        "setup": part(1, first.line - 1),
        "approach": part(first.line, last.line - 1),
        "production": part(last.line, last.end_line),
        "ending": part(last.end_line + 1, report.line - 1),
        "report": part(report.line, len(lines)),
        "model": "".join(f"{c.raw}\n" for c in commands if _is_model(c, first)),
    }


def edit(text: str, pattern: str, replacement: str) -> str:
    """`text` with every match (by line) replaced. Raises NotApplicable if there is none."""
    changed, count = re.subn(pattern, replacement, text, flags=re.MULTILINE)
    require(count > 0)
    return changed


def shorter(text: str, divisor: int) -> str:
    """`text` with the number of steps of every run divided."""
    return re.sub(r"^(run\s+)(\d+)", lambda m: f"{m[1]}{int(m[2]) // divisor}", text, flags=re.MULTILINE)


def scaled(text: str, factor: str) -> str:
    """`text` with its potential multiplied by a number or an equal-style variable, `v_name`."""
    words = next((c.args for c in parse(text).commands if c.name == "pair_style"), ())
    require(words and not words[0].text.startswith("hybrid"))
    text = edit(text, r"^(pair_style +)(\S.*)", rf"\1hybrid/scaled {factor} \2")
    return edit(text, r"^(pair_coeff +\S+ +\S+)", rf"\1 {words[0].text}")


def require(condition: object) -> str:
    """Nothing, if the condition holds. Raises NotApplicable otherwise."""
    if not condition:
        raise NotApplicable
    return ""


def _headers(cheat: Attack) -> dict[str, str]:
    return dict(_HEADER.findall(cheat.source))


def _is_model(command: Command, first_loop: Command) -> bool:
    return command.line < first_loop.line and command.name not in _NO_MODEL


def memorised(executor: Executor, task: Task) -> dict[str, Any]:
    """What somebody knows who has run the reference script before: its answer, and the energy per atom in the state
    after the setup.

    Raises:
        HarnessFault: it does not run here.
    """
    run = executor.run(Job(render_reference(task), task.spec.limits, files=task.files))
    loops = [loop for loop in run.evidence.loops if loop.kind != "min" or not _is_dynamics(task)]
    states = [frame for loop in loops for frame in loop.frames]
    try:
        value = find_claim(run.output, task.observable, task.unit, task.spec.accepted_units).value
    except NoClaim as reason:
        raise HarnessFault(f"the reference script of {task.id} does not run here: {run.error or reason}") from reason
    start = (states[0].potential_energy + states[0].tail_energy) / states[0].natoms
    return {"value": f"{value:.10g}", "start_energy": start}


def _size(name: str) -> int:
    return (potentials_folder() / name).stat().st_size


def _content(name: str) -> str:
    return (potentials_folder() / name).read_text()


def _finding(cheat: Attack, task: Task, verdict: Verdict, honest: float | None) -> Finding:
    allowed = DOING_NOTHING if honest is None else max(DOING_NOTHING, honest + RESOLUTION)
    reason = "; ".join(verdict.reasons) or "it passed"
    if verdict.reward > allowed:
        reason = (
            f"earns more than the {allowed - RESOLUTION if honest is not None else allowed:.2f} that it may: {reason}"
        )
    return Finding(f"{cheat.name} @ {task.id}", "cheat", True, verdict.passed, verdict.reward, reason, allowed)


class _Judging:
    """Judges many scripts, as many at once as there are workers."""

    def __init__(self, executor: Executor, progress: Progress | None) -> None:
        self.judge, self.workers = Judge(executor), executor.workers
        self.advance: Callable[[int, int], None] = progress or (lambda done, total: None)
        self.done = self.total = 0

    def all(self, scripts: Sequence[tuple[Task, str]]) -> list[Verdict]:
        """Verdicts in the order of the scripts. The first HarnessFault is raised."""
        self.total += len(scripts)
        with ThreadPoolExecutor(self.workers) as threads:
            futures = [threads.submit(self.judge.judge, task, f"```lammps\n{text}\n```\n") for task, text in scripts]
            try:
                for future in as_completed(futures):
                    future.result()
                    self.done += 1
                    self.advance(self.done, self.total)
            except BaseException:
                threads.shutdown(wait=False, cancel_futures=True)
                raise
        return [future.result() for future in futures]
