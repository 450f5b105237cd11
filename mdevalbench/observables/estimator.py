"""What an estimator is: a named function from stages of a run to a measurement."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from mdevalbench.errors import UsageError
from mdevalbench.lammps.evidence import Evidence, Floats, Frame
from mdevalbench.observables.units import Quantity, style_unit
from mdevalbench.types import Measurement


@dataclass(frozen=True, slots=True)
class Evaluated:
    """A frame under a known potential, in the frame's units."""

    energy: float
    """potential energy without tail correction"""
    forces: Floats
    """(N, 3), in the order of the frame's atoms"""
    virial: Floats
    """(6,) xx yy zz xy xz yz, energy units; minus the derivative of the energy with respect to the strain"""


class ForceField(Protocol):
    """A potential that the harness itself evaluates."""

    def evaluate(self, frames: Sequence[Frame]) -> list[Evaluated]:
        """Energy, forces and virial of each frame."""


@dataclass(frozen=True, slots=True)
class Context:
    """What an estimator may use beside the stages it was given."""

    evidence: Evidence
    units: str
    """LAMMPS unit style of the script"""
    forcefield: ForceField | None = None
    """the task's own potential"""

    def unit(self, quantity: Quantity) -> str:
        """Unit of a quantity in the script's unit style."""
        return style_unit(self.units, quantity)

    def evaluate(self, frames: Sequence[Frame]) -> list[Evaluated]:
        """The frames under the task's own potential. Raises `UsageError` if the task prescribes none."""
        if self.forcefield is None:
            raise UsageError("this estimator recomputes energies: prescribe a potential in family.yml")
        return self.forcefield.evaluate(frames)


Estimator = Callable[..., Measurement]
"""called as estimator(segments: tuple[Segment, ...], context: Context, **options)"""
_ESTIMATORS: dict[str, Estimator] = {}


def estimator(name: str) -> Callable[[Estimator], Estimator]:
    """Register an estimator under the name that families use.

    The function raises `Unmeasured` with a reason in plain words where the stages hold no such quantity, and returns
    its value in the script's units.
    """

    def register(function: Estimator) -> Estimator:
        if name in _ESTIMATORS:
            raise UsageError(f"there are two estimators called '{name}'")
        _ESTIMATORS[name] = function
        return function

    return register


def get_estimator(name: str) -> Estimator:
    """The estimator of that name. Raises `UsageError`, which lists the known ones."""
    if name not in _ESTIMATORS:
        raise UsageError(f"unknown estimator '{name}'; known: {', '.join(sorted(_ESTIMATORS))}")
    return _ESTIMATORS[name]
