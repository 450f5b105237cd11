"""Rules on formulas of variables: names, functions, powers, brackets."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from mdevalbench.lammps.diagnostics import Edit
from mdevalbench.lammps.likeness import misspelt, nearest_name
from mdevalbench.lammps.remedies.brackets import balanced
from mdevalbench.lammps.remedies.case import Answer, Case, Rule, drop, is_number, put_before, replace_all, swap
from mdevalbench.lammps.remedies.tables import (
    AMBIGUOUS,
    FUNCTION_ALIASES,
    FUNCTIONS,
    THERMO,
    THERMO_ALIASES,
    UNIT_WORDS,
    VARIABLE_STYLE_ALIASES,
    VARIABLE_STYLES,
)

_STYLES = ("equal", "atom", "vector")


@dataclass(frozen=True, slots=True)
class Formula:
    """A formula and where it stands: behind `variable x equal`, or within `$(...)`."""

    line: int
    column: int
    text: str
    variable: str = ""

    def become(self, text: str) -> Edit:
        """Replace it."""
        return Edit(self.line, self.column, self.column + len(self.text), text)


def formulas(case: Case) -> Iterator[Formula]:
    """All formulas of the script."""
    for command in case.script.commands:
        args = command.args
        if (
            command.name == "variable"
            and len(args) > 2
            and args[1].text in _STYLES
            and args[2].line == args[-1].end_line
        ):
            line = case.script.lines[args[2].line - 1]
            text = line[args[2].column - 1 : args[-1].end_column - 1]
            inner = text.strip("\"'")
            column = args[2].column + text.index(inner)
            if "$(" not in inner:
                yield Formula(args[2].line, column, inner, args[0].text)
                continue
        for number in range(command.line, command.end_line + 1):
            yield from _immediate(case.script.lines[number - 1], number)


def _immediate(line: str, number: int) -> Iterator[Formula]:
    at = 0
    while (start := line.find("$(", at)) >= 0:
        depth, at = 0, start + 1
        for at in range(start + 1, len(line)):
            depth += (line[at] == "(") - (line[at] == ")")
            if depth == 0:
                break
        if depth == 0:
            yield Formula(number, start + 3, re.sub(r":%[^:]*$", "", line[start + 2 : at]))


def _rewritten(case: Case, change: Callable[[str], str], variable: str = "") -> tuple[Edit, ...]:
    chosen = [one for one in formulas(case) if not variable or one.variable == variable]
    return tuple(one.become(new) for one in chosen if (new := change(one.text)) != one.text)


def unknown_word(case: Case) -> Answer | None:
    """A bare word in a formula that is no thermo keyword."""
    found = case.said(r"Invalid thermo keyword '([^']+)' in variable formula")
    if not found:
        return None
    word = found[1]
    known = case.defined("variable")
    if word in ("np", "math", "numpy"):
        edits = _rewritten(case, _without_module)
        return Answer("Formulas have functions of their own: ln, exp, sqrt, PI and so on, without a module.", edits)
    if word in known or (word in case.defined("compute")) or word in case.defined("fix"):
        prefix = "v" if word in known else "c" if word in case.defined("compute") else "f"
        names = known if prefix == "v" else {word: case.command}
        edits = _rewritten(case, lambda text: _prefixed(text, prefix, set(names)))
        return Answer(f"In a formula a variable, compute or fix has a prefix: write '{prefix}_{word}'.", edits)
    better = _thermo(word) or {"pi": "PI"}.get(word.lower())
    variable = nearest_name(word, known)
    if better is None and variable is not None:
        better = f"v_{variable}"
    advice = f"A formula knows no '{word}': variables are written v_name, computes c_ID, fixes f_ID."
    if better is None:
        return Answer(advice)
    return Answer(f"{advice} Write '{better}'.", _rewritten(case, lambda text: _word(word, better, text)))


def _thermo(word: str) -> str | None:
    """The thermo keyword that another word stands for."""
    lower = word.lower()
    if lower in THERMO:
        return lower if lower != word else None
    return (THERMO_ALIASES.get(lower) if lower not in AMBIGUOUS else None) or misspelt(lower, THERMO)


def _word(old: str, new: str, text: str) -> str:
    return re.sub(rf"(?<![\w.\[]){re.escape(old)}(?![\w(])", new, text)


def _prefixed(text: str, prefix: str, names: set[str], behind: str = "") -> str:
    def better(found: re.Match[str]) -> str:
        return f"{prefix}_{found[0]}" if found[0] in names and found[0] not in THERMO else found[0]

    return re.sub(r"(?<![\w.\[$\{])[A-Za-z_]\w*(?![\w(\}])" + (f"(?={behind})" if behind else ""), better, text)


def _without_module(text: str) -> str:
    def better(found: re.Match[str]) -> str:
        name = found[2]
        return "PI" if name == "pi" else FUNCTION_ALIASES.get(f"{found[1]}.{name}", FUNCTION_ALIASES.get(name, name))

    return re.sub(r"\b(np|numpy|math)\.(\w+)", better, text)


def unknown_function(case: Case) -> Answer | None:
    """A function that LAMMPS calls otherwise."""
    found = case.said(r"Invalid math/group/special/feature function '([^'(]+)\(\)'")
    if not found:
        return None
    name, lower = found[1], found[1].lower()
    advice = f"Formulas have no function '{name}'."
    if lower in ("pow", "power", "square", "sqr", "cbrt"):
        edits = _rewritten(case, lambda text: _power(text, name))
        return Answer(f"{advice} Powers are written x^y.", edits)
    better = lower if lower in FUNCTIONS else FUNCTION_ALIASES.get(lower) or misspelt(lower, FUNCTIONS)
    if better is None:
        return Answer(advice)
    edits = _rewritten(case, lambda text: re.sub(rf"(?<![\w.]){re.escape(name)}\(", f"{better}(", text))
    return Answer(f"{advice} Write '{better}(...)'.", edits)


def _power(text: str, name: str) -> str:
    """`pow(a,b)` as `((a)^(b))`, for arguments without a comma."""
    start = text.find(f"{name}(")
    depth = 0
    for at in range(start + len(name), len(text)) if start >= 0 else ():
        depth += (text[at] == "(") - (text[at] == ")")
        if depth == 0:
            inner = text[start + len(name) + 1 : at].split(",")
            exponent = {"square": "2", "sqr": "2", "cbrt": "1.0/3.0"}.get(name.lower())
            if len(inner) != (1 if exponent else 2):
                return text
            return f"{text[:start]}(({inner[0].strip()})^({exponent or inner[1].strip()})){text[at + 1 :]}"
    return text


def syntax(case: Case) -> Answer | None:
    """Powers as `**`, brackets without a partner, factors without `*`."""
    if not case.said(r"Invalid syntax in variable formula|Invalid variable formula|parenthes"):
        return None
    named = case.said(r"Variable (\w+): ")
    variable = named[1] if named else ""
    advice = "LAMMPS cannot read this formula: powers are written x^y, products x*y, and every bracket has a partner."
    for change in (_signs, lambda text: balanced(text) or text):
        edits = _rewritten(case, change, variable)
        if edits:
            return Answer(advice, edits)
    return Answer(advice)


def _signs(text: str) -> str:
    """Signs of other languages as LAMMPS writes them; what is written already stays."""
    text = text.replace("**", "^").replace("\N{MULTIPLICATION SIGN}", "*").replace("\N{DIVISION SIGN}", "/")
    unit = re.search(r"(?<=[\w)\]])\s+([A-Za-z]+(?:/[A-Za-z]+)?)$", text)
    if unit and unit[1].lower() in UNIT_WORDS:
        text = text[: unit.start()]
    if "$" not in text:
        text = text.replace("{", "(").replace("}", ")")
    text = re.sub(r"(?<![\w.\]])(\d+\.?\d*)(\(|[vcf]_)", r"\1*\2", text)
    return re.sub(
        r"(?<![\w.\]])(\d+\.?\d*)([a-z]\w+)", lambda one: f"{one[1]}*{one[2]}" if one[2] in THERMO else one[0], text
    )


def unknown_style(case: Case) -> Answer | None:
    """`variable x = 5`, `variable x 5`."""
    if case.command.name != "variable" or not case.said("Unknown variable style") or len(case.texts) < 2:
        return None
    word = case.command.args[1]
    advice = "A variable has a style: write 'variable NAME equal FORMULA'."
    better = VARIABLE_STYLE_ALIASES.get(word.text.lower()) or misspelt(word.text.lower(), VARIABLE_STYLES.split())
    if better and len(case.texts) > 2:
        extra = [one for one in case.command.args[2:3] if one.text == "=" and len(case.texts) > 3]
        return Answer(advice, (swap(word, better), *(drop(case.command, one) for one in extra)))
    if word.text.startswith("=") and len(word.text) > 1:
        return Answer(advice, (swap(word, f"equal {word.text[1:]}"),))
    formula = is_number(word.text) or re.search(r"[vcf]_\w|\w\(|[*/^]|\$", word.text) or word.text.lower() in THERMO
    return Answer(advice, (put_before(word, "equal"),) if formula and not word.quote else ())


def not_current(case: Case) -> Answer | None:
    """Thermo keywords that are not computed, or not at this step."""
    word = case.said(r"Thermo keyword (?:in variable )?(\w+) ?.*requires thermo to use/init (\w+)")
    styles = [one for one in case.before("thermo_style") if one.args and one.args[0].text == "custom"]
    if word and styles:
        last = styles[-1].args[-1]
        keyword = {"press": "press", "temp": "temp", "pe": "pe"}.get(word[2])
        advice = f"LAMMPS computes this only if the thermo output has it: add '{word[2]}' to thermo_style."
        edit = Edit(last.end_line, last.end_column, last.end_column, f" {keyword}")
        return Answer(advice, (edit,) if keyword else ())
    if case.said(r"(?:between runs is not current|not (?:be )?current|not computed at compatible time)"):
        advice = (
            "This value was not computed at the last step: evaluate it once more with 'run 0' before, or during a run."
        )
        return Answer(advice)
    return None


def indexed(case: Case) -> Answer | None:
    """`av[1]` for `f_av[1]`."""
    if not case.said("Indexed per-atom vector in variable formula"):
        return None
    kinds = {"f": case.defined("fix"), "c": case.defined("compute"), "v": case.defined("variable")}
    for prefix, names in kinds.items():
        edits = _rewritten(case, partial(_prefixed, prefix=prefix, names=set(names), behind=r"\["))
        if edits:
            return Answer("In a formula a variable, compute or fix has a prefix: v_name, c_ID, f_ID.", edits)
    return None


def conversion(case: Case) -> Answer | None:
    """`$(v_x:%.5)`, without a letter."""
    if not case.said("Incorrect conversion in format string"):
        return None
    edits = replace_all(case, r"(:%[\d.]*)(?=\))", r"\1g")
    return Answer("A format ends with a letter: %.5g, %.3f, %.3e.", edits)


RULES: tuple[Rule, ...] = (unknown_word, unknown_function, syntax, indexed, unknown_style, not_current, conversion)
