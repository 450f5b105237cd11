"""Answers to questions: what a completion chose, filled in or said, and how much of it is right. No model judges here.

Single choice: the letter. Multiple choice: the exact set of letters; partial credit (right letters less wrong ones, per
right letter, not below 0) is told apart and never counts. Fill in: a number within its tolerance in any unit of the
same quantity, or one of the accepted texts. Open: the share of its points that are said, as `scorers.points` finds.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from pydantic import Field

from mdevalbench.errors import UsageError
from mdevalbench.observables.units import convert
from mdevalbench.scorers.points import said
from mdevalbench.tasks.qa.schema import LETTERS, Fill, Item, Language, Option
from mdevalbench.types import Record


class Score(Record):
    """How much of an answer is right."""

    given: str
    """letters, text or number that was understood as the answer; empty if none was found"""
    score: float = Field(ge=0, le=1)
    partial: float = Field(ge=0, le=1)
    """credit for parts of an answer: differs from `score` for multiple choice only"""
    reasons: tuple[str, ...] = ()
    """what is wrong or missing, in plain words"""


def score(item: Item, completion: str, language: Language, options: Sequence[Option] = ()) -> Score:
    """The score of a completion.

    Args:
        item: the question.
        completion: all that a model answered.
        language: in which it was asked.
        options: those of the item in the order in which they were shown as A, B, C, ...
    """
    if item.kind in ("single", "multiple"):
        return _choice(completion, options, many=item.kind == "multiple")
    if item.answer is not None:
        return _fill(completion, item.answer)
    return _open(item, completion, language)


_MARK = re.compile(
    r"(?im)^[\s>*_#`]*(?:final\s+)?(?:answer|答案|最终答案)(?:\s+is)?[*_`]*\s*[:：是为]+[*_`\s]*(\S.*?)[\s*_`]*$"
)
_SENTENCE = re.compile(
    r"(?i)(?:answers?|options?|choices?|答案|选项?)\s*(?:is|are|应?[是为选]|[:：])?\s*[*_`(（\[]*([A-H](?:[\s,，、和&/+]*(?:and\s+)?[A-H])*)\b(?![a-z'’])"
)


def marked(completion: str) -> str | None:
    """What stands behind the last `ANSWER:`; None if nothing does."""
    found = _MARK.findall(completion)
    return str(found[-1]).strip() if found else None


def letters(completion: str, count: int, many: bool) -> str | None:
    """The letters that were chosen, in order, e.g. `BD`; None if none was found. `count` is that of the options."""
    known = LETTERS[:count]
    mark = marked(completion)
    for text in (mark, completion if mark is None else None):
        if text is not None and (found := _bare(text, known)):
            return found
    if mark is not None and (lead := re.match(r"[(（\[]?([A-H])[)）\].:：,、\s]", mark + " ")) and lead[1] in known:
        return lead[1]  # `ANSWER: B. the text of the option`
    led = re.findall(r"(?m)^\s*[*_(（\[]*([A-H])[*_]*[)）\].:：、]", completion)
    if len(led) == 1 and led[0] in known:
        return str(led[0])  # `B) the text of the option`
    for text in reversed(_SENTENCE.findall(completion)):
        if found := _bare(text, known):
            return found if many else found[-1:]
    return None


def _bare(text: str, known: str) -> str | None:
    """Letters alone, such as `B`, `(B)`, `B, D` or `BD`."""
    core = re.sub(r"(?i)\band\b|[\s,，、;；.。()（）\[\]*_`和&/+\"']", "", text)
    if core and len(core) <= len(known) and set(core) <= set(known):
        return "".join(sorted(set(core)))
    return core.upper() if len(core) == 1 and core.upper() in known else None


def _choice(completion: str, options: Sequence[Option], many: bool) -> Score:
    right = {letter for letter, option in zip(LETTERS, options, strict=False) if option.right}
    given = letters(completion, len(options), many)
    if given is None:
        return Score(given="", score=0, partial=0, reasons=("no letter of an option was found in the answer",))
    chosen = set(given)
    partial = max(0.0, (len(chosen & right) - len(chosen - right)) / len(right))
    if chosen == right:
        return Score(given=given, score=1, partial=1)
    what = f"{given} was chosen, right is {''.join(sorted(right))}"
    return Score(given=given, score=0, partial=partial if many else 0, reasons=(what,))


def _fill(completion: str, answer: Fill) -> Score:
    given = filled(completion)
    if given is None:
        what = "no answer was found: it stands behind `ANSWER:`, or alone"
        return Score(given="", score=0, partial=0, reasons=(what,))
    why = _misfit(given, answer)
    return Score(given=given, score=float(not why), partial=float(not why), reasons=(why,) if why else ())


def filled(completion: str) -> str | None:
    """What was put into a blank: behind `ANSWER:`, or all that was said if it is short; None if there is neither."""
    mark = marked(completion)
    if mark is None:
        lines = [line.strip() for line in completion.strip().splitlines() if line.strip().strip("`")]
        mark = lines[0] if len(lines) == 1 and len(lines[0]) <= 80 else None
    return mark.strip("`*_ ") if mark else None


def _misfit(given: str, answer: Fill) -> str:
    """Why an answer does not fit; empty if it does."""
    if answer.number is None:
        if plain(given) in {plain(text) for text in answer.texts}:
            return ""
        return f"{given!r} is none of {', '.join(repr(text) for text in answer.texts)}"
    found = number(given)
    if found is None:
        return f"{given!r} is no number"
    value, unit = found
    if unit and answer.unit:
        try:
            value = convert(value, unit, answer.unit)
        except UsageError as error:
            return f"{given!r}: {error}"
    allowed = answer.relative * abs(answer.number)
    if abs(value - answer.number) <= allowed * (1 + 1e-9):
        return ""
    return f"{value:.6g} {answer.unit}".strip() + f" is not {answer.number:g} within {answer.relative:.2g}"


_NUMBER = re.compile(
    r"(?:about|approximately|approx\.?|ca\.?|roughly|约为?|大约)?\s*[=≈~∼]?\s*"
    r"([-+]?(?:\d+(?:,\d{3})+|\d+)?(?:\.\d*)?)(?:\s*[eE]\s*([-+]?\d+)|\s*[×x*·]\s*10\s*(?:\^|\*\*)?\s*[{(]?\s*([-+]?\d+)[})]?)?"
    r"\s*(.*)"
)


_CHINESE_UNITS = dict(
    pair.split("=")
    for pair in (
        "埃=angstrom 纳米=nm 皮秒=ps 飞秒=fs 纳秒=ns 毫电子伏=meV 电子伏特=eV 电子伏=eV 千卡=kcal 千焦=kJ "
        "焦耳=J 摩尔=mol 开尔文=K 大气压=atm 吉帕=GPa 兆帕=MPa 帕=Pa 巴=bar 米=m 秒=s 每=/ 原子=atom 个="
    ).split()
)
"""replaced one after the other, the longer names first"""


def number(text: str) -> tuple[float, str] | None:
    """A number and the unit behind it: `1.6 × 10^-19 J` becomes (1.6e-19, "J"); None if it does not begin with one."""
    text = unicodedata.normalize("NFKC", _superscripts(text)).replace("−", "-").replace("\\times", "×")
    text = text.replace("$", "").strip()
    if power := re.fullmatch(r"(?:[=≈~]\s*)?([-+]?)10\s*(?:\^|\*\*)\s*[{(]?\s*([-+]?\d+)[})]?\s*(.*)", text):
        return float(f"{power[1]}1e{power[2]}"), power[3].strip()
    found = _NUMBER.fullmatch(text)
    if not found or not re.search(r"\d", found[1]):
        return None
    exponent = found[2] or found[3] or "0"
    unit = re.sub(r"^[\\ ]+|[.。,;]$", "", found[4]).strip()
    for chinese, name in _CHINESE_UNITS.items():
        unit = unit.replace(chinese, name)
    return float(f"{found[1].replace(',', '')}e{exponent}"), unit


def _superscripts(text: str) -> str:
    """`10⁻¹⁹` as `10^-19`."""
    return re.sub(r"(?<=10)[⁻⁺⁰¹²³⁴-⁹]+", lambda found: "^" + unicodedata.normalize("NFKC", found[0]), text)


def plain(text: str) -> str:
    """A text for comparison: case, blanks, quotes, marks of code and closing stops do not matter."""
    text = unicodedata.normalize("NFKC", text).casefold()
    return " ".join(re.sub(r"[`\"'“”‘’*]", "", text).strip(" .。;；:").split())


def _open(item: Item, completion: str, language: Language) -> Score:
    if not re.sub(r"(?s)```.*?(?:```|$)", "", completion).strip():
        what = "there is no sentence in the answer" + (", only code" if completion.strip() else "")
        return Score(given=completion.strip(), score=0, partial=0, reasons=(what,))
    missing = [point.text[language] for point in item.points if not said(point.words, completion, language)]
    share = 1 - len(missing) / len(item.points)
    return Score(given=completion.strip(), score=share, partial=share, reasons=tuple(f"missing: {m}" for m in missing))
