"""What an estimator is: a named function from stages of a run to a measurement."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import entry_points
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
PLUGINS = "mdevalbench.estimators"
"""entry points of installed packages: name of the estimator = module, or module:function"""


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
    """The estimator of that name, of this package or of an installed one (entry points of the group `PLUGINS`).

    Raises `UsageError`, which lists the known ones, or says why that of another package cannot be loaded.
    """
    if name not in _ESTIMATORS:
        _load_plugin(name)
    return _ESTIMATORS[name]


def _load_plugin(name: str) -> None:
    """Import the module that an entry point of this name refers to; it registers the estimator."""
    offered = {point.name: point for point in entry_points(group=PLUGINS)}
    if name not in offered:
        raise UsageError(f"unknown estimator '{name}'; known: {', '.join(sorted(_ESTIMATORS.keys() | offered.keys()))}")
    point = offered[name]
    package = point.dist.name if point.dist is not None else "an installed package"
    try:
        point.load()
    except UsageError:
        raise
    except Exception as error:  # whatever the code of others does at its import
        what = f"{type(error).__name__}: {error}"
        raise UsageError(f"the estimator '{name}' of {package} ({point.value}) cannot be loaded: {what}") from error
    if name not in _ESTIMATORS:
        raise UsageError(
            f"{package} names an estimator '{name}' ({point.value}), but registers none of that name: put "
            f'@estimator("{name}") before the function'
        )
