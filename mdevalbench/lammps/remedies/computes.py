"""Rules on values of computes and fixes: IDs that do not exist, values without a prefix or an index."""

from __future__ import annotations

import re

from mdevalbench.lammps.diagnostics import Edit
from mdevalbench.lammps.likeness import misspelt, nearest_name, only
from mdevalbench.lammps.remedies.case import (
    Answer,
    Case,
    Rule,
    add,
    delete,
    drop,
    line_after,
    line_before,
    move_before,
    replace_all,
    swap,
    used,
)
from mdevalbench.lammps.remedies.tables import THERMO, THERMO_ALIASES, TOTALS, WATCHERS
from mdevalbench.lammps.script import Command, Word

_PATTERNS = (
    r"(compute|fix) ID:? '?(\w+)'?(?: (?:for|in) .*does not exist| in variable formula|$)",
    r"(Compute|Fix) (?:ID )?(\w+) (?:for|in|requested) .*does not exist",
)
_STATEFUL = frozenset("run minimize create_atoms velocity read_data rerun displace_atoms change_box".split())
_OWN = {"temp": "thermo_temp", "press": "thermo_press", "pe": "thermo_pe"}
_VALUES = {"ave/time": 6, "vector": 4, "ave/correlate": 6, "ave/histo": 9}
"""Fix that takes values -> which argument is the first one."""
_AVE_WORDS = frozenset("mode file ave start off overwrite title1 title2 title3 format append type prefactor".split())


def unknown(case: Case) -> Answer | None:
    """A compute or fix that does not exist."""
    found = next((one for pattern in _PATTERNS if (one := case.said(pattern))), None)
    if not found or case.command.name in ("unfix", "uncompute") or case.said("^Reuse"):
        return None
    kind, name = found[1].lower(), found[2]
    prefix, known = kind[0], case.defined(kind)
    reference = rf"(?<!\w){prefix}_{name}(?!\w)"
    other = only(one for one in ("variable", "compute", "fix") if name in case.defined(one))
    if other and other != kind:
        advice = f"'{name}' is a {other}: write {other[0]}_{name}."
        return Answer(advice, replace_all(case, reference, f"{other[0]}_{name}"))
    advice = f"There is no {kind} '{name}' by then" + (f": there are {', '.join(known)}." if known else ".")
    better = nearest_name(name, known)
    if better is None and kind == "compute":
        keyword = name.lower().removeprefix("thermo_")
        keyword = THERMO_ALIASES.get(keyword, keyword)
        better = _OWN.get(keyword) if keyword not in known else keyword
    if better:
        return Answer(f"{advice} Write {prefix}_{better}.", replace_all(case, reference, f"{prefix}_{better}"))
    placed = _misplaced(case, kind, name)
    if placed is not None:
        return placed
    words = [word for word in case.command.args if re.fullmatch(rf"{prefix}_{name}(\[[^\]]*\])*", word.text)]
    if case.command.name == "thermo_style" and words and len(case.texts) > 1 + len(words):
        advice += f" Define it before, or leave {prefix}_{name} out of the output."
        return Answer(advice, tuple(drop(case.command, word) for word in words))
    better = only(one for one in known if not used(case, prefix, one) and _gives(known[one]))
    better = better if kind == "fix" else None
    return Answer(advice, replace_all(case, reference, f"{prefix}_{better}") if better else ())


def _gives(command: Command) -> bool:
    """Whether a fix is there to be asked for its value."""
    return len(command.args) > 2 and command.args[2].text in WATCHERS


def _misplaced(case: Case, kind: str, name: str) -> Answer | None:
    """It is defined later, or has been deleted already."""
    later = [one for one in case.after(kind) if one.args and one.args[0].text == name]
    if later:
        advice = f"The {kind} '{name}' is defined in line {later[0].line} only, which has to come first."
        between = [one for one in case.later if one.line < later[0].line]
        free = kind == "compute" and not any(one.name in _STATEFUL for one in between)
        if free:
            return Answer(advice, move_before(case.script, later[:1], case.command))
        return None if case.command.name == "thermo_style" else Answer(advice)
    gone = [one for one in case.before(f"un{kind}") if one.args and one.args[0].text == name]
    if not gone:
        return None
    advice = f"The {kind} '{name}' has been deleted in line {gone[-1].line}: ask for its value before that."
    made = [one for one in case.before(kind) if one.args[0].text == name]
    between = [one for one in case.earlier if one.line > gone[-1].line]
    watches = kind == "compute" or bool(made and len(made[-1].args) > 2 and made[-1].args[2].text in WATCHERS)
    if not watches or any(one.name in (*_STATEFUL, "jump", kind) for one in between):
        return Answer(advice)
    end = case.command if case.command.name != "variable" else _last_use(case, kind, name)
    return Answer(advice, (line_after(case.script, end, gone[-1].raw), *delete(case.script, gone[-1])))


def _last_use(case: Case, kind: str, name: str) -> Command:
    """The last command before the next run that speaks of it."""
    last = case.command
    for command in case.later:
        if command.name in (*_STATEFUL, "jump", kind):
            break
        if f"{kind[0]}_{name}" in command.raw or command.name == "print":
            last = command
    return last


def index(case: Case) -> Answer | None:
    """A vector where LAMMPS wants a number, or the other way round."""
    if case.said("out-of-range|out of range"):
        return Answer("The index in brackets is larger than the number of values that it has; it counts from 1.")
    if not case.said(r"does not c(?:ompute|alculate) a (?:global )?scalar|Mismatched (?:compute|fix)"):
        return None
    computes = case.defined("compute")
    totals = {one: TOTALS[made.args[2].text] for one, made in computes.items() if made.args[2].text in TOTALS}
    edits: list[Edit] = []
    for one, place in totals.items():
        edits += replace_all(case, rf"(?<!\w)c_{one}(?![\w\[])", f"c_{one}{place}")
    advice = "This has several values: say which with an index, such as [1]; the fourth of msd and vacf is their total."
    return Answer(advice, tuple(edits))


def bare(case: Case) -> Answer | None:
    """Values of `fix ave/time`, `fix vector` or `compute reduce` without c_, f_ or v_."""
    style = case.texts[2] if len(case.texts) > 2 else ""
    first = 4 if case.command.name == "compute" and style == "reduce" else _VALUES.get(style)
    if first is None or not case.said(r"Unknown .* keyword|No values from|Invalid .* value|(?i:unknown) .*argument"):
        return None
    edits: list[Edit] = []
    extra: list[str] = []
    for word in case.command.args[first:]:
        if word.text in _AVE_WORDS:
            break
        if word.literal and not re.match("[vcf]_", word.text):
            better, line = _value(case, word)
            slip = "ave" if word.text in ("average", "avg") else misspelt(word.text, _AVE_WORDS)
            if better is None and slip:
                return Answer(f"Write '{slip}'.", (swap(word, slip),))
            if better is None:
                return Answer("Values are written c_ID for computes, f_ID for fixes and v_name for variables.")
            edits.append(swap(word, better))
            extra += [line] if line else []
    if extra:
        edits.append(line_before(case.command, "\n".join(extra)))
    advice = "Values are written c_ID for computes, f_ID for fixes and v_name for variables (variable name equal ...)."
    return Answer(advice, tuple(edits)) if edits else None


def _value(case: Case, word: Word) -> tuple[str | None, str]:
    """The value that a bare word means, and a line that has to be added before."""
    name, _, place = word.text.partition("[")
    suffix = f"[{place}" if place else ""
    for kind in ("variable", "compute", "fix"):
        if name in case.defined(kind):
            return f"{kind[0]}_{name}{suffix}", ""
    styled = only(one for one, made in case.defined("compute").items() if made.args[2:] and made.args[2].text == name)
    if styled:
        return f"c_{styled}{suffix}", ""
    keyword = THERMO_ALIASES.get(name.lower(), name.lower())
    if suffix or keyword not in THERMO:
        return None, ""
    if keyword in _OWN:
        return f"c_{_OWN[keyword]}", ""
    return f"v_{keyword}", f"variable {keyword} equal {keyword}"


def vectors(case: Case) -> Answer | None:
    """`fix ave/time ... c_rdf[*]` without `mode vector`."""
    if case.texts[2:3] != ["ave/time"] or not case.said(r"Invalid fix ave/time argument|not calculate a scalar"):
        return None
    values = [word for word in case.command.args if re.match("[vcf]_", word.text)]
    advice = "Values that are vectors need 'mode vector'."
    whole = bool(values) and all(word.text.endswith("[*]") for word in values) and "mode" not in case.texts
    return Answer(advice, (add(values[-1], "mode vector"),)) if whole else None


RULES: tuple[Rule, ...] = (unknown, vectors, index, bare)
