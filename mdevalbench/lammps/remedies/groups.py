"""Rules on forgotten or unknown groups and IDs of `fix`, `compute`, `dump`, `velocity` and others."""

from __future__ import annotations

import re

from mdevalbench.lammps.diagnostics import Edit
from mdevalbench.lammps.likeness import nearest_name, only
from mdevalbench.lammps.remedies.case import Answer, Case, Rule, move_before, put_before, replace_all, swap
from mdevalbench.lammps.remedies.tables import GROUP_ALL
from mdevalbench.lammps.script import Word
from mdevalbench.lammps.styles import installed

_VELOCITY = frozenset("create set scale ramp zero".split())
_LOOPS = frozenset("run minimize".split())


def forgotten(case: Case) -> Answer | None:
    """`fix 1 nvt temp ...`, `fix all nvt ...`, `fix nvt temp ...`, `velocity create ...`."""
    kind, texts = case.command.name, case.texts
    lacking = case.said(r"group|Group|^Unrecognized (?:fix|compute|dump|region) style|missing argument")
    if not lacking or not texts:
        return None
    first = case.command.args[0]
    if kind == "velocity" and texts[0] in _VELOCITY:
        return Answer("'velocity' needs a group of atoms: 'velocity all ...'.", (put_before(first, "all"),))
    if kind == "region" and len(texts) > 1 and texts[0] in installed().names("region"):
        name = _region(case)
        advice = "A region has a name: 'region NAME block ...'."
        return Answer(advice, (put_before(first, name),) if name else ())
    if kind not in ("fix", "compute", "dump"):
        return None
    styled = [_style(kind, text) for text in texts[:3]]
    groups = {"all", *case.defined("group")}
    advice = f"'{kind}' needs an ID and a group before the style: '{kind} ID GROUP STYLE ...'."
    if len(texts) > 2 and styled[2] and (texts[1] in groups or not styled[1]):
        return None  # all three are there
    if len(styled) > 1 and styled[1]:
        if len(texts) > 2 and texts[2] in groups and texts[0] not in groups:
            return Answer(advice, (swap(case.command.args[1], texts[2]), swap(case.command.args[2], texts[1])))
        if texts[0] in groups:
            return Answer(advice, (put_before(first, _fresh(case, texts[1], kind)),))
        return Answer(advice, (put_before(case.command.args[1], "all"),))
    if styled[0] and texts[0] not in groups:
        return Answer(advice, (put_before(first, f"{_fresh(case, texts[0], kind)} all"),))
    return None


def _style(kind: str, text: str) -> bool:
    return installed().knows(kind, text)


def _fresh(case: Case, style: str, kind: str) -> str:
    """An ID for a fix, compute or dump that has none: one that the script speaks of, or a new one."""
    taken = {one.args[0].text for one in case.all(kind) if one.args and one is not case.command}
    undo = {"fix": "unfix", "compute": "uncompute", "dump": "undump"}[kind]
    spoken = {one.args[0].text for one in case.after(undo) if one.args}
    if kind != "dump":
        spoken |= set(re.findall(rf"(?<!\w){kind[0]}_(\w+)", case.script.text))
    wanted = only(spoken - taken - {name for name in spoken if name.startswith("thermo_")})
    name = wanted or re.sub(r"\W", "_", style)
    while name in taken:
        name += "x"
    return name


def _region(case: Case) -> str | None:
    """The name of a region that the box is made of."""
    boxes = [one.args[1].text for one in case.after("create_box") if len(one.args) > 1]
    return boxes[0] if boxes and boxes[0] not in case.defined("region") else None


def unknown(case: Case) -> Answer | None:
    """A group that does not exist."""
    found = case.said(r"[Gg]roup[- ](?:ID:? )?'?([\w*]+)'?(?: requested| .*does not exist| in|$)|group ID:? (\S+)")
    if not found:
        return None
    name = found[1] or found[2]
    words = [word for word in case.command.args if word.text == name]
    word = _place(case, words)
    known = ["all", *case.defined("group")]
    advice = f"There is no group '{name}' by then: there are {', '.join(known)}."
    if name.lower() in GROUP_ALL and case.said("in variable formula"):
        return Answer(advice, replace_all(case, rf"(?<=[(,]){re.escape(name)}(?=[),])", "all"))
    if name.lower() in GROUP_ALL:
        return Answer(advice, (swap(word, "all"),) if word else ())
    better = nearest_name(name, known[1:]) or (nearest_name(name, known) if len(known) == 1 else None)
    later = [one for one in case.after("group") if one.args and one.args[0].text == name]
    if later and not any(one.name in _LOOPS and one.line < later[0].line for one in case.later):
        return Answer(f"{advice} It is defined later.", move_before(case.script, later[:1], case.command))
    edits: tuple[Edit, ...] = (swap(word, better),) if word and better else ()
    return Answer(advice, edits)


def _place(case: Case, words: list[Word]) -> Word | None:
    """The word that must be the group: the second argument of a fix, the first of others."""
    at = 1 if case.command.name in ("fix", "compute", "dump") else 0
    args = case.command.args
    if len(args) > at and args[at] in words:
        return args[at]
    return words[0] if len(words) == 1 else None


def style_alone(case: Case) -> Answer | None:
    """`nvt temp 300 300 0.1`, `lj/cut 2.5`: a style without its command."""
    if not case.said("^Unknown command"):
        return None
    name, first = case.command.name, case.command.words[0]
    kinds = [kind for kind in ("pair", "kspace", "fix", "compute") if name in installed().names(kind)]
    if len(kinds) != 1:
        return None
    (kind,) = kinds
    advice = f"'{name}' is a style of the command '{kind}{'' if kind in ('fix', 'compute') else '_style'}'."
    if kind in ("pair", "kspace"):
        return Answer(advice, (put_before(first, f"{kind}_style"),))
    return Answer(advice, (put_before(first, f"{kind} {_fresh(case, name, kind)} all"),))


RULES: tuple[Rule, ...] = (forgotten, style_alone, unknown)
