"""What LAMMPS only warns of: atoms that are moved twice, or not at all."""

from __future__ import annotations

import re

from mdevalbench.lammps.diagnostics import Edit
from mdevalbench.lammps.remedies.case import Answer, delete, is_number, line_before
from mdevalbench.lammps.remedies.tables import INTEGRATORS, THERMOSTATS
from mdevalbench.lammps.script import Command, Script

_TWICE = "atoms are time integrated more than once"
_NEVER = "No fixes with time integration, atoms won't move"
_LOOPS = ("run", "minimize")


def look(script: Script, output: str) -> tuple[int, str, Answer | None]:
    """Line, LAMMPS's words and what to do about the first warning that matters."""
    for words, rule in ((_TWICE, twice), (_NEVER, never)):
        if words in output:
            line, answer = rule(script)
            message = next(one for one in output.splitlines() if words in one)
            return line, message.partition("WARNING: ")[2] or message, answer
    return unexpanded(script)


def unexpanded(script: Script) -> tuple[int, str, Answer | None]:
    """Names of variables that `print` shows as they are: `{x}`, `$x_long`, `v_x`."""
    known: set[str] = set()
    fixes: set[str] = set()
    for command in script.commands:
        if command.args and command.name in ("variable", "fix"):
            (known if command.name == "variable" else fixes).add(command.args[0].text)
        if command.name != "print":
            continue
        edits = []
        for number in range(command.line, command.end_line + 1):
            for found in _SHOWN.finditer(script.lines[number - 1]):
                name = found[1] or found[2] or found[3] or found[4] or found[5]
                better = f"$({found[0]})" if found[4] or found[5] else f"${{{name}}}"
                if name in (fixes if found[5] else known) and (not found[2] or name[0] not in known or len(name) > 1):
                    edits.append(Edit(number, found.start() + 1, found.end() + 1, better))
        if edits:
            advice = "In the text of 'print' the value of a variable is ${name}, that of a formula $(formula)."
            return command.line, "the text is printed as it is", Answer(advice, tuple(edits))
    return 1, "", None


_SHOWN = re.compile(
    r"(?<![$\w])\{(\w+)\}|\$([A-Za-z]\w+)|%\(?(\w+)\)?%|(?<![\w$({])v_(\w+)(?:\[\d+\])?|(?<![\w$({])f_(\w+)(?:\[\d+\])?"
)
"""A name in a text, without what would make LAMMPS put its value there."""


_TURNS = frozenset("jump include if clear partition".split())


def _straight(script: Script, line: int) -> bool:
    """Whether the commands up to a line run from the first to the last."""
    return not any(
        one.line <= line and one.name in ("jump", "include", "if", "clear", "partition") for one in script.commands
    )


def twice(script: Script) -> tuple[int, Answer]:
    """Two fixes that integrate the same atoms at a time."""
    active: dict[str, Command] = {}
    for command in script.commands:
        args = command.args
        if command.name == "unfix" and args:
            active.pop(args[0].text, None)
        elif command.name == "clear":
            active = {}
        elif command.name == "fix" and len(args) > 2 and args[2].text in INTEGRATORS:
            others = [one for one in active.values() if one.args[1].text == args[1].text and one is not command]
            others = [one for one in others if one.args[0].text != args[0].text]
            if others:
                return command.line, _which(script, others[-1], command)
            active[args[0].text] = command
    return 1, Answer("Two fixes move the same atoms: delete all but one of them with 'unfix' before the next run.")


def _which(script: Script, first: Command, second: Command) -> Answer:
    """Delete the first fix where it has done its work; leave out an nve beside a thermostatted one."""
    between = [one for one in script.commands if first.line < one.line < second.line]
    names = (first.args[2].text, second.args[2].text)
    told = f"'{first.args[0].text}' ({names[0]}) and '{second.args[0].text}' ({names[1]}) move the same atoms."
    removed_later = [one for one in script.commands if one.name == "unfix" and one.args[:1] and one.line > second.line
                     and one.args[0].text == first.args[0].text]  # fmt: skip
    if any(one.name == "run" for one in between):
        advice = f"{told} Delete the first with 'unfix {first.args[0].text}' before the second begins."
        edits: tuple[Edit, ...] = (line_before(second, f"unfix {first.args[0].text}"),)
        for one in removed_later[:1]:
            edits = (*edits, *delete(script, one))
        return Answer(advice, edits if _straight(script, second.line) else ())
    superfluous = [one for one, name in zip((first, second), names, strict=True) if name == "nve"]
    advice = f"{told} One of them is enough: nvt and npt integrate by themselves."
    if len(superfluous) != 1 or not _straight(script, second.line):
        return Answer(advice)
    gone = superfluous[0]
    if _needed(script, gone):
        return Answer(advice)
    unfixed = [one for one in script.commands if one.name == "unfix" and [word.text for word in one.args]
               == [gone.args[0].text]]  # fmt: skip
    return Answer(advice, tuple(edit for one in (gone, *unfixed[:1]) for edit in delete(script, one)))


def _needed(script: Script, gone: Command) -> bool:
    """Whether a run would be left without any fix that moves atoms if this one were not there."""
    active: set[str] = set()
    for command in script.commands:
        texts = [word.text for word in command.args]
        if command.name == "fix" and len(texts) > 2 and texts[2] in INTEGRATORS and command is not gone:
            active.add(texts[0])
        elif command.name == "unfix" and texts:
            active.discard(texts[0])
        elif command.name == "run" and command.line > gone.line and not active:
            return True
    return False


def never(script: Script) -> tuple[int, Answer | None]:
    """A thermostat that does not integrate, alone."""
    runs = [one for one in script.commands if one.name == "run" and one.args and is_number(one.args[0].text)]
    real = [one for one in runs if float(one.args[0].text) > 0]
    fixes = [one for one in script.commands if one.name == "fix" and len(one.args) > 2]
    movers = [one for one in fixes if one.args[2].text in INTEGRATORS or one.args[2].text.startswith("rigid")]
    baths = [one for one in fixes if one.args[2].text in THERMOSTATS]
    if not real:
        return 1, None
    advice = "Nothing moves the atoms: add 'fix ID all nve', or 'nvt' or 'npt', before the run."
    first = real[0]
    alone = not movers and baths and baths[0].line < first.line and _straight(script, first.line)
    taken = {one.args[0].text for one in fixes}
    name = next(one for one in ("integrate", "motion", "nve_all") if one not in taken or one == "nve_all")
    group = baths[0].args[1].text if baths else "all"
    return first.line, Answer(advice, (line_before(first, f"fix {name} {group} nve"),) if alone else ())
