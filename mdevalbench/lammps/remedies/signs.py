"""Rules on signs that other languages use: semicolons, comments, equal signs, quotes, numbers as others write them."""

from __future__ import annotations

import re
from itertools import pairwise

from mdevalbench.lammps.diagnostics import Edit
from mdevalbench.lammps.remedies.case import Answer, Case, Rule, drop, is_number, swap
from mdevalbench.lammps.remedies.options import OPTIONS, POSITIONAL
from mdevalbench.lammps.respelling import close, close_bracket, respell
from mdevalbench.lammps.script import Command, Word
from mdevalbench.lammps.styles import installed

_COMMENT_SIGNS = frozenset(["//", "!", "%", ";", "--", "/*", "<!--"])
_FREE = frozenset(["variable", "if", "print", "thermo_modify", "label"])
"""Commands whose arguments may hold signs."""


_ENGLISH = frozenset("the of a an is are and for to with in this that by from will we it simulation system".split())


def docstring(case: Case) -> Answer | None:
    """Text in triple quotes that stands alone, as in Python, or a line of prose."""
    first = case.command.words[0] if case.command.words else None
    if first is None or not case.said(r"^Unknown command"):
        return None
    advice = "Words for the reader go behind a '#'."
    lines = range(case.command.line, case.command.end_line + 1)
    if first.quote == '"""':
        return Answer(advice, tuple(Edit(line, 1, 1, "# ") for line in lines))
    words = [word.text.strip(".,:;!?()'\"") for word in case.command.words]
    plain = sum(re.fullmatch("[A-Za-z-]+", word) is not None for word in words)
    near = installed().nearest("command", case.command.name)
    if (
        _ENGLISH & {word.lower() for word in words[1:]}
        and len(words) >= 3
        and plain >= len(words) - 1
        and not near
        and len(lines) == 1
        and first.text.isalpha()
    ):
        return Answer(advice, (Edit(case.command.line, 1, 1, "# "),))
    return None


def semicolons(case: Case) -> Answer | None:
    """Semicolons at the ends of commands."""
    if not any(_ends(word) for word in _concerned(case).words):
        return None
    edits: list[Edit] = []
    for command in case.script.commands:
        for word, following in zip(command.words, [*command.words[1:], None], strict=False):
            if not _ends(word):
                continue
            if following is None:
                bare = word.text.rstrip(";")
                edits.append(swap(word, bare) if bare else drop(command, word))
            elif following.text in installed().commands:
                edits.append(Edit(word.line, word.end_column - 1, following.column, "\n"))
    return Answer("A line ends a command, without a semicolon; two commands need two lines.", tuple(edits))


def _ends(word: Word) -> bool:
    return not word.quote and word.text.endswith(";")


def _concerned(case: Case) -> Command:
    """The failing command, or the variable that it evaluates."""
    found = case.said(r"Variable (\w+): ")
    made = case.defined("variable").get(found[1]) if found else None
    return made or case.command


def comments(case: Case) -> Answer | None:
    """Comments behind a command with the sign of another language."""
    sign = next((word.text for word in _marks(_concerned(case))), None)
    if sign is None or not case.command.words:
        return None
    edits = [
        Edit(word.line, word.column, word.column, "# ")
        for command in case.script.commands
        for word in _marks(command)[:1]
    ]
    return Answer(f"A comment begins with '#', not with '{sign}'.", tuple(edits))


def _marks(command: Command) -> list[Word]:
    signs = {"//"} if command.name in _FREE else _COMMENT_SIGNS
    return [word for word in command.args if not word.quote and (word.text in signs or word.text.startswith("//"))]


def equals(case: Case) -> Answer | None:
    """`timestep = 0.001`, `temp=300`."""
    if case.command.name in _FREE - {"thermo_modify"} or case.said("^Unknown command"):
        return None
    advice = "LAMMPS has no equal signs between names and values: words are separated by blanks."
    words = [word for word in case.command.args if word.text in ("=", ":", ":=")]
    if words:
        return Answer(advice, tuple(drop(case.command, word) for word in words))
    joined = [word for word in case.command.args if re.fullmatch(r"[a-z_/]+=[^=\s]+", word.text) and not word.quote]
    options = frozenset(one for words in contexts(case.command).values() for one in words)
    edits = []
    for word in joined:
        name, _, value = word.text.partition("=")
        edits.append(swap(word, f"{name} {value}" if name in options else value))
    return Answer(advice, tuple(edits)) if joined else None


def contexts(command: Command) -> dict[str, frozenset[str]]:
    """Keywords that a command has, by itself and with its style."""
    styles = [word.text for word in command.args[:3]]
    names = [command.name, *(f"{command.name} {style}" for style in styles)]
    return {name: OPTIONS[name] for name in names if name in OPTIONS}


def named(case: Case) -> Answer | None:
    """Names before arguments that have a fixed place: `minimize etol 1e-8`, `create 300 seed 4711`."""
    if case.command.name in _FREE or not case.said(r"Expected|[Ii]llegal|(?i:unknown)|Incorrect|Invalid"):
        return None
    options = frozenset(one for words in contexts(case.command).values() for one in words)
    found = [
        one
        for one, value in pairwise(case.command.args)
        if one.text.lower().rstrip(":") in POSITIONAL and one.text not in options and _numeric(value)
    ]
    names = [one.text.lower()[:3] for one in found]
    if not found or (case.command.name == "pair_coeff" and names not in (["eps", "sig"], ["eps", "sig", "cut"])):
        return None
    told = ", ".join(f"'{one.text}'" for one in found)
    advice = f"The values of '{case.command.name}' stand in a fixed order without their names: leave out {told}."
    return Answer(advice, tuple(drop(case.command, one) for one in found))


def _numeric(word: Word) -> bool:
    return is_number(word.text) or word.substituted


def continuation(case: Case) -> Answer | None:
    """A `&` in the middle of a line."""
    words = [word for word in case.command.args if word.text == "&"]
    advice = "A '&' stands at the end of a line that goes on in the next one, and nowhere else."
    return Answer(advice, tuple(drop(case.command, word) for word in words)) if words else None


def goes_on(case: Case) -> Answer | None:
    """A line that goes on the one before, which lacks its `&`."""
    if not case.said("^Unknown command") or case.index == 0:
        return None
    before = case.script.commands[case.index - 1]
    options = {one for words in contexts(before).values() for one in words}
    if case.command.name not in options or "#" in before.raw or before.end_line != case.command.line - 1:
        return None
    end = len(case.script.lines[before.end_line - 1]) + 1
    advice = "A line that goes on in the next one ends with '&'."
    return Answer(advice, (Edit(before.end_line, end, end, " &"),))


def call(case: Case) -> Answer | None:
    """`print("...")` and the like, which the static check leaves to LAMMPS."""
    edit = respell(case.command, installed().commands) if case.said("^Unknown command") else None
    return (
        Answer("A command and its words are separated by blanks, without brackets or signs.", (edit,)) if edit else None
    )


def quotes(case: Case) -> Answer | None:
    """Quotes and brackets without a partner, and a text that needs quotes."""
    raw = case.command.raw
    if case.command.problem or case.said(r"^Unmatched|Invalid immediate variable|illegal variable .*\$"):
        edit = close(case.command)
        if edit is None and case.command.line == case.command.end_line:
            edit = close_bracket(case.command.line, raw)
        advice = "Quotes come in pairs, with a blank after the second; ${...} and $(...) need their closing bracket."
        return Answer(advice, (edit,) if edit else ())
    if case.command.name == "print" and case.said(r"Illegal print|Unknown print keyword"):
        args = case.command.args
        plain = args and not any(mark in raw for mark in "\"'#") and case.command.line == case.command.end_line
        files = {"file", "append", "screen", "universe"} & {word.text for word in args}
        edit = Edit(args[0].line, args[0].column, args[-1].end_column, f'"{_between(raw, args)}"') if plain else None
        edit = edit or _pieces(case)
        return Answer("Put the whole text of 'print' into one pair of quotes.", (edit,) if edit and not files else ())
    return None


def _pieces(case: Case) -> Edit | None:
    """Texts and values behind each other, as in Python, as one text."""
    args = case.command.args
    if "#" in case.command.raw or case.command.line != case.command.end_line or not args[0].quote:
        return None
    text, rest = args[0].text, list(args[1:])
    if "%" in text:
        marks = re.findall(r"%[\d.]*[a-z]", text)
        if len(marks) != len(rest):
            return None
        for mark, word in zip(marks, rest, strict=True):
            text = text.replace(mark, word.text.strip(","), 1)
    else:
        text = " ".join(word.text.strip(" ,") if word.quote else word.text.strip(",") for word in args)
    return Edit(args[0].line, args[0].column, args[-1].end_column, f'"{text}"')


def _between(raw: str, args: tuple[Word, ...]) -> str:
    return raw[args[0].column - 1 : args[-1].end_column - 1]


RULES: tuple[Rule, ...] = (goes_on, call, docstring, semicolons, comments, continuation, equals, named, quotes)
