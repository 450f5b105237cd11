"""Rules on what a script has forgotten: the box, the atoms, masses, the pair style, the solver for charges."""

from __future__ import annotations

import re

from ase.data import atomic_masses, atomic_names, atomic_numbers

from mdevalbench.lammps import potentials
from mdevalbench.lammps.filecheck import FILE_STYLES, base_style
from mdevalbench.lammps.remedies.case import Answer, Case, Rule, is_number, line_after, line_before, swap
from mdevalbench.lammps.remedies.tables import MASS_FACTOR, NO_SETTINGS
from mdevalbench.lammps.styles import installed

_MAKERS = ("create_box", "read_data", "read_restart")


def box(case: Case) -> Answer | None:
    """No `create_box` at all."""
    if not case.said(r"before simulation box is (?:defined|created)") or case.all(*_MAKERS):
        return None
    regions = [one for one in case.before("region") if len(one.args) > 1 and one.args[1].text in ("block", "prism")]
    count = _types(case)
    advice = "Make the simulation box first: 'create_box N region', N being the number of atom types."
    if len(regions) != 1 or count is None:
        return Answer(advice)
    return Answer(advice, (line_after(case.script, regions[0], f"create_box {count} {regions[0].args[0].text}"),))


def _types(case: Case) -> int | None:
    """Number of atom types that the script speaks of; None if it is not consistent."""
    if case.elements:
        return len(case.elements)
    numbers: set[int] = set()
    for command in case.all("mass", "create_atoms", "pair_coeff"):
        for word in command.args[: 2 if command.name == "pair_coeff" else 1]:
            if word.text.isdigit():
                numbers.add(int(word.text))
    numbers.discard(0)
    masses = {int(one.args[0].text) for one in case.all("mass") if one.args and one.args[0].text.isdigit()}
    return len(numbers) if numbers and masses and numbers == set(range(1, len(numbers) + 1)) == masses else None


def lattice(case: Case) -> Answer | None:
    """No lattice at all."""
    if not case.said("undefined lattice|without a lattice") or case.all("lattice"):
        return None
    return Answer("Say before the region which lattice the atoms are put on, e.g. 'lattice fcc 3.6'.")


def atoms(case: Case) -> Answer | None:
    """A box without atoms."""
    if not case.said(r"(?:with no|without) atoms|[Nn]o atoms in "):
        return None
    if case.all("create_atoms", "read_data", "read_restart", "read_dump"):
        return None
    lattices = [one for one in case.before("lattice") if one.args and one.args[0].text != "none"]
    boxes = case.before("create_box")
    advice = "Fill the box with atoms first: 'create_atoms TYPE box' puts one on every place of the lattice."
    if not boxes or case.types != 1 or len(lattices) != 1 or case.all("molecule"):
        return Answer(advice)
    return Answer(advice, (line_after(case.script, boxes[-1], "create_atoms 1 box"),))


def mass(case: Case) -> Answer | None:
    """A type without a mass."""
    found = case.said(r"Type (\d+) is missing|[Mm]ass(?:es)? .*not (?:all )?set|per-type masses are set")
    if not found:
        return None
    wanted = [int(found[1])] if found[1] else list(range(1, (case.types or 0) + 1))
    given = {one.args[0].text for one in case.all("mass") if one.args}
    wanted = [number for number in wanted if str(number) not in given]
    other = _wrong_number(case, wanted)
    if other is not None:
        return other
    values = {number: _mass(case, number) for number in wanted}
    advice = "Give every atom type its mass, e.g. 'mass 1 63.546', once the box is made."
    if not values or not all(values.values()):
        return Answer(advice)
    lines = "\n".join(f"mass {number} {value}" for number, value in values.items())
    return Answer(advice, (line_before(case.command, lines),))


def _wrong_number(case: Case, wanted: list[int]) -> Answer | None:
    """The same type twice, or a box with a type too many."""
    masses = [one.args[0] for one in case.before("mass") if one.args]
    texts = [word.text for word in masses]
    if len(wanted) != 1 or case.types is None:
        return None
    (number,) = wanted
    twice = [word for word in masses if texts.count(word.text) == 2]
    if twice and len(masses) == case.types:
        advice = f"Type {twice[0].text} has two masses, and type {number} none."
        return Answer(advice, (swap(twice[-1], str(number)),))
    boxes = case.before("create_box")
    places = [word for one in case.all("create_atoms", "pair_coeff", "set") for word in one.args[:2]]
    named = any(word.text == str(number) for word in places)
    if number == case.types > 1 and not named and len(case.elements) < number and len(set(texts)) == number - 1:
        advice = f"Nothing is of type {number}: 'create_box' has one type too many."
        return Answer(advice, (swap(boxes[-1].args[0], str(number - 1)),) if boxes else ())
    return None


def _mass(case: Case, number: int) -> str | None:
    """Mass of an atom type in the units of the script, if the script tells its element."""
    if case.units == "lj":
        return "1.0" if case.types == 1 and not case.elements else None
    symbol = case.elements[number - 1] if len(case.elements) >= number else _spoken(case)
    factor = MASS_FACTOR.get(case.units)
    if symbol is None or symbol not in atomic_numbers or factor is None:
        return None
    return f"{float(atomic_masses[atomic_numbers[symbol]]) * factor:.6g}"


def _spoken(case: Case) -> str | None:
    """The element of a pure substance that the comments of the script name in full."""
    comments = " ".join(line.partition("#")[2] for line in case.script.lines).lower()
    names = {name.lower() for name in atomic_names[1:]}
    found = {word for word in re.findall("[a-z]+", comments) if word in names and word not in ("lead", "tin")}
    if len(found) != 1 or case.types != 1:
        return None
    (name,) = found
    return next(symbol for symbol, number in atomic_numbers.items() if atomic_names[number].lower() == name)


def pair_style(case: Case) -> Answer | None:
    """`pair_coeff` without `pair_style`."""
    if not case.said("Pair_coeff command without a pair style"):
        return None
    advice = "Say first which kind of interaction it is, with 'pair_style', and then its coefficients."
    found = [potentials.find(word.text) for word in case.command.args]
    styles = {file.style for file in found if file is not None and file.style in FILE_STYLES}
    if len(styles) == 1 and styles <= NO_SETTINGS and styles <= installed().names("pair"):
        style = styles.pop()
        advice += f" This file is one for 'pair_style {style}'."
        return Answer(advice, (line_before(case.command, f"pair_style {style}"),))
    return Answer(advice)


def coefficients(case: Case) -> Answer | None:
    """Coefficients that are missing."""
    if not case.said("All pair coeffs are not set"):
        return None
    advice = (
        "Give 'pair_coeff' for every pair of types behind the last 'pair_style' (which forgets those before): "
        "'pair_coeff I J ...' for numbers, 'pair_coeff * * FILE ELEMENT ...' for a potential file."
    )
    return Answer(advice)


def solver(case: Case) -> Answer | None:
    """A pair style for long-range forces without a solver, or a solver without such a style."""
    if case.said("requires a KSpace style"):
        style = case.pair_style
        advice = "This pair style needs a solver for the long range: add e.g. 'kspace_style pppm 1.0e-4'."
        plain = style.endswith("coul/long") and not style.startswith(("lj/long", "buck/long"))
        open_box = any(word.text not in ("p", "pp") for one in case.before("boundary") for word in one.args)
        edits = (line_before(case.command, "kspace_style pppm 1.0e-4"),) if plain and not open_box else ()
        return Answer(advice, edits)
    if case.said("KSpace style is incompatible with Pair style|incompatible with .*[Pp]air style"):
        styles = [one for one in case.before("pair_style") if one.args]
        better = f"{base_style(styles[-1].args[0].text)}/coul/long" if styles else ""
        advice = "A solver for the long range needs a pair style with its short-range part, such as lj/cut/coul/long."
        fits = better in installed().names("pair") and "coul" not in styles[-1].args[0].text
        return Answer(advice, (swap(styles[-1].args[0], better),) if fits else ())
    if case.said("uncharged system|system on no charge|no charge"):
        return Answer("No atom has a charge yet: give every type its own, e.g. 'set type 1 charge 1.0'.")
    return None


def atom_style(case: Case) -> Answer | None:
    """An atom style without the attribute that something needs."""
    wanted = case.said(r"atom style|atom attribute|Atom style|atom_style")
    what = case.said(r"attribute (?:q|charge)|charge|bond|angle|molecul|dihedral|improper")
    if not wanted or not what or case.said("^Unrecognized|^Illegal|^Atom_style"):
        return None
    molecular = bool(case.all("molecule", "bond_style", "bond_coeff", "create_bonds", "angle_style"))
    style = "full" if molecular else "charge"
    advice = f"The atoms have no such property: use 'atom_style {style}'."
    if what[0] not in ("attribute q", "attribute charge", "charge") and not molecular:
        return Answer(advice)
    named = [one for one in case.before("atom_style") if one.args]
    if named:
        plain = named[-1].args[0].text in ("atomic", "bond", "angle", "molecular", "charge")
        return Answer(advice, (swap(named[-1].args[0], style),) if plain else ())
    units = case.before("units")
    edit = (
        line_after(case.script, units[0], f"atom_style {style}")
        if units
        else line_before(case.section[0], f"atom_style {style}")
    )
    return Answer(advice, (edit,))


def units(case: Case) -> Answer | None:
    """A potential file in other units than those of the script."""
    found = case.said(r"requires (\w+) units but (\w+) units are in use")
    if not found:
        return None
    advice = (
        f"The numbers of this file are in {found[1]} units: begin with 'units {found[1]}', and give all others in it."
    )
    if case.all("units"):
        return Answer(advice)
    return Answer(advice, (line_before(case.section[0], f"units {found[1]}"),))


def cutoff(case: Case) -> Answer | None:
    """`pair_style lj/cut` without its cutoff."""
    if case.command.name != "pair_style" or not case.said("Illegal pair_style") or len(case.texts) != 1:
        return None
    advice = "Give the cutoff radius behind the style, e.g. 'pair_style lj/cut 2.5' (about 2.5 sigma)."
    if case.texts[0] != "lj/cut":
        return Answer("This style needs further arguments, such as a cutoff radius.")
    ends = [one.args[4].text if len(one.args) > 4 else "" for one in case.after("pair_coeff")]
    if not ends or not all(is_number(end) for end in ends):
        return Answer(advice)
    return Answer(advice, (swap(case.command.args[0], f"lj/cut {max(ends, key=float)}"),))


RULES: tuple[Rule, ...] = (box, lattice, atoms, mass, pair_style, coefficients, solver, atom_style, units, cutoff)
