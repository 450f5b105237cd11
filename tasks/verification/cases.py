"""Which scripts of a task are judged when it is verified: the quick set for authors, the full set for the statistics.

Seeds of the full set are registered before anything is run: each is a hash of the task's id, its purpose and the digest
of the task as it is (`scripts.seed_of`). Nobody chooses them, they differ from those that authors see in the quick set
and from those that made the reference, and a task which was mended is judged with new ones.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from mdevalbench.tasks.loading import Task
from mdevalbench.tasks.scripts import Variant, breaking, mutations, reference, reseeds, seed_of, solutions, wrong

QUICK_RESEEDS = 8
"""new seeds of the reference script per stochastic task in the quick set"""
FULL_RESEEDS = 10
"""the same in the full set"""
FURTHER_SEEDS = 2
"""further seeds of every second solution, wrong script and breaking mutation in the full set"""


def quick_set(task: Task) -> tuple[Variant, ...]:
    """Every script of a task once, and the reference script with a few new seeds."""
    return (reference(task), *solutions(task), *wrong(task), *mutations(task), *reseeds(task, QUICK_RESEEDS))


def full_set(task: Task) -> tuple[Variant, ...]:
    """Every script of a task, those that use random numbers with several seeds."""
    once = (reference(task), *solutions(task), *wrong(task), *mutations(task))
    fresh = reseeds(task, FULL_RESEEDS, _registered(task, "reference"))
    return (*once, *_further(task, once), *fresh)


def _further(task: Task, once: tuple[Variant, ...]) -> Iterator[Variant]:
    """Scripts with other seeds; one that does not use the seed stays the same and is left out."""
    if "seed" not in task.layers:
        return
    known = {variant.script for variant in once}
    makers: tuple[Callable[[Task, int], tuple[Variant, ...]], ...] = (solutions, wrong, breaking)
    for number in range(FURTHER_SEEDS):
        seed = seed_of(task, _registered(task, "further"), number)
        for maker in makers:
            yield from (variant for variant in maker(task, seed) if variant.script not in known)


def _registered(task: Task, purpose: str) -> str:
    return f"{purpose} of {task.digest}"
