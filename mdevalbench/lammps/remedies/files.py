"""Rules on `pair_coeff` with a potential file: the file, its style, and the elements behind it."""

from __future__ import annotations

from ase.data import atomic_names, atomic_numbers

from mdevalbench.lammps import potentials
from mdevalbench.lammps.diagnostics import Edit
from mdevalbench.lammps.filecheck import FILE_STYLES
from mdevalbench.lammps.likeness import meant_file
from mdevalbench.lammps.potentials import PotentialFile
from mdevalbench.lammps.remedies.case import Answer, Case, Rule, add, drop, swap
from mdevalbench.lammps.remedies.tables import NO_SETTINGS
from mdevalbench.lammps.script import Word

_SYMBOLS = {str(name).lower(): symbol for symbol, number in atomic_numbers.items() for name in [atomic_names[number]]}


def _file(case: Case) -> tuple[Word, PotentialFile] | None:
    """The shipped potential file that the failing `pair_coeff` names."""
    for word in case.command.args if case.command.name == "pair_coeff" else ():
        file = potentials.find(word.text)
        if file is not None:
            return word, file
    return None


def another_style(case: Case) -> Answer | None:
    """A file that belongs to another pair style than the one in force."""
    found = _file(case)
    styles = [one for one in case.before("pair_style") if one.args]
    if found is None or not styles:
        return None
    style, used = found[1].style, case.pair_style
    if not style or style == used or used.startswith("hybrid") or style not in FILE_STYLES:
        return None
    advice = f"{found[1].name} is a file for 'pair_style {style}', not for '{used}'."
    if style not in NO_SETTINGS:
        return Answer(advice)
    words = styles[-1].args
    edits = (swap(words[0], style), *(drop(styles[-1], word) for word in words[1:]))
    return Answer(advice, edits)


def no_settings(case: Case) -> Answer | None:
    """`pair_style eam/alloy` with a cutoff or the file."""
    if case.command.name != "pair_style" or not case.said("Illegal pair_style") or len(case.texts) < 2:
        return None
    if case.texts[0] not in NO_SETTINGS:
        return None
    advice = f"'pair_style {case.texts[0]}' has no arguments: the file, which holds the cutoff, stands in 'pair_coeff'."
    return Answer(advice, tuple(drop(case.command, word) for word in case.command.args[1:]))


def stars(case: Case) -> Answer | None:
    """`pair_coeff 1 1 FILE`, `pair_coeff ** FILE` or `pair_coeff FILE` where LAMMPS wants `* *`."""
    if not case.said(r"must (?:start with|be|have).*\* \*|[Ii]ncorrect args for pair coefficients"):
        return None
    found = _file(case)
    if found is None or case.texts[:2] == ["*", "*"]:
        return None
    first = case.command.args[0]
    at = case.command.args.index(found[0])
    if first.line != found[0].line or at > 2 or case.command.args[0].text in case.elements:
        return None
    edit = Edit(first.line, first.column, found[0].column, "* * ")
    return Answer("The file holds all pairs of types: write 'pair_coeff * * FILE ELEMENT ...'.", (edit,))


def elements(case: Case) -> Answer | None:
    """Too many, too few or wrong names of elements behind the file."""
    found = _file(case)
    if found is None or not case.said(
        r"element to type mapping|[Nn]o matching element|[Ii]ncorrect args for pair|not .*element|missing argument"
    ):
        return None
    word, file = found
    at = case.command.args.index(word)
    names = case.command.args[at + 1 :]
    advice = f"Behind the file stands one element for each atom type; {file.name} has {', '.join(file.elements)}."
    if file.style == "eam":
        return Answer("Such a file is for one element: no name stands behind it.", _dropped(case, names))
    spelt = _spelt(case, names, file)
    if spelt:
        return Answer(advice, spelt)
    wrong = [one.text for one in names if one.text not in (*file.elements, "NULL")]
    if wrong:
        return Answer(f"{advice} '{wrong[0]}' is not among them: take another file or another element.")
    return Answer(advice, _counted(case, word, names, file))


def _dropped(case: Case, words: tuple[Word, ...]) -> tuple[Edit, ...]:
    return tuple(drop(case.command, word) for word in words)


def _spelt(case: Case, names: tuple[Word, ...], file: PotentialFile) -> tuple[Edit, ...]:
    """Names of elements spelt as the file has them."""
    edits = []
    for one in names:
        symbol = one.text.capitalize() if len(one.text) < 3 else _SYMBOLS.get(one.text.lower(), "")
        if len(file.elements) == 1 and one.text.isdigit():
            symbol = file.elements[0]
        if one.text not in (*file.elements, "NULL"):
            if symbol not in file.elements:
                return ()
            edits.append(swap(one, symbol))
    return tuple(edits)


def _counted(case: Case, word: Word, names: tuple[Word, ...], file: PotentialFile) -> tuple[Edit, ...]:
    """As many names as types."""
    types = case.types
    if types is None or len(names) == types:
        return ()
    if len(names) > types and len({one.text for one in names}) == 1:
        return _dropped(case, names[types:])
    boxes = case.before("create_box")
    if len(names) == 0 and len(file.elements) == 1:
        return (add(word, " ".join([file.elements[0]] * types)),)
    used = {one.args[0].text for one in case.all("mass", "create_atoms") if one.args}
    if len(names) > 0 and used <= {str(number) for number in range(1, len(names) + 1)} and boxes:
        return (swap(boxes[-1].args[0], str(len(names))),)
    larger = {str(number) for number in range(types + 1, len(names) + 1)}
    if boxes and len(names) > types and larger <= used:
        return (swap(boxes[-1].args[0], str(len(names))),)
    return ()


def not_found(case: Case) -> Answer | None:
    """A file that is not there, beside which the static check knows no other."""
    if not case.said(r"[Cc]an ?not open .*potential file|cannot open file|not open .*file"):
        return None
    args = case.command.args
    shifted = _file(case)
    if shifted is not None and case.command.name == "pair_coeff":
        before = args[2 : args.index(shifted[0])] if case.texts[:2] == ["*", "*"] else ()
        if before and all(one.text in shifted[1].elements for one in before) and len(args) == 3 + len(before):
            text = " ".join([shifted[0].text, *(one.text for one in before)])
            edit = Edit(before[0].line, before[0].column, shifted[0].end_column, text)
            return Answer("The file comes first, then the elements.", (edit,))
    found = [(word, meant_file(word.text, case.pair_style)) for word in args[2:3]]
    edits = tuple(swap(word, name) for word, name in found if name and name != word.text)
    return (
        Answer("LAMMPS finds files of the script's folder and its own potential files only.", edits) if edits else None
    )


RULES: tuple[Rule, ...] = (another_style, no_settings, stars, elements, not_found)
