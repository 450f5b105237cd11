"""Rules on the order of commands: what must stand before the box, and what behind it."""

from __future__ import annotations

from mdevalbench.lammps.remedies.case import Answer, Case, Rule, delete, move_after, move_before
from mdevalbench.lammps.script import Command

_NEEDS_BOX = frozenset(
    """
    mass pair_coeff bond_coeff angle_coeff dihedral_coeff improper_coeff group set velocity delete_atoms displace_atoms
    fix compute run minimize thermo_style dump create_atoms change_box replicate kspace_style special_bonds
""".split()
)
_NEEDS_ATOMS = frozenset("group set velocity delete_atoms displace_atoms replicate fix compute dump".split())
_MAKERS = ("create_box", "read_data", "read_restart")
_FILLERS = ("create_atoms", "read_data", "read_restart", "read_dump")


def needs_box(case: Case) -> Answer | None:
    """A command that stands before the box, or the atoms, that it works on."""
    early = case.said(
        r"before simulation box is (?:defined|created)|(?:with no|without) atoms|before .* box is defined"
    )
    name = case.command.name
    if not early:
        return None
    made = case.after(*_MAKERS)
    filled = case.after(*_FILLERS)
    if not (filled if "atoms" in early[0] else made):
        return None  # it is missing: a rule of `setup`
    target = made[0] if made and name not in _NEEDS_ATOMS else (filled or made)[-1]
    if name == "velocity":
        masses = case.after("mass")
        target = max([target, *masses[-1:]], key=lambda one: one.line)
    between = [one for one in case.later if one.line < target.line and _same_kind(one, name)]
    if name not in _NEEDS_BOX or any(one.name in ("run", "minimize", "jump", "next") for one in between):
        return Answer(f"Move '{name}' behind '{target.name}': it works on what that makes.")
    moved = [case.command, *between]
    advice = f"Move '{name}' behind '{target.name}': it works on what that makes."
    return Answer(advice, move_after(case.script, moved, target))


def _same_kind(command: Command, name: str) -> bool:
    """Whether a command has to move along with one of this name."""
    coefficients = name.endswith("_coeff") and command.name.endswith("_coeff")
    return command.name == name != "create_atoms" or coefficients


def too_late(case: Case) -> Answer | None:
    """A setting of the whole system that stands behind the box."""
    if not case.said(r"(?i:command) after simulation box is defined|[Cc]annot .* after simulation box is defined"):
        return None
    name = case.command.name
    same = case.before(name)
    if same:
        if [word.text for word in same[-1].args] == case.texts:
            return Answer(f"'{name}' is set before; leave this line out.", delete(case.script, case.command))
        return Answer(f"'{name}' stands in line {same[-1].line} already: change it there, and leave this line out.")
    target = case.section[0]
    if name != "units":
        box = case.before(*_MAKERS)
        firsts = [one for one in case.section if one.name != "units"]
        target = firsts[0] if firsts and firsts[0].line <= (box[0].line if box else 0) else target
    advice = f"Move '{name}' to the beginning: it has to stand before the box is made."
    return Answer(advice, move_before(case.script, [case.command], target))


def modifies_nothing(case: Case) -> Answer | None:
    """`kspace_modify` or `pair_modify` before the style that it changes."""
    if not case.said("style has not yet been set|before pair_style|before a? ?pair style"):
        return None
    styles = case.after(case.command.name.replace("_modify", "_style"))[:1]
    advice = f"Move '{case.command.name}' behind the style that it changes."
    return Answer(advice, move_after(case.script, [case.command], styles[0]) if styles else ())


def later_definition(case: Case) -> Answer | None:
    """`create_box` before its region, `create_atoms` before the lattice, `pair_coeff` before `pair_style`."""
    wanted: list[Command] = []
    target = case.command
    region = case.said(r"region (?:ID )?(\S+) does not exist")
    if region:
        wanted = [one for one in case.after("region") if one.args and one.args[0].text == region[1]]
    elif case.said(r"undefined lattice|without a lattice|[Ll]attice .*not (?:been )?defined"):
        wanted = case.after("lattice")[:1]
        regions = case.before("region")
        target = regions[0] if regions else target
    elif case.said("Pair_coeff command without a pair style"):
        wanted = case.after("pair_style")[:1]
        firsts = case.before("pair_coeff")
        target = firsts[0] if firsts else target
    elif found := case.said(r"_coeff command before (\w+_style) is defined"):
        wanted = case.after(found[1])[:1]
    elif case.said("All pair coeffs are not set"):
        wanted = case.after("pair_coeff") if not case.before("pair_coeff") and not case.after("pair_style") else []
    elif case.said("Not all per-type masses are set"):
        wanted = case.after("mass") if not case.before("mass") else []
    elif case.said("requires a KSpace style"):
        wanted = case.after("kspace_style")[:1]
    elif case.said("uncharged system"):
        wanted = [one for one in case.after("set") if any(word.text == "charge" for word in one.args)]
    if not wanted:
        return None
    advice = f"Move '{wanted[0].name}' (line {wanted[0].line}) before line {target.line}, which needs it."
    return Answer(advice, move_before(case.script, wanted, target))


RULES: tuple[Rule, ...] = (needs_box, too_late, modifies_nothing, later_definition)
