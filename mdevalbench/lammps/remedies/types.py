"""Rules on atom types: more than the box allows, numbers out of range, elements instead of numbers."""

from __future__ import annotations

from ase.data import atomic_masses, atomic_numbers

from mdevalbench.lammps.diagnostics import Edit
from mdevalbench.lammps.likeness import only
from mdevalbench.lammps.remedies.case import Answer, Case, Rule, is_number, put_before, swap
from mdevalbench.lammps.script import Command, Word

_TYPED = {"mass": (0,), "pair_coeff": (0, 1), "create_atoms": (0,)}
"""Command -> which arguments are atom types."""


def beyond(case: Case) -> Answer | None:
    """A type that `create_box` does not allow."""
    found = case.said(r"index (\d+) is out of bounds \(1-(\d+)\)|Invalid atom type in create_atoms|[Ii]nvalid type")
    places = _TYPED.get(case.command.name, ())
    words = [case.command.args[at] for at in places if len(case.command.args) > at]
    if case.command.name == "set" and case.texts[:1] == ["type"] and len(case.texts) > 1:
        words = [case.command.args[1]]
    words = [word for word in words if word.text.isdigit() and int(word.text) > (case.types or 0)]
    boxes = case.before("create_box")
    if found and case.command.name in ("bond_coeff", "angle_coeff") and case.texts and found[2] == "1":
        alone = len(case.all(case.command.name)) == 1
        return Answer("There is one such type only.", (swap(case.command.args[0], "1"),) if alone else ())
    if case.said("Invalid atom type in create_atoms mol"):
        return Answer("Molecules bring their own types: write 0 for the type.", (swap(case.command.args[0], "0"),))
    if not found or not words or not boxes or case.types is None:
        return None
    number, types = max(int(word.text) for word in words), case.types
    advice = f"'create_box' allows types 1 to {types}, and this is type {number}: one of the two is wrong."
    speaking = {one.name for one, word in _numbers(case) if word.text == str(number)}
    named = len(case.elements)
    lower = _free(case, words)
    if named == number or (not named and len(speaking) > 1 and number == types + 1 and lower is None):
        return Answer(advice, (swap(boxes[-1].args[0], str(number)),))
    if lower is not None and (named == types or len(speaking) == 1):
        return Answer(advice, tuple(swap(word, lower) for word in words))
    return Answer(advice)


def _numbers(case: Case) -> list[tuple[Command, Word]]:
    """Every place where the script names an atom type."""
    return [(one, one.args[at]) for name, places in _TYPED.items() for one in case.all(name)
            for at in places if len(one.args) > at]  # fmt: skip


def _free(case: Case, words: list[Word]) -> str | None:
    """The one type that this command has not spoken of yet."""
    others = [one for one in case.all(case.command.name) if one is not case.command]
    if case.command.name == "create_atoms":
        return "1" if case.types == 1 and not others else None
    if case.command.name == "pair_coeff":
        pairs = [tuple(word.text for word in one.args[:2]) for one in [*others, case.command]]
        free = {str(number) for number in range(1, (case.types or 0) + 1)} - {one for one, two in pairs if one == two}
        alone = len(free) == 1 and len(words) == 2 and len({word.text for word in words}) == 1
        return only(free) if alone and all(len(pair) == 2 for pair in pairs) else None
    if case.command.name != "mass":
        return None
    given = {one.args[0].text for one in others if one.args}
    return only({str(number) for number in range(1, (case.types or 0) + 1)} - given)


def symbols(case: Case) -> Answer | None:
    """`mass Cu 63.5`, `set type Na charge 1`, `group na type Na`."""
    found = case.said(
        r"[Ii]n(?:valid|correct) range string:? '?([\w.]+)'?|integer parameter instead of '(all|\*|[A-Z][a-z]?)'"
    )
    if not found:
        return None
    name = found[1] or found[2]
    words = [word for word in case.command.args if word.text == name]
    number = _number(case, name)
    advice = "Atom types are numbers here, from 1 to the number that 'create_box' has."
    if case.command.name == "group" and len(words) > 1:
        words = words[-1:]
    if is_number(name):
        second = case.command.name == "pair_coeff" and case.texts[0].isdigit() and case.texts[1:2] == [name]
        if not second:
            return Answer(advice)
        words = [case.command.args[1]]
        return Answer(f"{advice} 'pair_coeff' needs two of them.", (put_before(words[0], case.texts[0]),))
    plain = len(words) == 1 or case.command.name == "pair_coeff"
    return Answer(advice, tuple(swap(word, number) for word in words) if number and plain else ())


def _number(case: Case, name: str) -> str | None:
    """The type that an element has, by the potential file, by the masses, or because there is one type only."""
    if case.types == 1:
        return "1"
    if name in case.elements:
        return str(case.elements.index(name) + 1)
    if name not in atomic_numbers:
        return None
    wanted = float(atomic_masses[atomic_numbers[name]])
    masses = {one.args[0].text: one.args[1].text for one in case.all("mass") if len(one.args) > 1}
    fitting = [
        number
        for number, text in masses.items()
        if number.isdigit() and is_number(text) and abs(float(text) / wanted - 1) < 0.02
    ]
    if fitting:
        return only(fitting)
    return str(list(masses).index(name) + 1) if name in masses and len(masses) == case.types else None


def several(case: Case) -> Answer | None:
    """`mass 1 22.99 2 35.45`: one line for all types."""
    args = case.command.args
    if case.command.name != "mass" or len(args) < 2 or not case.said("expected 2 arguments|Invalid range string"):
        return None
    texts = case.texts
    pairs = list(zip(texts[::2], texts[1::2], strict=False)) if len(texts) % 2 == 0 and texts[0].isdigit() else []
    if not pairs and len(texts) == case.types and not any(text.isdigit() for text in texts):
        pairs = [(str(number), text) for number, text in enumerate(texts, 1)]
    plain = len(pairs) > 1 and all(is_number(text) for text in texts) and args[0].line == args[-1].end_line
    lines = "\n".join(f"mass {number} {text}" for number, text in pairs)
    start = case.command.words[0].column
    if not plain:
        return None
    edit = Edit(args[0].line, start, args[-1].end_column, lines)
    return Answer("Each type has a line of its own: 'mass 1 ...', 'mass 2 ...'.", (edit,))


def shorter(case: Case) -> Answer | None:
    """`mass 63.5`, `create_atoms box`, `create_box box`: the number of the type, or of types, is forgotten."""
    args = case.command.args
    if len(args) != 1 or not case.said("missing argument|expected"):
        return None
    edit: Edit | None = None
    name, text = case.command.name, args[0].text
    advice = "The atom type comes first." if name != "create_box" else "The number of atom types comes first."
    if name == "mass" and is_number(text) and "." in text and case.types == 1:
        edit = swap(args[0], f"1 {text}")
    elif name == "create_atoms" and text == "box" and case.types == 1:
        edit = swap(args[0], "1 box")
    elif name == "create_atoms" and text.isdigit() and not case.all("molecule") and case.all("lattice"):
        advice, edit = "Say where: 'create_atoms 1 box'.", swap(args[0], f"{text} box")
    elif name == "create_box":
        regions = case.defined("region")
        if text.isdigit() and len(regions) == 1:
            advice, edit = "Say of which region the box is made.", swap(args[0], f"{text} {only(regions)}")
        elif text in regions:
            count = len(case.elements) or len({one.args[0].text for one in case.all("mass") if one.args})
            edit = swap(args[0], f"{count} {text}") if count else None
    else:
        return None
    return Answer(advice, (edit,) if edit else ())


RULES: tuple[Rule, ...] = (several, beyond, symbols, shorter)
