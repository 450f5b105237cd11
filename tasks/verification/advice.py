"""What the author of a family has to do next, in words, from what a verification found."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from mdevalbench.tasks import loading
from mdevalbench.tasks.calibration import reference_problems
from mdevalbench.tasks.content import content_problems
from mdevalbench.tasks.loading import Task
from mdevalbench.tasks.scripts import solutions, wrong
from mdevalbench.tasks.verification.verify import Report

_WHAT = {
    "reference": "The reference script fails. Read it with `mdevalbench tasks show {task} --script`; if it is right, "
    "its reference value is not: remove the entry from {folder}/references.json and run "
    "`mdevalbench tasks reference --task {task}`.",
    "world": "The other world changes too little of what is measured: strengthen `world` in {folder}/family.yml, so "
    "that the observable moves by several tolerances (`claim_tolerance`).",
    "solution": "A right script fails: either {folder}/solutions/{name}.lmp.j2 has a mistake, or the measurement or "
    "its conditions are narrower than the prompt.",
    "wrong": "A wrong script is accepted: make the measured value or a condition tell {folder}/wrong/{name}.lmp.j2 "
    "from a right one, by a longer run, a larger system or a better estimator; or it is no mistake, and goes.",
    "breaking": "A change that must break the script does not: strengthen `mutations.breaking.{name}` in "
    "{folder}/family.yml, or leave it out with a comment that says what was measured.",
    "benign": "A harmless change fails. One in a hundred does by chance; if it stays, what the run measures depends "
    "on `mutations.benign.{name}` in {folder}/family.yml, and the recipe is not converged.",
    "reseed": "A right script fails with another seed. One in a hundred does by chance; more mean that the runs "
    "do not know their own uncertainty: sample longer, or equilibrate longer.",
}


def inventory(tasks: Sequence[Task]) -> str:
    """What a family has: tasks, scripts, mutations, references."""
    task = tasks[0]
    mutations = task.spec.mutations
    stored = sum(not reference_problems(task) for task in tasks)
    return (
        f"{_count(len(tasks), 'task')}, {_count(len(solutions(task)), 'second solution')}, "
        f"{_count(len(wrong(task)), 'wrong script')}, {_count(len(mutations.breaking), 'breaking change')}, "
        f"{_count(len(mutations.benign), 'harmless change')}, reference values of {stored} of {len(tasks)}"
    )


def lacking(report: Report) -> dict[str, list[str]]:
    """Family -> what is wrong with its content, each thing said once."""
    found: dict[str, list[str]] = {}
    for offender in report.offenders:
        if offender.kind == "content":
            said = found.setdefault(offender.task.partition("/")[0], [])
            said += [reason for reason in offender.reasons if reason not in said]
    return found


def next_steps(report: Report, tasks: Iterable[Task]) -> list[str]:
    """What to do next, the next command last; empty if nothing is to be done."""
    by_id = {task.id: task for task in tasks}
    if report.harness_faults:
        return ["The harness failed, not the family: run `mdevalbench doctor`, then the same command again."]
    incomplete = lacking(report)
    if incomplete:
        return [_complete(family, [t for t in by_id.values() if t.family == family]) for family in incomplete]
    steps: dict[str, None] = {}
    for offender in report.offenders:
        task, (name, seeded, _) = by_id[offender.task], offender.name.partition(", seed ")
        kind = "reseed" if offender.kind == "solution" and seeded else offender.kind
        if any("left the simulation unchanged" in reason for reason in offender.reasons):
            kind = "world"
        steps[_WHAT[kind].format(task=task.id, folder=task.folder, name=name)] = None
    families = {by_id[offender.task].family: by_id[offender.task] for offender in report.offenders}
    return [*steps, *(f"Then: {_again(families[family])}" for family in sorted(families))]


def remarks(report: Report) -> list[str]:
    """What is judged rightly, and shows nothing all the same."""
    return [
        f"{one.task}: {one.kind} {one.name!r} never ran, so that it shows nothing about the judge: {one.reasons[0]}"
        for one in report.silent
    ]


def _again(task: Task) -> str:
    """The command that verifies a family once more, and keeps what it finds."""
    outside = task.folder.parent != loading.ROOT / "codegen"
    where = f" --tasks-dir {task.folder.parent}" if outside else ""
    return f"mdevalbench tasks verify --family {task.family}{where} --record judged.jsonl"


def _complete(family: str, tasks: Sequence[Task]) -> str:
    if any(content_problems(task) for task in tasks):
        return f"Put right what is named above. Then: {_again(tasks[0])}"
    return f"The family is complete but for its reference values. Next: mdevalbench tasks reference --family {family}"


def _count(number: int, what: str) -> str:
    return f"{number or 'no'} {what}{'' if number == 1 else 's'}"
