"""Tasks: families of LAMMPS questions, their loading and checking."""

from mdevalbench.tasks.chat import messages
from mdevalbench.tasks.drawn.drawing import DrawnTask, draw, drawable
from mdevalbench.tasks.drawn.seeds import Seed
from mdevalbench.tasks.loading import Task, family_names, given_files, load_family, load_task, reference_value, task_ids
from mdevalbench.tasks.references import StoredReference
from mdevalbench.tasks.scripts import Variant, mutations, reference, render_reference, reseeds, solutions, wrong
from mdevalbench.tasks.suites import load_suite, suite_names, suites

__all__ = [
    "DrawnTask",
    "Seed",
    "StoredReference",
    "Task",
    "Variant",
    "draw",
    "drawable",
    "family_names",
    "given_files",
    "load_family",
    "load_suite",
    "load_task",
    "messages",
    "mutations",
    "reference",
    "reference_value",
    "render_reference",
    "reseeds",
    "solutions",
    "suite_names",
    "suites",
    "task_ids",
    "wrong",
]
