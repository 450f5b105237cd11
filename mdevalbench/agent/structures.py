"""Structures for a script to read, built by ASE: crystals, alloys of their sites, slabs, molecules in a box."""

from __future__ import annotations

import io
from pathlib import PurePath
from typing import Any

from ase.build import bulk, molecule
from ase.data import atomic_numbers
from ase.io import write

from mdevalbench.errors import UsageError

MOST_ATOMS = 100_000


def build(
    formula: str,
    crystal: str = "",
    lattice_constant: float | None = None,
    repeat: tuple[int, int, int] = (1, 1, 1),
    vacuum: float = 0.0,
) -> Any:
    """A structure, as `ase.Atoms`.

    Args:
        formula: an element or compound (`Cu`, `NaCl`), or a molecule that ASE knows (`H2O`).
        crystal: fcc, bcc, hcp, diamond, zincblende, rocksalt, cesiumchloride, fluorite, wurtzite; empty for an
            element's own structure, or for a molecule.
        lattice_constant: angstrom; that of the element if it is left out.
        repeat: how often the cubic (or orthorhombic) cell is repeated along x, y and z.
        vacuum: angstrom of empty space on both sides along z.

    Raises UsageError if ASE cannot build it, or it would have more than 100 000 atoms.
    """
    if min(repeat) < 1:
        raise UsageError(f"repeat {repeat}: each number is 1 or more")
    try:
        found = _cell(formula, crystal, lattice_constant)
    except (KeyError, ValueError, RuntimeError) as error:
        raise UsageError(f"ASE cannot build {formula} {crystal}: {error}") from error
    if len(found) * repeat[0] * repeat[1] * repeat[2] > MOST_ATOMS:
        raise UsageError(f"that would be more than {MOST_ATOMS} atoms: repeat the cell less often")
    found = found.repeat(repeat)
    if vacuum:
        found.center(vacuum=vacuum, axis=2)
    return found


def _cell(formula: str, crystal: str, lattice_constant: float | None) -> Any:
    if not crystal and formula not in atomic_numbers:
        found: Any = molecule(formula)  # type: ignore[no-untyped-call]
        found.center(vacuum=5.0)
        found.pbc = True
        return found
    options: dict[str, Any] = {"a": lattice_constant, "crystalstructure": crystal or None}
    for shape in ("cubic", "orthorhombic"):
        try:
            return bulk(formula, **{**options, shape: True})
        except (ValueError, RuntimeError, NotImplementedError):
            continue
    return bulk(formula, **options)


def as_data_file(atoms: Any, charges: bool = False) -> str:
    """A LAMMPS data file in `metal` units with masses; atom types in the order of the symbols' first places."""
    text = io.StringIO()
    order = list(dict.fromkeys(atoms.get_chemical_symbols()))
    write(text, atoms, "lammps-data", specorder=order, masses=True, atom_style="charge" if charges else "atomic")
    return text.getvalue()


def file_name(name: str) -> str:
    """A name without folders. Raises UsageError for another."""
    if not name or PurePath(name).name != name or name.startswith("."):
        raise UsageError(f"{name!r} is no plain file name, such as cu.data")
    return name
