"""The format of questions: what a file `knowledge/*.yml` or `syntax/*.yml` may say. A file is a list of items.

```yaml
- id: timestep-of-metal-units
  kind: single                # single, multiple, fill or open
  difficulty: easy            # easy, medium or hard
  tags: [units, timestep]
  question:
    en: A script says `units metal` and no `timestep`. How long is a step?
    zh: 脚本中写了 `units metal`，但没有 `timestep` 命令。每一步的时间步长是多少？
  options:                    # in any order; they are shuffled
    - {text: 1 fs, right: true, tried: 0.001}
    - {text: 2 fs, tried: 0.002}
    - {text: 0.5 fs, tried: 0.0005}
    - {text: 5 fs, tried: 0.005}
  check:
    script: |
      units metal
      print "CHECK dt $(dt)"
    holds: near(dt, tried)
```
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from mdevalbench.types import Record

Kind = Literal["single", "multiple", "fill", "open"]
KINDS: tuple[Kind, ...] = ("single", "multiple", "fill", "open")
Language = Literal["en", "zh"]
LANGUAGES: tuple[Language, ...] = ("en", "zh")
LETTERS = "ABCDEFGH"


class Text(Record):
    """The same in both languages; a plain string in YAML is for what needs no translation, such as a command."""

    en: str = Field(min_length=1)
    zh: str = Field(min_length=1)

    @model_validator(mode="before")
    @classmethod
    def _plain(cls, given: Any) -> Any:
        return {"en": str(given), "zh": str(given)} if isinstance(given, str | int | float) else given

    def __getitem__(self, language: Language) -> str:
        return self.en if language == "en" else self.zh


class Check(Record):
    """A script that LAMMPS runs, and what must come of it where an answer is right and must not where it is wrong."""

    script: str
    """Jinja2; `tried` is what is tried of an answer (its text in English by default)"""
    holds: str
    """An expression (Jinja2) over `tried`; `ok` (the script came to its end), `error` (LAMMPS's message, or empty),
    `output` (all it printed), every name that it printed in a line `CHECK <name> <value>` (numbers as numbers), and the
    functions and constants of `proofs`, such as near(a, b, relative=1e-6) and pi"""
    files: dict[str, str] = {}
    """files put beside the script: name -> content"""


class Option(Record):
    """A possible answer."""

    text: Text
    right: bool = False
    tried: str | float | None = None
    """what its check is given instead of its text"""
    check: Check | None = None
    """where it is not that of the item: it must hold if the option is right, and not hold if it is not"""


class Fill(Record):
    """What fits into a blank: a number with its unit, or one of several texts."""

    number: float | None = None
    unit: str = ""
    """as estimators write units (`angstrom`, `eV/atom`); empty for a pure number"""
    relative: float = Field(0.01, ge=0, lt=1)
    """accepted relative deviation of a number"""
    texts: tuple[str, ...] = ()
    """accepted texts of either language; case, blanks and quotes do not matter"""
    wrong: tuple[str, ...] = ()
    """answers that people give and that are wrong; their check must not hold"""

    @model_validator(mode="after")
    def _one_of_them(self) -> Fill:
        if (self.number is None) == (not self.texts):
            raise ValueError("give either `number` or `texts`")
        return self


class Words(Record):
    """How a point is recognised: every group must be there, one of its words or phrases within one sentence."""

    en: tuple[tuple[str, ...], ...] = Field(min_length=1)
    zh: tuple[tuple[str, ...], ...] = Field(min_length=1)
    never: tuple[str, ...] = ()
    """phrases of either language that turn the point into a mistake"""
    share: float = Field(1.0, gt=0, le=1)
    """of the groups that must be there; below 1 they may be anywhere in the answer"""

    def __getitem__(self, language: Language) -> tuple[tuple[str, ...], ...]:
        return self.en if language == "en" else self.zh


class Point(Record):
    """Something that a right open answer says."""

    text: Text
    words: Words


class Item(Record):
    """A question with its answer and the proof of it."""

    id: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9.\-]*$")]
    kind: Kind
    difficulty: Literal["easy", "medium", "hard"]
    tags: tuple[str, ...] = Field(min_length=1)
    question: Text
    options: tuple[Option, ...] = Field((), max_length=len(LETTERS))
    answer: Fill | None = None
    """of a question with a blank, written as `____` in the question"""
    points: tuple[Point, ...] = ()
    """of an open question"""
    example: Text | None = None
    """a right answer to an open question"""
    check: Check | None = None
    """proof by LAMMPS"""
    computed: str = ""
    """proof by computation: an expression (Jinja2) over CONSTANTS and FUNCTIONS of proofs, in the unit of the answer"""
    source: str = ""
    """where a fact can be read: authors, title, chapter or DOI"""

    @model_validator(mode="after")
    def _fits_its_kind(self) -> Item:
        for problem in self._problems():
            raise ValueError(problem)
        return self

    def _problems(self) -> Iterator[str]:
        right = sum(option.right for option in self.options)
        if self.kind in ("single", "multiple"):
            if len(self.options) < 4:
                yield "needs four options or more"
            if self.kind == "single" and right != 1:
                yield f"has {right} right options; a single choice has one"
            if self.kind == "multiple" and right < 2:
                yield f"has {right} right options; a multiple choice has two or more"
            for language in LANGUAGES:
                if len({option.text[language] for option in self.options}) < len(self.options):
                    yield f"has two options with the same text ({language})"
        elif self.options:
            yield f"a question of kind `{self.kind}` has no options"
        if (self.kind == "fill") != (self.answer is not None):
            yield "`answer` belongs to questions of kind `fill`, and every one of them needs it"
        if self.kind == "fill" and any("____" not in self.question[language] for language in LANGUAGES):
            yield "the blank is written `____`, in both languages"
        if (self.kind == "open") != bool(self.points) or (self.kind == "open") != (self.example is not None):
            yield "`points` and `example` belong to questions of kind `open`, and every one of them needs both"
