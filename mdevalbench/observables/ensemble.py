"""Which ensemble a stage samples, told from the fixes that were live while it ran."""

from __future__ import annotations

from enum import StrEnum
from fnmatch import fnmatchcase

from mdevalbench.lammps.evidence import FixInfo, Segment


class Ensemble(StrEnum):
    """What is held constant in a stage."""

    NVE = "nve"
    NVT = "nvt"
    NPT = "npt"
    NPH = "nph"
    MINIMISATION = "minimisation"
    FROZEN = "frozen"
    """a time-stepping loop in which nothing is integrated"""
    OTHER = "other"
    """driven, damped, limited, doubly integrated or partly thermostatted dynamics, and unknown integrators"""


HEAT, PRESS = "heat", "press"

_INTEGRATORS: dict[str, frozenset[str]] = {
    "nve": frozenset(),
    "nvt": frozenset((HEAT,)),
    "npt": frozenset((HEAT, PRESS)),
    "nph": frozenset((PRESS,)),
    "rigid": frozenset(),
    "rigid/nve": frozenset(),
    "rigid/nvt": frozenset((HEAT,)),
    "rigid/npt": frozenset((HEAT, PRESS)),
    "rigid/nph": frozenset((PRESS,)),
    "nvt/sllod": frozenset((HEAT,)),
    "npt/cauchy": frozenset((HEAT, PRESS)),
    "nve/dotc/langevin": frozenset((HEAT,)),
    "nvk": frozenset((HEAT,)),
    "gjf": frozenset((HEAT,)),
    "gld": frozenset((HEAT,)),
    "tgnvt/drude": frozenset((HEAT,)),
    "tgnpt/drude": frozenset((HEAT, PRESS)),
}
"""fixes that advance positions and velocities -> what else they control; any other integrator is `other`"""

_CONTROLS: dict[str, frozenset[str]] = {
    "langevin": frozenset((HEAT,)),
    "langevin/drude": frozenset((HEAT,)),
    "gle": frozenset((HEAT,)),
    "temp/berendsen": frozenset((HEAT,)),
    "temp/csvr": frozenset((HEAT,)),
    "temp/csld": frozenset((HEAT,)),
    "temp/rescale": frozenset((HEAT,)),
    "press/berendsen": frozenset((PRESS,)),
    "press/langevin": frozenset((PRESS,)),
}
"""fixes that control temperature or pressure beside an integrator"""

_DRIVING = ("deform*", "viscous*", "heat", "ehex", "add/heat", "drag", "electron/stopping*", "flow/gauss", "propel/*")
"""fixes that do work on the particles or take energy out, so that none of the ensembles is sampled"""

_WATCHING = ("ave/*", "print", "vector", "store/state", "store/force", "halt", "balance", "property/atom", "phonon")
"""fixes that only look"""

_DPD = ("dpd", "dpd/tstat", "dpd/ext", "dpd/ext/tstat")
"""pair styles that are thermostats themselves"""

_SHAPES = ("sphere", "asphere", "body", "line", "tri", "dot", "eff", "uef", "small")
_ACCELERATORS = ("/omp", "/kk", "/kk/host", "/kk/device", "/gpu", "/intel", "/opt")


def plain_style(style: str) -> str:
    """A style's name without its accelerator suffix: `nve/omp` -> `nve`."""
    for suffix in _ACCELERATORS:
        style = style.removesuffix(suffix)
    return style


def only_watches(style: str) -> bool:
    """Whether a fix of this style leaves the dynamics alone."""
    return any(fnmatchcase(plain_style(style), pattern) for pattern in _WATCHING)


def ensemble(segment: Segment) -> Ensemble:
    """The ensemble that a stage samples."""
    if not segment.is_dynamics:
        return Ensemble.MINIMISATION
    fixes = [(_without_shape(plain_style(fix.style)), fix) for fix in segment.settings.fixes]
    known = _INTEGRATORS | _CONTROLS
    if any(_drives(style) or (fix.integrates and style not in known) for style, fix in fixes):
        return Ensemble.OTHER
    integrated = sum(fix.atoms for style, fix in fixes if style in _INTEGRATORS)
    if not integrated:
        return Ensemble.FROZEN
    controls = set[str]().union(*(known.get(style, ()) for style, _ in fixes))
    heated = sum(fix.atoms for style, fix in fixes if HEAT in known.get(style, ()) or _is_heated_rigid(style, fix))
    if heated or segment.settings.pair_style in _DPD:
        controls.add(HEAT)
    if integrated > _atoms(segment) or 0 < heated < integrated:
        return Ensemble.OTHER
    if HEAT in controls:
        return Ensemble.NPT if PRESS in controls else Ensemble.NVT
    return Ensemble.NPH if PRESS in controls else Ensemble.NVE


def box_is_free(segment: Segment) -> bool:
    """Whether the box could follow the stress: `box/relax`, a barostat, or a cell that changed within a loop.

    A cell that was driven (`fix deform`) follows nothing.
    """
    if any(_drives(plain_style(fix.style)) for fix in segment.settings.fixes):
        return False
    known = _INTEGRATORS | _CONTROLS | {"box/relax": frozenset((PRESS,))}
    if any(PRESS in known.get(_without_shape(plain_style(fix.style)), ()) for fix in segment.settings.fixes):
        return True
    return any(
        (frame.cell.vectors != loop.frames[0].cell.vectors).any() for loop in segment.loops for frame in loop.frames[1:]
    )


def _drives(style: str) -> bool:
    return any(fnmatchcase(style, pattern) for pattern in _DRIVING)


def _is_heated_rigid(style: str, fix: FixInfo) -> bool:
    return style.startswith("rigid") and "langevin" in fix.args


def _without_shape(style: str) -> str:
    stem, _, last = style.rpartition("/")
    return stem if stem and last in _SHAPES else style


def _atoms(segment: Segment) -> int:
    """Number of atoms; where nothing was recorded, all that the fixes cover together."""
    if len(segment.samples):
        return int(segment.samples.natoms.max())
    return max((frame.natoms for frame in segment.frames), default=sum(fix.atoms for fix in segment.settings.fixes))
