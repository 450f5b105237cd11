"""Questions on molecular dynamics (`knowledge`) and on LAMMPS (`syntax`), each with the proof of its answer."""

from mdevalbench.tasks.qa.loading import SUITES, Question, deal, load_questions, right_letters
from mdevalbench.tasks.qa.schema import Item

__all__ = ["SUITES", "Item", "Question", "deal", "load_questions", "right_letters"]
