"""Twins of potential files: the same physics in a world where every length and every energy is another.

If phi(r) is the original interaction, the twin's is `energy * phi(r / length)`, exactly. Structures scale by
`length`, energies by `energy`, forces by `energy / length`, pressures and elastic constants by `energy / length**3`; a
result that is computed from the simulation follows, one that was remembered does not.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Literal

from mdevalbench.errors import UsageError
from mdevalbench.lammps.eam import Atom, Grid, read_funcfl, read_setfl
from mdevalbench.lammps.potentials import guess_style

_PARAMETERS: dict[str, tuple[int, dict[int, tuple[int, int]]]] = {
    # e1 e2 e3 epsilon sigma a lambda gamma costheta0 A B p q tol
    "sw": (14, {3: (0, 1), 4: (1, 0)}),
    # e1 e2 e3 m gamma lambda3 c d costheta0 n beta lambda2 B R D lambda1 A
    "tersoff": (17, {5: (-1, 0), 11: (-1, 0), 12: (0, 1), 13: (1, 0), 14: (1, 0), 15: (-1, 0), 16: (0, 1)}),
}
"""Style -> words per entry, and the powers of (length, energy) of those that have a dimension (LAMMPS manual)."""


def twin(content: bytes, name: str, length: float, energy: float) -> bytes:
    """The twin of a potential file with all lengths times `length` and all energies times `energy` (both > 0).

    The name tells the format, as those of LAMMPS's own files do: `.eam.alloy`, `.eam.fs`, `.eam`, `.sw`, `.tersoff`.
    Comments stay. Raises `UsageError` for other formats, malformed content and factors that are not positive.
    """
    if not (0 < length < math.inf and 0 < energy < math.inf):
        raise UsageError(f"the factors of a twin potential must be positive numbers, not {length} and {energy}")
    style = guess_style(name)
    if style not in SUPPORTED:
        raise UsageError(
            f"no twin can be made of {name}: its format is {style or 'unknown'}, "
            f"and only {', '.join(SUPPORTED)} are supported"
        )
    return SUPPORTED[style](content, name, length, energy)


def _alloy(content: bytes, name: str, length: float, energy: float) -> bytes:
    return _setfl(content, name, "eam/alloy", length, energy)


def _finnis_sinclair(content: bytes, name: str, length: float, energy: float) -> bytes:
    return _setfl(content, name, "eam/fs", length, energy)


def _setfl(content: bytes, name: str, style: Literal["eam/alloy", "eam/fs"], length: float, energy: float) -> bytes:
    """Densities keep their values, on stretched distances; F scales as an energy and r * phi as length times energy."""
    file = read_setfl(content, name, style)
    scaled = replace(
        file,
        grid=_stretched(file.grid, length),
        atoms=tuple(_swollen(atom, length) for atom in file.atoms),
        embedding=tuple(values * energy for values in file.embedding),
        pair=tuple(values * (length * energy) for values in file.pair),
    )
    return scaled.format().encode()


def _funcfl(content: bytes, name: str, length: float, energy: float) -> bytes:
    """As for setfl; since r * phi is proportional to Z**2, the effective charge scales by the square root."""
    file = read_funcfl(content, name)
    scaled = replace(
        file,
        atom=_swollen(file.atom, length),
        grid=_stretched(file.grid, length),
        embedding=file.embedding * energy,
        charge=file.charge * math.sqrt(length * energy),
    )
    return scaled.format().encode()


def _stretched(grid: Grid, length: float) -> Grid:
    return replace(grid, dr=grid.dr * length, cutoff=grid.cutoff * length)


def _swollen(atom: Atom, length: float) -> Atom:
    return replace(atom, lattice_constant=atom.lattice_constant * length)


def _parameters(content: bytes, name: str, length: float, energy: float) -> bytes:
    """A file of entries with a fixed number of words; words are replaced in place."""
    style = guess_style(name)
    words, powers = _PARAMETERS[style]
    seen = 0

    def scaled(match: re.Match[str]) -> str:
        nonlocal seen
        place = seen % words
        seen += 1
        if place not in powers:
            return match[0]
        try:
            value = float(match[0])
        except ValueError as error:
            raise UsageError(
                f"{name}: '{match[0]}' stands where a number is expected; is it a {style} file?"
            ) from error
        return repr(value * length ** powers[place][0] * energy ** powers[place][1])

    lines = []
    for line in content.decode("utf-8", "replace").splitlines():
        values, mark, comment = line.partition("#")
        lines.append(re.sub(r"\S+", scaled, values) + mark + comment)
    if seen == 0 or seen % words:
        raise UsageError(f"{name}: a {style} file has {words} words per entry, this one has {seen} words in all")
    return ("\n".join(lines) + "\n").encode()


SUPPORTED: dict[str, Callable[[bytes, str, float, float], bytes]] = {
    "eam/alloy": _alloy,
    "eam/fs": _finnis_sinclair,
    "eam": _funcfl,
    "sw": _parameters,
    "tersoff": _parameters,
}
"""Pair style -> how its files are scaled."""
