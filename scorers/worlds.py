"""Counterfactual worlds: the same script with another potential behind the same name or the same numbers."""

from __future__ import annotations

from mdevalbench.lammps import install
from mdevalbench.lammps.job import CoeffScale, World
from mdevalbench.lammps.twin import twins
from mdevalbench.tasks.schema import Counterfactual, Potential


def counterfactual_world(change: Counterfactual, potential: Potential) -> World:
    """The world that a family declares: twins of its potential files, and multiplied `pair_coeff` numbers.

    Raises:
        UsageError: a potential file of the family cannot be scaled.
    """
    files = {}
    if (change.length, change.energy) != (1.0, 1.0):
        folder = install.potentials_folder()
        files = twins({name: (folder / name).read_bytes() for name in potential.files}, change.length, change.energy)
    rules: tuple[CoeffScale, ...] = ()
    if change.pair_coeff is not None:
        rules = (CoeffScale(change.pair_coeff.style, tuple(sorted(change.pair_coeff.factors.items()))),)
    return World(files=files, pair_coeff=rules)
