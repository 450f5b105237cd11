"""Statistics from recorded judgements of the tasks as they are now."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from mdevalbench.tasks.loading import Task
from mdevalbench.tasks.verification.cases import full_set
from mdevalbench.tasks.verification.judgements import Judgement, read_judgements
from mdevalbench.tasks.verification.published import compare_published
from mdevalbench.tasks.verification.statistics_page import Statistics, statistics_of
from mdevalbench.tasks.verification.verify import Case, plan


def recorded_statistics(tasks: Iterable[Task], record: Path) -> Statistics:
    """The statistics of tasks from the judgements in a file.

    A judgement counts if task and script are still the same; the newest one counts. Where the judge has changed since,
    the statistics say so: only `verify` judges again. Raises UsageError if the file cannot be read.
    """
    tasks = tuple(tasks)
    known = read_judgements(record)
    by_key = {judgement.key: judgement for judgement in known}
    by_content = {(judgement.task_digest, judgement.script_digest): judgement for judgement in known}
    cases = plan(tasks, full_set)
    found: list[Judgement] = []
    other_judge = 0
    for case in cases:
        judgement = by_key.get(case.key) or by_content.get(_content(case))
        if judgement is not None:
            found.append(case.labelled(judgement))
            other_judge += judgement.key != case.key
    return statistics_of(found, len(cases), other_judge, compare_published(tasks))


def _content(case: Case) -> tuple[str, str]:
    return case.task.digest, case.script_digest
