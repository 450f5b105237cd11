"""Rules on `if` and `next`, which LAMMPS writes otherwise than other languages."""

from __future__ import annotations

import re

from mdevalbench.lammps.diagnostics import Edit
from mdevalbench.lammps.likeness import only
from mdevalbench.lammps.remedies.case import Answer, Case, Rule, put_before, swap

_ADVICE = 'It is \'if "condition" then "command" else "command"\', each of them in quotes.'


def condition(case: Case) -> Answer | None:
    """Conditions in round brackets, `then` left out, commands without quotes."""
    if case.command.name != "if" or case.command.line != case.command.end_line or not case.command.args:
        return None
    args, texts = case.command.args, case.texts
    line = case.command.raw
    round_ = re.match(r"(\s*if\s+)\(([^\"']*)\)(?=\s+then\s)", line)
    if round_:
        edit = Edit(case.command.line, round_.end(1) + 1, round_.end() + 1, f'"{round_[2].strip()}"')
        return Answer(_ADVICE, (edit,))
    if len(args) > 1 and args[0].quote and args[1].quote and "then" not in texts:
        return Answer(_ADVICE, (put_before(args[1], "then"),))
    bare = len(args) > 2 and not any(word.quote for word in args[2:]) and not {"else", "elif", "endif"} & set(texts)
    if args[0].quote and texts[1:2] == ["then"] and bare:
        text = line[args[2].column - 1 : args[-1].end_column - 1]
        return Answer(_ADVICE, (Edit(args[2].line, args[2].column, args[-1].end_column, f'"{text}"'),))
    if case.said("can only operate on numbers|boolean"):
        known = case.defined("variable")
        word = args[0]
        text = re.sub(
            r"(?<![\w${])[A-Za-z_]\w*", lambda one: f"${{{one[0]}}}" if one[0] in known else one[0], word.text
        )
        edits = (swap(word, f"{word.quote}{text}{word.quote}"),) if text != word.text else ()
        return Answer("Variables are written ${name} in a condition.", edits)
    return None


def following(case: Case) -> Answer | None:
    """`next` with a variable that is not there, or without one."""
    if case.command.name != "next" or not case.said("Invalid variable|missing argument|Illegal"):
        return None
    loops = [
        name
        for name, made in case.defined("variable").items()
        if len(made.args) > 1 and made.args[1].text in ("loop", "index", "world", "uloop", "universe", "file")
    ]
    name = only(loops)
    advice = "'next' takes the next value of a variable of style loop or index."
    first = case.command.words[0]
    if name is None or len(case.texts) > 1:
        return Answer(advice)
    if not case.texts:
        return Answer(advice, (Edit(first.line, first.end_column, first.end_column, f" {name}"),))
    return Answer(advice, (swap(case.command.args[0], name),))


RULES: tuple[Rule, ...] = (condition, following)
