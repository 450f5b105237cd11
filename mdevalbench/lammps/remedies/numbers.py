"""Rules on numbers as others write them, and on variables and arithmetic where LAMMPS wants a number."""

from __future__ import annotations

import re

from mdevalbench.lammps.remedies.case import Answer, Case, Rule, is_number, swap
from mdevalbench.lammps.remedies.tables import THERMO, WATCHERS
from mdevalbench.lammps.script import Command


def numbers(case: Case) -> Answer | None:
    """Numbers as others write them, and variables and arithmetic where LAMMPS wants a number."""
    found = case.said(
        r"Expected (integer|floating point|numeric).* instead of '([^']*)'|valid integer number: '([^']*)'"
    )
    if not found:
        return None
    text, whole = found[2] or found[3] or "", found[1] != "floating point"
    watcher = case.command.name == "fix" and case.texts[2:3] and case.texts[2] in WATCHERS
    if case.command.name == "if" or (watcher and text.startswith("v_")):
        return None
    names = case.defined("variable")
    for word in case.command.args:
        if word.text == text and word.literal and not word.quote:
            better = _number(text, whole) or _value(text, names, whole)
            if better:
                same = [one for one in case.command.args if one.text.endswith(",")] if text.endswith(",") else [word]
                edits = tuple(swap(one, _number(one.text, whole) or better) for one in same)
                return Answer(f"LAMMPS wants a plain number here, or a variable as ${{name}}: write '{better}'.", edits)
    if re.fullmatch(r"[-+*/.\deE()^]+", text) and re.search(r"[\d)][-+*/^]+[\d(]", text) and not is_number(text):
        return _arithmetic(case, whole)
    computed = [word for word in case.command.args if word.substituted and not word.quote]
    if whole and is_number(text) and len(computed) == 1:
        formula = re.fullmatch(r"\$\{(\w+)\}|\$\(([^:]+)\)", computed[0].text)
        if formula:
            better = f"$({'v_' + formula[1] if formula[1] else formula[2]}:%.0f)"
            return Answer("LAMMPS wants a whole number here: round the formula.", (swap(computed[0], better),))
    return None


def _arithmetic(case: Case, whole: bool) -> Answer | None:
    """`${n}*2`, which LAMMPS does not compute, as `$(v_n*2)`."""
    edits = []
    for word in case.command.args:
        if word.substituted and not word.quote and re.search(r"[\w})][-+*/^]|[-+*/^]\$", word.text):
            formula = re.sub(r"\$\{(\w+)\}|\$([A-Za-z])(?!\w)", lambda one: f"v_{one[1] or one[2]}", word.text)
            formula = re.sub(r"\$\(([^:()]+)\)", r"(\1)", formula).replace("**", "^")
            if "$" not in formula:
                edits.append(swap(word, f"$({formula}{':%.0f' if whole else ''})"))
    return Answer("LAMMPS computes within $(...) only.", tuple(edits))


def _number(text: str, whole: bool) -> str | None:
    """The same number as LAMMPS reads it."""
    bare = text.rstrip(",")
    if re.fullmatch(r"\d{1,3}([_,']\d{3})+", bare):
        bare = re.sub(r"[_,']", "", bare)
    if re.fullmatch(r"[-+]?[\d.]+[dD][-+]?\d+", bare):
        bare = re.sub("[dD]", "e", bare)
    if re.fullmatch(r"[-+]?\d+,\d+", bare):  # a decimal comma
        return None
    if not is_number(bare):
        return None
    if whole and not bare.lstrip("+-").isdigit():
        return str(int(float(bare))) if float(bare).is_integer() else None
    return bare if bare != text else None


def _value(text: str, names: dict[str, Command], whole: bool) -> str | None:
    """`${n}` for `v_n`, `n` and the like, `$(v_n*2)` for arithmetic."""
    name = text.removeprefix("v_").strip("{}%<>[]$")
    if name in names:
        return f"${{{name}}}"
    parts = re.findall(r"[A-Za-z_]\w*", re.sub(r"\d[\d.]*[eE][-+]?\d+", "", text))
    known = all(part in names or part.removeprefix("v_") in names or part in THERMO for part in parts)
    if not known or not re.fullmatch(r"[\w.+\-*/()^]+", text) or not re.search(r"[\w)][*/+\-^]", text):
        return None
    formula = re.sub(
        r"(?<![\w.])[A-Za-z_]\w*",
        lambda found: found[0] if found[0][:2] == "v_" or found[0] not in names else f"v_{found[0]}",
        text,
    ).replace("**", "^")
    return f"$({formula}{':%.0f' if whole else ''})"


RULES: tuple[Rule, ...] = (numbers,)
