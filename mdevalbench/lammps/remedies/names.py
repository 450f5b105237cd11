"""Rules on names that do not exist: variables, fixes and dumps to delete, regions, labels."""

from __future__ import annotations

import re

from mdevalbench.lammps.diagnostics import Edit
from mdevalbench.lammps.likeness import nearest_name, only
from mdevalbench.lammps.remedies.case import (
    Answer,
    Case,
    Rule,
    delete,
    drop,
    line_after,
    line_before,
    move_after,
    move_before,
    put_before,
    replace_all,
    swap,
    used,
)
from mdevalbench.lammps.remedies.tables import AMBIGUOUS, MEANING, THERMO, THERMO_ALIASES, WATCHERS
from mdevalbench.lammps.script import Command

_VARIABLE = (
    r"illegal variable (\w+)",
    r"variable reference v_(\w+)",
    r"variable name:? (\w+)",
    r"Variable (?:name |ID )?(\w+) .*does not exist",
)


_FIXED = frozenset("dt lx ly lz vol atoms xlo xhi ylo yhi zlo zhi PI".split())
"""What a formula may ask for anywhere: it does not depend on how hot the atoms are."""


def variable(case: Case) -> Answer | None:
    """A variable that is not defined."""
    found = next((one for pattern in _VARIABLE if (one := case.said(pattern))), None)
    if not found:
        return None
    name, known = found[1], case.defined("variable")
    odd = _odd(case, known)
    if odd is not None:
        return odd
    reference = rf"\$\{{{name}\}}"
    advice = f"There is no variable '{name}' by then: define it first with 'variable {name} equal ...'."
    if name[:2] in ("v_", "c_", "f_"):
        return _prefixed(case, name, reference)
    other = only(one for one in ("compute", "fix") if name in case.defined(one))
    if other and f"v_{name}" in case.script.text:
        edits = replace_all(case, rf"(?<!\w)v_{name}(?!\w)", f"{other[0]}_{name}")
        return Answer(f"'{name}' is a {other}: write {other[0]}_{name}.", edits)
    later = [one for one in case.after("variable") if one.args and one.args[0].text == name]
    refers = re.findall(r"(?<!\w)v_(\w+)", later[0].raw) if later else []
    if later and name not in known and "$" not in later[0].raw and _lazy(later[0]) and set(refers) <= set(known):
        return Answer(f"{advice} Its definition comes later.", move_before(case.script, later[:1], case.command))
    better = nearest_name(name, known)
    keyword = name if name in THERMO or name == "PI" else THERMO_ALIASES.get(name.lower())
    if name.lower() in AMBIGUOUS and case.command.name != "thermo_style":
        keyword = None
    if better is None and keyword is not None and len(name) > 1:
        return Answer(f"{advice} LAMMPS itself knows '{keyword}': write $({keyword}).", _own(case, name, keyword))
    better = better or _unused(case, name, list(known))
    if better is None:
        words = [word for word in case.command.args if word.text == f"v_{name}"]
        column = case.command.name == "thermo_style" and len(case.texts) > 1 + len(words)
        return Answer(advice, tuple(drop(case.command, word) for word in words) if column else ())
    edits = (
        *replace_all(case, reference, f"${{{better}}}"),
        *replace_all(case, rf"(?<!\w)v_{name}(?!\w)", f"v_{better}"),
        *(replace_all(case, rf"\${name}", f"${{{better}}}") if len(name) == 1 else ()),
    )
    return Answer(f"{advice} Or was '{better}' meant?", edits)


def _odd(case: Case, known: dict[str, Command]) -> Answer | None:
    """`${x:.4f}`, `${f_x[1]}`, and `$xyz`, of which LAMMPS takes the first letter only."""
    formatted = case.said(r"illegal variable (\w+):\s*%?([\d.]*[a-zA-Z])$")
    if formatted and formatted[1] in known:
        edits = replace_all(case, rf"\$\{{{formatted[1]}:[^}}]*\}}", f"$(v_{formatted[1]}:%{formatted[2]})")
        return Answer("A format belongs to $(...): write $(v_name:%.4f).", edits)
    element = case.said(r"illegal variable ([cf]_\w+\[\d+\])")
    if element:
        edits = replace_all(case, rf"\$\{{{re.escape(element[1])}\}}", f"$({element[1]})")
        return Answer("${...} is for variables only: values of computes and fixes are $(c_ID) and $(f_ID).", edits)
    long = [name for name in re.findall(r"\$([A-Za-z_]\w+)", case.command.raw) if name in known]
    if long and case.said(r"illegal variable \w$"):
        edits = tuple(
            edit for name in dict.fromkeys(long) for edit in replace_all(case, rf"\${name}\b", f"${{{name}}}")
        )
        return Answer("Names of more than one letter need braces: ${name}.", edits)
    return None


def _own(case: Case, name: str, keyword: str) -> tuple[Edit, ...]:
    """Edits that put a thermo keyword in the place of a variable that has its name."""
    if case.command.name in ("print", "variable", "thermo_style") or keyword in _FIXED:
        written = replace_all(case, rf"\$\{{{name}\}}", f"$({keyword})")
        return (*written, *replace_all(case, rf"(?<!\w)v_{name}(?!\w)", keyword))
    values = case.command.name == "fix" and f"v_{name}" in case.texts[3:] and case.texts[2] in WATCHERS
    return (line_before(case.command, f"variable {name} equal {keyword}"),) if values else ()


def _unused(case: Case, name: str, known: list[str]) -> str | None:
    """The only variable that is defined and never used; for anything but output it has to begin alike."""
    one = only(one for one in known if not used(case, "v", one))
    output = case.command.name in ("print", "variable", "thermo_style", "if")
    return one if one and (output or one[0].lower() == name[0].lower()) else None


def _lazy(command: Command) -> bool:
    """Whether a variable is evaluated anew at every use."""
    return len(command.args) > 1 and command.args[1].text in ("equal", "string", "atom", "vector", "index")


def _prefixed(case: Case, name: str, reference: str) -> Answer:
    """`${v_x}`, `${c_x}`."""
    bare = name[2:]
    if name.startswith("v_"):
        edits = replace_all(case, reference, f"${{{bare}}}") if bare in case.defined("variable") else ()
        return Answer("Within ${...} stands the bare name of a variable, without v_.", edits)
    kind = "compute" if name.startswith("c_") else "fix"
    edits = replace_all(case, reference, f"$({name})") if bare in case.defined(kind) else ()
    return Answer(f"${{...}} is for variables only: the value of a {kind} is $({name}).", edits)


_KINDS = {
    "unfix": "fix",
    "undump": "dump",
    "uncompute": "compute",
    **{f"{kind}_modify": kind for kind in ("fix", "dump", "compute")},
}
"""Command -> whose ID it names."""


def unfix(case: Case) -> Answer | None:
    """`unfix`, `undump`, `uncompute` of what is not there."""
    kind = _KINDS.get(case.command.name)
    if kind is None or not case.said("Could not find|does not exist|Illegal"):
        return None
    active = case.defined(kind)
    name = case.texts[0] if case.texts else ""
    advice = f"There is no {kind} '{name}' by then" + (f": there are {', '.join(active)}." if active else ".")
    if not name:
        one = only(active)
        return Answer(f"'{case.command.name}' needs the ID of a {kind}.", (_append(case, one),) if one else ())
    later = [one for one in case.after(kind) if one.args and one.args[0].text == name]
    if case.command.name.endswith("modify") and later:
        advice = f"Move this line behind line {later[0].line}, where the {kind} is made."
        return Answer(advice, move_after(case.script, [case.command], later[0]))
    if case.command.name.endswith("modify"):
        better = _meant(name, active)
        return Answer(advice, (swap(case.command.args[0], better),) if better else ())
    if any(one.args and one.args[0].text == name for one in case.before(kind)):
        edits = () if active else delete(case.script, case.command)
        return Answer(f"The {kind} '{name}' has been deleted before: leave this line out.", edits)
    if not active:
        return Answer(f"There is no {kind} to delete: leave this line out, or add what makes it.")
    word = case.command.args[0]
    if name == "all":
        text = "\n".join(f"{case.command.name} {one}" for one in active)
        return Answer(advice, (Edit(case.command.line, case.command.words[0].column, word.end_column, text),))
    better = _meant(name, active)
    return Answer(advice, (swap(word, better),) if better else ())


def _append(case: Case, name: str) -> Edit:
    word = case.command.words[0]
    return Edit(word.line, word.end_column, word.end_column, f" {name}")


def _meant(name: str, active: dict[str, Command]) -> str | None:
    """The ID meant: one that looks alike, that of the only fix of such a style, or the only one."""
    styles = {one: command.args[2].text for one, command in active.items() if len(command.args) > 2}
    kinds = MEANING.get(name.lower(), frozenset([name.lower()]))
    return (
        nearest_name(name, active)
        or only(one for one, style in styles.items() if style in kinds or style.rpartition("/")[2] == name.lower())
        or (only(active) if name.lower() not in MEANING else None)
    )


def region(case: Case) -> Answer | None:
    """A region that does not exist."""
    found = case.said(r"[Rr]egion (?:ID )?(\S+) (?:for .* )?does not exist|region ID (\S+)")
    if not found:
        return None
    name = found[1] or found[2]
    known = case.defined("region")
    better = nearest_name(name, known) or only(known)
    words = [word for word in case.command.args if word.text == name]
    advice = f"There is no region '{name}'" + (f": there are {', '.join(known)}." if known else ": define it first.")
    return Answer(advice, (swap(words[-1], better),) if better and words else ())


def label(case: Case) -> Answer | None:
    """A `jump` to a label that is not there."""
    first = case.command.args[:1]
    labels = [one.args[0].text for one in case.script.commands if one.name == "label" and one.args]
    if case.command.name == "jump" and len(case.texts) == 1 and case.texts[0] in labels:
        return Answer("'jump' names the file first: SELF is this one.", (put_before(first[0], "SELF"),))
    if not case.said("Label wasn't found|Label .*not found"):
        return None
    jumps = [one for one in case.script.commands if one.name == "jump" and len(one.args) > 1]
    lost = [one for one in jumps if one.args[1].literal and one.args[1].text not in labels]
    advice = "A 'jump SELF name' needs a line 'label name' at the place where it shall go."
    if len(lost) != 1:
        return Answer(advice)
    (jump,) = lost
    better = nearest_name(jump.args[1].text, labels) or only(labels)
    if better:
        return Answer(advice, (swap(jump.args[1], better),))
    at = case.script.commands.index(jump)
    loop = case.script.commands[at - 1] if at else jump
    if loop.name != "next" or len(loop.args) != 1:
        return Answer(advice)
    made = [one for one in case.script.commands[:at] if re.match(rf"\s*variable\s+{loop.args[0].text}\s", one.raw)]
    return Answer(advice, (line_after(case.script, made[-1], f"label {jump.args[1].text}"),) if made else ())


RULES: tuple[Rule, ...] = (variable, unfix, region, label)
