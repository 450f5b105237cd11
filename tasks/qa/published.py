"""The questions of MD-EvalBench as MDAgent2 publishes them (arXiv:2601.02075; on the hub FredericFan/MD-EvalBench).

Nothing of them is kept here. Files are read where the user has them, or are fetched from the hub; answers, which are
published in base64, are decoded in memory and never written. Letters stay as published. What is wrong with an item is
flagged and reported, not mended.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from pydantic import Field, ValidationError

from mdevalbench.errors import TaskError, UsageError
from mdevalbench.tasks.qa.loading import Question
from mdevalbench.tasks.qa.schema import LETTERS, Fill, Item, Kind, Language, Option, Point, Text, Words
from mdevalbench.tasks.source import Source, read_text
from mdevalbench.types import Record

HUB = "FredericFan/MD-EvalBench"
FILES = {"official-knowledge": "*KnowledgeEval*.jsonl", "official-syntax": "*SyntaxEval*.jsonl"}
"""suite -> name of its file, anywhere below a folder EN or ZH"""
PUBLISHED = {"official-knowledge": 336, "official-syntax": 324}
"""questions that the paper counts"""
FOLDERS: dict[Language, str] = {"en": "EN", "zh": "ZH"}
_KINDS: dict[str, Kind] = {
    "single_choice": "single",
    "multiple_choice": "multiple",
    "fill_blank": "fill",
    "open_qa": "open",
}
_MARK = "BASE64:"
_CHINESE = re.compile(r"[\u4e00-\u9fff]")


class Row(Record, extra="ignore"):
    """A line of a published file."""

    id: str
    type: str
    question: str = Field(min_length=1)
    options: dict[str, str] | None = None
    answer: Any = None
    answer_text: Any = None
    difficulty: str = "medium"
    tags: tuple[str, ...] = ()


class PublishedItem(Item):
    """An item that need not be as good as ours have to be."""

    flags: tuple[str, ...] = ()
    """what a reader of its score has to know"""

    def _problems(self) -> Iterator[str]:
        yield from ()


def load_published(suite: str, data: Path | None, language: Language) -> tuple[Question, ...]:
    """The published questions of a suite.

    Args:
        suite: one of FILES.
        data: folder that holds them, in whatever depth; None to fetch them from the hub.
        language: `en` or `zh`.

    Raises:
        UsageError: there is no such folder or file, or the hub cannot be reached.
        TaskError: a file is damaged or another one; the message names file and line.
    """
    path = _file(folder(data), FILES[suite], language)
    rows = list(_rows(path))
    source = Source(path, rows, {(): 1, **{(number,): line for number, (line, _) in enumerate(rows)}})
    return tuple(Question(suite, _item(row, language, path, line), source, n) for n, (line, row) in enumerate(rows))


def folder(data: Path | None) -> Path:
    """Where the published files are: the folder given, or a copy of the hub's."""
    if data is not None:
        if not data.is_dir():
            raise UsageError(f"--data {data}: there is no such folder")
        return data
    try:
        from huggingface_hub import snapshot_download
        from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError
    except ImportError as error:
        raise UsageError("give --data DIR with the published files, or pip install 'mdevalbench[hf]'") from error
    try:
        return Path(snapshot_download(HUB, repo_type="dataset", allow_patterns=["*.json", "*.jsonl"]))
    except (HfHubHTTPError, LocalEntryNotFoundError, OSError) as error:
        raise UsageError(f"{HUB} cannot be fetched ({error}): download it and give --data DIR") from error


def find_files(root: Path, pattern: str, language: Language) -> list[Path]:
    """Files of a name in a language, whatever the folders. Raises UsageError if there are none."""
    found = sorted(path for path in root.rglob(pattern) if path.is_file())
    other = {name for key, name in FOLDERS.items() if key != language}
    fitting = [path for path in found if not other & set(path.relative_to(root.parent).parts)]
    if not fitting:
        there = ", ".join(str(path.relative_to(root)) for path in found) or "nothing of that name"
        raise UsageError(
            f"{root} holds no {pattern} of the published benchmark in a folder {FOLDERS[language]}; there is {there}"
        )
    return fitting


def _file(root: Path, pattern: str, language: Language) -> Path:
    fitting = find_files(root, pattern, language)
    if len(fitting) > 1:
        names = ", ".join(str(path.relative_to(root)) for path in fitting)
        raise UsageError(f"{root} holds several files {pattern} ({names}): give the folder of one of them")
    return fitting[0]


def _rows(path: Path) -> Iterator[tuple[int, Row]]:
    """Number of line and content of each."""
    lines = read_text(path).splitlines()
    if not any(line.strip() for line in lines):
        raise TaskError(f"{path}:1: is empty: download it again")
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except ValueError as error:
            hint = ": the file ends in the middle of it, download it again" if number == len(lines) else ""
            raise TaskError(f"{path}:{number}: this is no valid JSON ({error}){hint}") from error
        try:
            yield number, Row.model_validate(row)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, first["loc"])) or "the line"
            raise TaskError(
                f"{path}:{number}: {where}: {first['msg'].lower()}; a published question is an object with id, type, "
                "question and more"
            ) from error


def _item(row: Row, language: Language, path: Path, line: int) -> PublishedItem:
    if row.type not in _KINDS:
        raise TaskError(f"{path}:{line}: {row.id}: type {row.type!r} is none of {', '.join(_KINDS)}")
    kind = _KINDS[row.type]
    given = decoded(row.answer, f"{path}:{line}: {row.id}: answer")
    text = decoded(row.answer_text, f"{path}:{line}: {row.id}: answer_text")
    answer = str(text or (given if isinstance(given, str) else "") or "").strip()
    right = {str(letter).strip().upper() for letter in given} if isinstance(given, list) else set()
    options = tuple(
        Option(text=_text(option), right=letter in right) for letter, option in sorted((row.options or {}).items())
    )
    return PublishedItem(
        id=row.id.lower(),
        kind=kind,
        difficulty=cast(Any, row.difficulty if row.difficulty in ("easy", "medium", "hard") else "medium"),
        tags=row.tags or ("untagged",),
        question=_text(row.question),
        options=options if kind in ("single", "multiple") else (),
        answer=Fill(texts=tuple(_spellings(answer))) if kind == "fill" and answer else None,
        points=tuple(_points(answer)) if kind == "open" else (),
        example=_text(answer) if kind == "open" and answer else None,
        source="published MD-EvalBench",
        flags=tuple(_flags(kind, options, answer, language)),
    )


def _text(text: str) -> Text:
    return Text(en=text, zh=text)


def decoded(value: Any, where: str) -> Any:
    """What stands in base64 after a mark; anything else as it is. Raises TaskError, which begins with `where`."""
    if not (isinstance(value, str) and value.startswith(_MARK)):
        return value
    try:
        return json.loads(base64.b64decode(value.removeprefix(_MARK), validate=True))
    except (binascii.Error, ValueError) as error:
        raise TaskError(f"{where}: is no JSON in base64 ({error}): download the file again") from error


def _flags(kind: Kind, options: Sequence[Option], answer: str, language: Language) -> Iterator[str]:
    right = sum(option.right for option in options)
    if kind == "single" and right != 1:
        yield f"single choice with {right} right options"
    if kind == "multiple" and right < 2:
        yield f"multiple choice with {right} right option{'s' * (right != 1)}"
    if kind == "multiple" and options and right == len(options):
        yield "every option is right"
    if len({option.text.en for option in options}) < len(options):
        yield "two options have the same text"
    if kind in ("fill", "open") and not answer:
        yield "no answer is published"
    if language == "en" and len(_CHINESE.findall(answer)) > len(answer) / 5:
        yield "the published answer is in Chinese"


def _spellings(answer: str) -> Iterator[str]:
    """An answer, and its parts where it names two: `mean squared displacement (MSD)`, `DFT or first principles`.

    Brackets count at its end, behind a blank or in Chinese form, and a slash never: `g(r)` and `fix ave/time` stay.
    """
    yield answer
    found = re.fullmatch(r"(.+?)(?:\s+\((?!e\.g\.)([^()]{2,})\)|\s*（([^（）]{2,})）)", answer)
    for part in found.groups() if found else (answer,):
        for one in re.split(r"\s+or\s+|或(?:者)?", part or ""):
            if (spelling := one.strip(" ,，。;；")) and spelling != answer:
                yield spelling


def _points(answer: str) -> Iterator[Point]:
    """The lines of a published answer, or its sentences if it is one line; half of the words of one make a point."""
    lines = [line.strip(" -*•·") for line in answer.splitlines() if line.strip(" -*•·")]
    if len(lines) == 1:
        lines = [part.strip() for part in re.split(r"(?<=[.;])\s+|[。；]", lines[0]) if part.strip()]
    for line in lines:
        if words := _content(line):
            yield Point(text=_text(line), words=Words(en=words, zh=words, share=0.5))


def _content(line: str) -> tuple[tuple[str, ...], ...]:
    """Words of four letters or more, numbers, and pairs of Chinese characters."""
    words = re.findall(r"[A-Za-z][A-Za-z/_-]{3,}|\d[\d.]*", line)
    pairs = [pair for run in re.findall(r"[\u4e00-\u9fff]+", line) for pair in re.findall(r"..", run)]
    return tuple((word.lower(),) for word in dict.fromkeys([*words, *pairs]))


def flags(questions: Sequence[Question], suite: str) -> dict[str, int]:
    """Flag -> number of items, with what is to be said of the whole file."""
    found = Counter(flag for q in questions if isinstance(q.item, PublishedItem) for flag in q.item.flags)
    table = dict(found.most_common())
    if (count := len(questions)) != PUBLISHED[suite]:
        table[f"missing of the {PUBLISHED[suite]} that the paper counts"] = PUBLISHED[suite] - count
    return table


def letters(questions: Sequence[Question]) -> Mapping[str, int]:
    """Letter -> single choices of which it is the right one, as published."""
    counts = Counter(
        LETTERS[number]
        for question in questions
        if question.item.kind == "single"
        for number, option in enumerate(question.item.options)
        if option.right
    )
    return dict(sorted(counts.items()))
