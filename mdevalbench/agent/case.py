"""A run that came to its end, and what was wanted of it."""

from __future__ import annotations

from dataclasses import dataclass

from mdevalbench.agent.wish import Wish
from mdevalbench.lammps.evidence import Segment
from mdevalbench.lammps.job import Run
from mdevalbench.observables.ensemble import Ensemble, ensemble


@dataclass(frozen=True)
class Case:
    """What is looked at."""

    wish: Wish
    script: str
    run: Run

    @property
    def production(self) -> Segment | None:
        """The last stage in which atoms moved by themselves."""
        stages = [one for one in self.run.evidence.segments if one.is_dynamics and one.steps]
        moving = [one for one in stages if ensemble(one) is not Ensemble.FROZEN]
        return moving[-1] if moving else None

    @property
    def atoms(self) -> int:
        """How many there are at the end."""
        final = self.run.evidence.final
        return final.natoms if final else 0
