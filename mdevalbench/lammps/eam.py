"""Tabulated embedded-atom potentials: the file formats setfl (`eam/alloy`, `eam/fs`, `adp`) and funcfl (`eam`).

They are described in the LAMMPS manual under `pair_style eam` and `pair_style adp`. Numbers are in the unit system of
the file, which is metal units in all files that come with LAMMPS: lengths in angstrom, energies in eV.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from mdevalbench.errors import UsageError

Floats = NDArray[np.float64]
SetflStyle = Literal["eam/alloy", "eam/fs", "adp"]
_COMMENTS = 3
_PER_LINE = 5


@dataclass(frozen=True, slots=True)
class Atom:
    """The line of a file that describes an element; LAMMPS uses nothing of it but the mass."""

    atomic_number: int
    mass: float
    lattice_constant: float
    lattice: str


@dataclass(frozen=True, slots=True)
class Grid:
    """Where the functions are tabulated: density k * drho, distance k * dr, k = 0, 1, ..."""

    nrho: int
    drho: float
    nr: int
    dr: float
    cutoff: float


@dataclass(frozen=True, slots=True)
class Setfl:
    """A setfl file: several elements, densities per element (`eam/alloy`, `adp`) or per pair of elements (`eam/fs`)."""

    comments: tuple[str, str, str]
    elements: tuple[str, ...]
    grid: Grid
    atoms: tuple[Atom, ...]
    embedding: tuple[Floats, ...]
    """per element, (nrho,) energy F(rho)"""
    density: tuple[tuple[Floats, ...], ...]
    """per element, one or (Finnis-Sinclair) one per neighbour's element, (nr,) rho(r)"""
    pair: tuple[Floats, ...]
    """per pair i >= j in the order 11 21 22 31 ..., (nr,) r * phi(r), length times energy"""
    dipole: tuple[Floats, ...] = ()
    """`adp` only: per pair as before, (nr,) u(r), square root of energy over length"""
    quadrupole: tuple[Floats, ...] = ()
    """`adp` only: per pair as before, (nr,) w(r), square root of energy over length squared"""

    def format(self) -> str:
        """The file's text; every number can be read back exactly."""
        lines = [*self.comments, f"{len(self.elements)} {' '.join(self.elements)}", _grid_line(self.grid)]
        for atom, embedding, densities in zip(self.atoms, self.embedding, self.density, strict=True):
            lines.append(_atom_line(atom))
            for values in (embedding, *densities):
                lines += _rows(values)
        for values in (*self.pair, *self.dipole, *self.quadrupole):
            lines += _rows(values)
        return "\n".join(lines) + "\n"


@dataclass(frozen=True, slots=True)
class Funcfl:
    """A funcfl file: one element."""

    comment: str
    atom: Atom
    grid: Grid
    embedding: Floats
    """(nrho,) energy F(rho)"""
    charge: Floats
    """(nr,) effective charge Z(r): phi(r) = 27.2 * 0.529 * Z(r)**2 / r in eV and angstrom"""
    density: Floats
    """(nr,) rho(r)"""

    def format(self) -> str:
        """The file's text; every number can be read back exactly."""
        tables = [row for values in (self.embedding, self.charge, self.density) for row in _rows(values)]
        return "\n".join([self.comment, _atom_line(self.atom), _grid_line(self.grid), *tables]) + "\n"


@dataclass(frozen=True, slots=True)
class SetflHeader:
    """The first five lines of a setfl file."""

    comments: tuple[str, str, str]
    elements: tuple[str, ...]
    grid: Grid


def read_setfl_header(file: Path) -> SetflHeader:
    """Comments, elements and grid of a setfl file. Raises `UsageError` if it is none."""
    with file.open(encoding="utf-8", errors="replace") as lines:
        return _Reader((line for line in lines), file.name).header()


def read_setfl(content: bytes, name: str, style: SetflStyle) -> Setfl:
    """A whole setfl file; `name` is for messages. Raises `UsageError` if the content is no such file."""
    reader = _Reader(iter(content.decode("utf-8", "replace").splitlines()), name)
    header = reader.header()
    count, grid = len(header.elements), header.grid
    atoms, embedding, density = [], [], []
    for _ in range(count):
        atoms.append(reader.atom())
        embedding.append(reader.table(grid.nrho))
        density.append(tuple(reader.table(grid.nr) for _ in range(count if style == "eam/fs" else 1)))
    pairs = count * (count + 1) // 2
    pair, dipole, quadrupole = (
        tuple(reader.table(grid.nr) for _ in range(pairs if style == "adp" or first else 0))
        for first in (True, False, False)
    )
    reader.end()
    return Setfl(
        header.comments, header.elements, grid, tuple(atoms), tuple(embedding), tuple(density), pair, dipole, quadrupole
    )


def read_funcfl(content: bytes, name: str) -> Funcfl:
    """A whole funcfl file; `name` is for messages. Raises `UsageError` if the content is no such file."""
    reader = _Reader(iter(content.decode("utf-8", "replace").splitlines()), name)
    comment, atom, grid = reader.line(), reader.atom(), reader.grid()
    return Funcfl(comment, atom, grid, reader.table(grid.nrho), reader.table(grid.nr), reader.table(grid.nr))


class _Reader:
    """Reads lines and tables; a table begins on a line of its own, as LAMMPS requires."""

    def __init__(self, lines: Iterator[str], name: str) -> None:
        self._lines = lines
        self._name = name
        self._number = 0

    def line(self) -> str:
        for line in self._lines:
            self._number += 1
            return line.rstrip("\r\n")
        raise self._error("the file ends too early")

    def header(self) -> SetflHeader:
        comments = (self.line(), self.line(), self.line())
        count, *elements = self.line().split() or [""]
        if not count.isdigit() or not elements or len(elements) != int(count):
            raise self._error("a number of elements and their names are expected here")
        return SetflHeader(comments, tuple(elements), self.grid())

    def grid(self) -> Grid:
        words = self.line().split()
        try:
            return Grid(int(words[0]), float(words[1]), int(words[2]), float(words[3]), float(words[4]))
        except (ValueError, IndexError) as error:
            raise self._error("nrho, drho, nr, dr and the cutoff are expected here") from error

    def atom(self) -> Atom:
        words = self.line().split()
        try:
            return Atom(int(words[0]), float(words[1]), float(words[2]), " ".join(words[3:]))
        except (ValueError, IndexError) as error:
            raise self._error("atomic number, mass, lattice constant and lattice are expected here") from error

    def table(self, count: int) -> Floats:
        words: list[str] = []
        while len(words) < count:
            words += self.line().split()
        if len(words) > count:
            raise self._error(f"a table of {count} numbers does not end with the line")
        try:
            return np.array(words, dtype=np.float64)
        except ValueError as error:
            raise self._error("a table of numbers is expected here") from error

    def end(self) -> None:
        if any(line.strip() for line in self._lines):
            raise self._error("the file goes on after its last table")

    def _error(self, what: str) -> UsageError:
        return UsageError(f"{self._name}, line {self._number}: {what}; is it really an EAM file of this format?")


def _atom_line(atom: Atom) -> str:
    return f"{atom.atomic_number} {atom.mass!r} {atom.lattice_constant!r} {atom.lattice}".rstrip()


def _grid_line(grid: Grid) -> str:
    return f"{grid.nrho} {grid.drho!r} {grid.nr} {grid.dr!r} {grid.cutoff!r}"


def _rows(values: Floats) -> list[str]:
    numbers = [repr(float(value)) for value in values]
    return [" ".join(numbers[i : i + _PER_LINE]) for i in range(0, len(numbers), _PER_LINE)]
