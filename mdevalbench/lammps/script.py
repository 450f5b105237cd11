"""LAMMPS input, split into commands and words as LAMMPS itself does it.

The rules (LAMMPS manual, section "Parsing rules for input scripts", checked against the installed LAMMPS in the tests):

- a line whose last printable character is `&` continues on the next one; nothing is put between them, and the `&`
  counts even at the end of a comment;
- an odd number of triple quotes in a line continues it as well, with the line break kept;
- `#` begins a comment except within single, double or triple quotes;
- `$x`, `${x}` and `$(expression)` are replaced except within quotes, before the line is cut into words;
- a word that begins with a quote ends at the matching one, which a blank must follow; a quote inside a word is a
  character like any other for the cutting of words, though it needs a partner and protects `#` and `$`;
- typographic quotes, minus signs and blanks of Unicode become plain ones, after comments are gone.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

BLANKS = " \t\n\v\f\r"
_TRIPLE = '"""'
_QUOTES = (_TRIPLE, '"', "'")
_PLAIN = re.compile(r"""[^"'#$]+""")
_GAP = re.compile(f"[{BLANKS}]|$")
_UNICODE = str.maketrans(
    dict.fromkeys([0xA0, *range(0x2000, 0x200C), 0x202F, 0x2060, 0x2063, 0xFEFF], " ")
    | dict.fromkeys([0x2018, 0x2019], "'")
    | dict.fromkeys([0x201C, 0x201D], '"')
    | dict.fromkeys([0x02D6, 0x2064], "+")
    | dict.fromkeys([0x02D7, 0x2212], "-")
)
"""What LAMMPS replaces, found by sending it every character up to U+FFFF."""


@dataclass(frozen=True, slots=True)
class Word:
    """One word of a command. Lines and columns count from 1; the end column is one past the last character."""

    text: str
    """the word without its quotes; substitutions are left as written"""
    line: int
    column: int
    """where the word begins, its opening quote included"""
    end_line: int
    end_column: int
    quote: str = ""
    """the quote around the word, empty if there is none"""
    substituted: bool = False
    """LAMMPS replaces a part of the word before the command sees it"""

    @property
    def literal(self) -> bool:
        """Whether the word means what it says: it has no `$`, which `print` or `if` may replace even within quotes."""
        return "$" not in self.text


@dataclass(frozen=True, slots=True)
class Command:
    """One logical line: a command with its arguments."""

    line: int
    end_line: int
    """first and last physical line, from 1"""
    raw: str
    """as written, continuation marks and comments included, without the final line break"""
    words: tuple[Word, ...]
    problem: str | None = None
    """why LAMMPS cannot cut the line into words, e.g. a quote without its partner; `words` then holds those before"""

    @property
    def name(self) -> str:
        """First word; empty if even that one cannot be read."""
        return self.words[0].text if self.words else ""

    @property
    def args(self) -> tuple[Word, ...]:
        """The words after the first."""
        return self.words[1:]


@dataclass(frozen=True)
class Script:
    """A parsed input script; blank lines and comments hold no command."""

    text: str
    commands: tuple[Command, ...]

    @cached_property
    def lines(self) -> tuple[str, ...]:
        """Physical lines without their line breaks."""
        return tuple(line.rstrip("\r") for line in self.text.split("\n"))

    @cached_property
    def _starts(self) -> list[int]:
        return [command.line for command in self.commands]

    def command_at(self, line: int) -> Command | None:
        """The command that physical line `line` (from 1) belongs to; None for a blank line, a comment or no line."""
        at = bisect_right(self._starts, line) - 1
        return self.commands[at] if at >= 0 and line <= self.commands[at].end_line else None


class _Buffer:
    """A logical line while it grows out of physical ones, and where its characters stand in the script."""

    def __init__(self) -> None:
        self.parts: list[str] = []
        self.numbers: list[int] = []
        self.starts: list[int] = []
        """of each part: number of its physical line, and where it begins in the logical line"""
        self.length = 0
        self._triples = 0
        self._quotes = 0
        """triple quotes so far, and `"` characters at the end that may yet become one"""

    def add(self, line: str, number: int, last: bool) -> bool:
        """Append a physical line; True if LAMMPS goes on with the next one, which it does not after the `last`."""
        kept = line.rstrip(BLANKS)
        self._count(kept)
        while not kept and self.parts:  # LAMMPS looks for the last printable character of all it has
            self.length -= len(self.parts[-1])
            kept, number = self.parts.pop().rstrip(BLANKS), self.numbers.pop()
            self.starts.pop()
        marked = kept.endswith("&") and not last
        if marked:
            kept = kept[:-1]
        elif self._triples % 2:
            kept += "\n"
        self.starts.append(self.length)
        self.numbers.append(number)
        self.parts.append(kept)
        self.length += len(kept)
        return not last and (marked or self._triples % 2 == 1)

    def _count(self, line: str) -> None:
        """Count triple quotes, which a continuation may split."""
        for char in line.removesuffix("&") if '"' in line else line[:1]:
            self._quotes = self._quotes + 1 if char == '"' else 0
            if self._quotes == 3:
                self._triples, self._quotes = self._triples + 1, 0

    def place(self, at: int) -> tuple[int, int]:
        """Line and column, from 1, of a character of the logical line."""
        part = bisect_right(self.starts, at) - 1
        return self.numbers[part], at - self.starts[part] + 1


def parse(text: str) -> Script:
    """Split an input script into commands and words. Never raises: what cannot be read is told in `Command.problem`."""
    commands = []
    physical = text.removesuffix("\n").split("\n")
    number = 0
    while number < len(physical):
        first, buffer = number, _Buffer()
        number += 1
        while buffer.add(physical[number - 1], number, number == len(physical)):
            number += 1
        words, problem = _words(buffer)
        if words or problem:
            raw = "\n".join(physical[first:number])
            commands.append(Command(first + 1, number, raw, words, problem))
    return Script(text, tuple(commands))


def parse_words(text: str) -> tuple[Word, ...]:
    """The words of one logical line, for example the body of an `if`; what cannot be read is left out."""
    buffer = _Buffer()
    buffer.add(text, 1, last=True)
    return _words(buffer)[0]


def bodies(command: Command) -> Iterator[Command]:
    """Commands that a command holds in its arguments: `if`, `run every`, `partition`."""
    if command.name == "partition" and len(command.args) > 2:
        yield Command(command.line, command.end_line, command.raw, command.args[2:])
    elif command.name in ("if", "run"):
        for word in command.args[1:]:
            words = parse_words(word.text)
            if words:
                yield Command(command.line, command.end_line, word.text, words)


def _uncommented(text: str) -> tuple[str, str]:
    """The text before an unquoted `#`, and the quote that is still open at its end."""
    at, quote = 0, ""
    while at < len(text):
        if text[at] == "#" and not quote:
            return text[:at], ""
        quote, at = _quoting(text, at, quote)
    return text, quote


def _quoting(text: str, at: int, quote: str) -> tuple[str, int]:
    """The quote in force after the quote mark or plain text at `at`, and where that ends."""
    for mark in (quote,) if quote else _QUOTES:
        if text.startswith(mark, at):
            return "" if quote else mark, at + len(mark)
    plain = _PLAIN.match(text, at)
    return quote, plain.end() if plain else at + 1


def _unpaired(quote: str) -> str | None:
    """What is wrong if a line ends within this quote; nothing if it is empty."""
    return f"the quote {quote} has no partner" if quote else None


def _substitutions(text: str) -> tuple[list[tuple[int, int]], str | None]:
    """Spans of `$x`, `${x}` and `$(expression)` outside quotes, and what is wrong with the last of them."""
    spans: list[tuple[int, int]] = []
    at, quote = 0, ""
    while at < len(text):
        if text[at] != "$" or quote:
            quote, at = _quoting(text, at, quote)
            continue
        end = _substitution_end(text, at)
        if end is None:
            return [*spans, (at, len(text))], f"'{text[at : at + 2]}' is never closed"
        spans.append((at, end))
        at = end
    return spans, _unpaired(quote)


def _substitution_end(text: str, start: int) -> int | None:
    """One past the last character of the substitution that begins at `start`; None if it is not closed."""
    opening = text[start + 1 : start + 2]
    if opening == "{":
        end = text.find("}", start)
        return end + 1 if end >= 0 else None
    if opening != "(":
        return min(start + 2, len(text))
    depth = 0
    for at in range(start + 1, len(text)):
        depth += (text[at] == "(") - (text[at] == ")")
        if depth == 0:
            return at + 1
    return None


def _words(buffer: _Buffer) -> tuple[tuple[Word, ...], str | None]:
    """Cut a logical line into words; also what stopped the cutting."""
    text, open_quote = _uncommented("".join(buffer.parts))
    text = text.translate(_UNICODE)
    spans, problem = _substitutions(text)
    problem = _unpaired(open_quote) or problem
    masked = list(text)  # a substitution is one piece whatever blanks and quotes are in it
    for start, end in spans:
        masked[start:end] = "$" * (end - start)
    visible, span_starts = "".join(masked), [start for start, _ in spans]
    words: list[Word] = []
    at = 0
    while at < len(text):
        if text[at] in BLANKS:
            at += 1
            continue
        quote = next((mark for mark in _QUOTES if visible.startswith(mark, at)), "")
        start = at + len(quote)
        if quote:
            stop = visible.find(quote, start)
            if stop < 0:
                return tuple(words), problem or _unpaired(quote)
        else:
            gap = _GAP.search(visible, start)
            stop = gap.start() if gap else len(visible)
        end = stop + len(quote)
        if quote and end < len(visible) and visible[end] not in BLANKS:
            return tuple(words), problem or f"after the closing quote {quote} a blank is missing"
        (line, column), (end_line, end_column) = buffer.place(at), buffer.place(end - 1)
        substituted = bisect_left(span_starts, end) > bisect_left(span_starts, at)
        words.append(Word(text[start:stop], line, column, end_line, end_column + 1, quote, substituted))
        at = end
    return tuple(words), problem
