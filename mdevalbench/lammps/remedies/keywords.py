"""Rules on keywords that a command does not have: thermo columns, options of fixes, styles of units and lattices."""

from __future__ import annotations

import re

from mdevalbench.lammps.diagnostics import Edit
from mdevalbench.lammps.likeness import key, misspelt, only
from mdevalbench.lammps.remedies.case import Answer, Case, Rule, drop, put_before, swap
from mdevalbench.lammps.remedies.options import DUMP_ALIASES, KEYWORDS, OPTIONS
from mdevalbench.lammps.remedies.tables import (
    THERMO,
    THERMO_ALIASES,
    TOTALS,
    UNIT_ALIASES,
    UNIT_STYLES,
)
from mdevalbench.lammps.script import Word
from mdevalbench.lammps.styles import installed

_KINDS = "keyword|argument|mode|option|value|units|sub-command"
_UNKNOWN = rf"(?:(?i:unknown)|[Uu]nrecognized|Invalid|Illegal) .*?(?:{_KINDS}):? '?([^\s']+?)'?$"


def thermo(case: Case) -> Answer | None:
    """Words of `thermo_style custom` that LAMMPS calls otherwise, all at once."""
    if case.command.name != "thermo_style":
        return None
    args = case.command.args
    if case.said(r"Illegal thermo style|Unknown thermo style") and args:
        columns = len(args) > 1 and all(_column(case, word) for word in args)
        if columns:
            return Answer("Columns of one's own choice stand behind 'custom'.", (put_before(args[0], "custom"),))
        better = args[0].text.lower() if args[0].text.lower() in OPTIONS["thermo_style"] else None
        better = better or misspelt(args[0].text.lower(), OPTIONS["thermo_style"])
        return Answer("The styles are one, multi, yaml and custom.", (swap(args[0], better),) if better else ())
    if not case.said("Unknown keyword|Illegal thermo"):
        return None
    edits: list[Edit] = []
    told: list[str] = []
    for word in args[1:]:
        better = _column(case, word)
        if better != word.text:
            edits.append(swap(word, better) if better else drop(case.command, word))
            told.append(f"'{better}' for '{word.text}'" if better else f"no '{word.text}', which it does not know")
    left = len(args) - 1 - sum(not edit.text for edit in edits)
    advice = f"Thermo output has other names for its columns: {', '.join(told)}."
    return Answer(advice, tuple(edits) if left else ())


def _column(case: Case, word: Word) -> str | None:
    """The column that a word means, itself if it is one; None if there is none."""
    text = word.text.strip(",")
    if not word.literal or re.match(r"[vcf]_\w", text) or text in THERMO:
        return text
    lower = text.lower()
    for kind in ("compute", "variable", "fix"):
        made = case.defined(kind).get(text)
        if made is not None and lower not in THERMO:
            total = TOTALS.get(made.args[2].text, "") if kind == "compute" and len(made.args) > 2 else ""
            return f"{kind[0]}_{text}{total}"
    if lower in THERMO:
        return lower
    return THERMO_ALIASES.get(lower) or only(one for one in THERMO if key(one) == key(lower)) or misspelt(lower, THERMO)


def dump(case: Case) -> Answer | None:
    """Columns of `dump custom`, and its style and arguments."""
    args = case.command.args
    if case.command.name != "dump" or len(args) < 5:
        return None
    if case.said("^Unrecognized dump style") and args[2].text.lower().startswith("lammps"):
        style = "custom" if len(args) > 5 else "atom"
        return Answer("The format of LAMMPS is that of the styles atom and custom.", (swap(args[2], style),))
    if case.said("Expected integer") and args[4].text.isdigit() and not args[3].text.isdigit():
        exchanged = (swap(args[3], args[4].text), swap(args[4], args[3].text))
        return Answer("It is 'dump ID group style N file ...'.", exchanged)
    if not case.said("Invalid attribute|Invalid dump custom"):
        return None
    found = [(word, _attribute(word.text)) for word in args[5:]]
    edits = tuple(swap(word, better) for word, better in found if better and better != word.text)
    return Answer("'dump custom' has other names for its columns, such as id, type, x, y, z, vx, fx, q.", edits)


def _attribute(text: str) -> str | None:
    bare = text.strip(",;").lower()
    return text if re.match("[vcfid]_", text) else DUMP_ALIASES.get(bare, bare)


def option(case: Case) -> Answer | None:
    """A keyword of another spelling, or another word for it."""
    found = case.said(_UNKNOWN)
    words = [word for word in case.command.args if found and word.text == found[1] and not word.quote]
    if case.said(r"^Illegal \w+ command$"):
        words = [word for word in case.command.args if _contexts(case, word)[0] in KEYWORDS and word.literal][:1]
    if not words:
        return None
    word = words[-1]
    joined = _joined(case, word)
    if joined is not None:
        return joined
    for context in _contexts(case, word):
        lower = word.text.lower()
        better = KEYWORDS.get(context, {}).get(lower) or (lower if lower in OPTIONS.get(context, ()) else None)
        better = better or only(one for one in OPTIONS.get(context, ()) if key(one) == key(lower))
        better = better or misspelt(lower, OPTIONS.get(context, ()))
        if better and better != word.text:
            advice = f"'{context}' has no '{word.text}': write '{better}'."
            return Answer(advice, (swap(word, better),))
    return None


def _joined(case: Case, word: Word) -> Answer | None:
    """`compute 1 all pe atom` for `pe/atom`."""
    args, kind = case.command.args, case.command.name
    if kind not in ("fix", "compute") or len(args) < 4 or args[3] is not word:
        return None
    name = f"{args[2].text}/{word.text}"
    if not installed().knows(kind, name):
        return None
    return Answer(f"The style is one word: '{name}'.", (swap(args[2], name), drop(case.command, word)))


def _contexts(case: Case, word: Word) -> list[str]:
    """Keys of the tables that may hold a word: by command, by its style, by the keyword before."""
    name = case.command.name
    at = len(case.texts) - 1 - case.texts[::-1].index(word.text)
    styled = [f"{name} {case.texts[2]}"] if name in ("fix", "compute") and len(case.texts) > 2 else []
    before = [f"{name} {case.texts[at - 1]}"] if at else []
    return [*before, *styled, name]


def units(case: Case) -> Answer | None:
    """Names of unit styles."""
    if case.command.name != "units" or not case.command.args or not case.said("Unknown units style|Illegal units"):
        return None
    word = case.command.args[0]
    lower = word.text.lower()
    better = lower if lower in UNIT_STYLES else UNIT_ALIASES.get(key(lower)) or misspelt(lower, UNIT_STYLES)
    return Answer(f"The unit styles are {', '.join(UNIT_STYLES)}.", (swap(word, better),) if better else ())


def berendsen(case: Case) -> Answer | None:
    """`fix 1 all berendsen ...`, which is one of two styles, and words behind `nve`."""
    args = case.command.args
    if case.command.name != "fix" or len(args) < 4:
        return None
    if case.said("Unsupported additional arguments") and args[2].text == "nve":
        return Answer("'nve' has no arguments.", tuple(drop(case.command, word) for word in args[3:]))
    if args[2].text != "berendsen" or not case.said("^Unrecognized fix style"):
        return None
    style = "press/berendsen" if args[3].text in ("iso", "aniso", "x", "y", "z") else "temp/berendsen"
    return Answer("The styles are temp/berendsen and press/berendsen.", (swap(args[2], style),))


def thermostat(case: Case) -> Answer | None:
    """`fix nvt 300 300 0.1`, `fix npt ... 0 0 1`: values without their keyword."""
    found = case.said(r"Unknown fix (nvt|npt|nph)\S* keyword: ([-+.\deE]+)$")
    if not found or not installed().knows("fix", found[1]):
        return None
    args = case.command.args
    if len(args) > 3 and args[3].text == found[2] and found[1] in ("nvt", "npt"):
        return Answer("The temperatures stand behind 'temp'.", (put_before(args[3], "temp"),))
    words = [word for word in args[3:] if word.text == found[2]]
    after = [at for at, word in enumerate(args) if word.text == "temp"]
    if found[1] == "npt" and after and words and len(args) == after[0] + 7:
        pressures = args[after[0] + 4]
        return Answer("The pressures stand behind 'iso', 'aniso' or the like.", (put_before(pressures, "iso"),))
    return None


RULES: tuple[Rule, ...] = (dump, thermo, units, berendsen, thermostat, option)
