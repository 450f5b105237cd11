"""Rules on runs that go wrong while they run, on fixes that stay, and on what is left: words without edits."""

from __future__ import annotations

from mdevalbench.lammps.remedies.case import Answer, Case, delete, is_number, line_before
from mdevalbench.lammps.script import Command

_ADVICE = {
    r"_coeff command before \w+_style is defined": "Say first of which kind these bonds or angles are, e.g. with "
    "'bond_style harmonic'.",
    r"Lost atoms|lost atoms": "Atoms flew apart: minimise first, take a shorter time step, check the units of the "
    "potential and of the masses, and that atoms do not overlap.",
    r"Non-numeric|non-numeric|NaN|nan": "The forces grew without limit: atoms overlap, or the time step is too long. "
    "Minimise first.",
    r"Out of range atoms": "Atoms moved too far in one step: minimise first, or take a shorter time step.",
    r"Bond atoms? .*missing|[Ss]hake atoms .*missing|Angle atoms missing": "A molecule was torn apart: minimise first, "
    "or take a shorter time step.",
    r"Neighbor list overflow": "Too many neighbours: atoms overlap, or the cutoff is too large for this density.",
    r"Domain too large|[Bb]ox .*too (?:large|small)|neighbor bins": "The size of the box is not what was meant: check "
    "the units of its edges, and whether the lattice constant multiplies them.",
    r"[Cc]annot use fix (?:npt|nph|box/relax).*non-periodic|non-periodic dimension": "The pressure can be kept only "
    "along periodic edges: use 'boundary p p p', or couple the others only.",
    r"Pressure control must be used": "'npt' needs a pressure, e.g. 'iso 1.0 1.0 1.0' with its damping time; without "
    "one, use 'nvt'.",
    r"(?i:unknown)|[Uu]nrecognized|Expected .* instead": "LAMMPS expects another word here: compare the line with "
    "the manual page of this command.",
    r"Illegal (?:fix|compute|pair_style|dump|region|velocity|set|group|run|timestep|thermo) .*|missing argument": (
        "An argument is missing, or one too many: compare the line with the manual page of this command."
    ),
}
"""What LAMMPS says -> what to do, where an edit would be a guess."""


_CROWDED = 2.0
"""angstrom: no crystal has so small a lattice constant"""


def replaced(case: Case) -> Answer | None:
    """A fix or compute whose ID is in use."""
    name = case.texts[0] if case.texts else ""
    kind = case.command.name
    if kind not in ("fix", "compute", "region", "dump", "variable", "molecule"):
        return None
    if not case.said(r"Replacing a fix|Reuse of|already (?:exists|in use)"):
        return None
    made = case.defined(kind).get(name)
    if made is None:
        return _in_a_loop(case, kind, name)
    if [word.text for word in made.args] == case.texts:
        return Answer(f"The same {kind} is there already: leave this line out.", delete(case.script, case.command))
    undo = {"fix": "unfix", "compute": "uncompute", "dump": "undump"}.get(kind)
    advice = f"'{name}' is in use by line {made.line}: delete that first, or take another name."
    ran = undo is not None and _ran(case, made)
    return Answer(advice, (line_before(case.command, f"{undo} {name}"),) if ran else ())


def _in_a_loop(case: Case, kind: str, name: str) -> Answer | None:
    """A compute or dump that is made in every turn of a loop."""
    steps = case.after("next")
    undo = {"compute": "uncompute", "dump": "undump"}.get(kind)
    if undo is None or not steps or not case.before("label"):
        return None
    advice = f"Every turn of the loop makes '{name}' anew: delete it at the end of each, with '{undo} {name}'."
    return Answer(advice, (line_before(steps[0], f"{undo} {name}"),))


def _ran(case: Case, made: Command) -> bool:
    """Whether it has done its work in a run before."""
    return any(one.name in ("run", "minimize") and one.line > made.line for one in case.earlier)


def advice(case: Case) -> Answer | None:
    """Words without edits."""
    return _crowded(case) or next((Answer(text) for pattern, text in _ADVICE.items() if case.said(pattern)), None)


def _crowded(case: Case) -> Answer | None:
    """Atoms on top of each other since `lattice` was given a density, or a digit was lost."""
    scales = [command.args[1].text for command in case.before("lattice") if len(command.args) > 1]
    if not scales or not is_number(scales[-1]) or case.units not in ("metal", "real"):
        return None
    if float(scales[-1]) >= _CROWDED or not case.said(r"Neighbor list overflow|[Ll]ost atoms|(?i:non-numeric|nan)"):
        return None
    return Answer(
        f"Atoms overlap: in {case.units} units 'lattice' takes the lattice constant in angstrom, and {scales[-1]} is "
        "too small for one. A reduced density stands there in lj units only."
    )
