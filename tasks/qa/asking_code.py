"""The published code tasks as an Inspect task: `inspect eval mdevalbench/official_code --model ...`."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path

import inspect_ai
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.model import ChatMessage, ChatMessageSystem, ChatMessageUser

from mdevalbench import __version__
from mdevalbench.lammps import install
from mdevalbench.scorers import inspect_code
from mdevalbench.scorers.code import does_not_start
from mdevalbench.scorers.inspect import shared_judge
from mdevalbench.tasks.chat import lammps_version, system_message
from mdevalbench.tasks.inspect_tasks import answer
from mdevalbench.tasks.qa import code
from mdevalbench.tasks.qa.asking import check_language
from mdevalbench.tasks.qa.code import CodeTask, load_code
from mdevalbench.tasks.qa.schema import Language


@inspect_ai.task
def official_code(data: str | None = None, language: Language = "en", judge: str | None = None) -> inspect_ai.Task:
    """The published code tasks: scripts that LAMMPS is to get through.

    Args:
        data: folder with the published files; by default they are fetched from the hub.
        language: `en` or `zh`.
        judge: model that fills in the paper's rubric; by default evidence decides those items that it can.
    """
    check_language(language)
    tasks = load_code(Path(data) if data else None, language)
    broken = broken_references(tasks)
    system = system_message()
    content = [system, install.identity(), *(task.model_dump_json() for task in tasks)]
    digest = hashlib.sha256("\n".join(content).encode()).hexdigest()
    return inspect_ai.Task(
        dataset=MemoryDataset([_code_sample(task, system, task.id in broken) for task in tasks], name=code.SUITE),
        solver=answer(),
        scorer=inspect_code.code(judge),
        version=digest[:12],
        metadata={
            "suite": code.SUITE,
            "suite_digest": digest,
            "mdevalbench": __version__,
            "lammps": lammps_version(),
            "language": language,
            "judge": judge,
            "flags": code.flags_of(tasks, broken),
        },
    )


def _code_sample(task: CodeTask, system: str, broken: bool) -> Sample:
    flags = [*([code.BROKEN] if broken else []), *task.flags]
    asked: list[ChatMessage] = [ChatMessageSystem(content=system), ChatMessageUser(content=task.prompt)]
    return Sample(id=task.id, input=asked, metadata={"request": task.prompt, "flags": flags})


@lru_cache(maxsize=4)
def broken_references(tasks: tuple[CodeTask, ...]) -> dict[str, str]:
    """Id -> why, of those whose published script LAMMPS does not take even with its loops left out."""
    given = [task for task in tasks if task.reference]
    why = does_not_start([task.reference for task in given], shared_judge().pool)
    return {task.id: reason for task, reason in zip(given, why, strict=True) if reason}
