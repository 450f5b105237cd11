"""The pieces of an answer that may be files: fenced blocks, fields of JSON objects, files that a shell writes."""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

_FENCE = re.compile(r"(?P<bullet>(?:[-*+>]|\d+[.)])[ \t]+)?(?P<fence>`{3,}|~{3,})(?P<info>[^`\n]*)")
_DEEPEST = 3
"""How far fences within fences are followed."""
_FILE_NAME = re.compile(r"(?<![\w./-])(?:in\.[\w.+-]*\w|data\.[\w.+-]*\w|[\w+-][\w.+-]*\.[A-Za-z][\w+-]*)(?![\w/])")
_HEREDOC = re.compile(
    r"^[ \t]*cat\b(?=.*<<)(?=.*>[ \t]*(?P<file>[\w./+-]+)).*<<-?[ \t]*(?P<quote>['\"]?)(?P<end>\w+)(?P=quote).*$"
)
_JSON_START = re.compile(r'[{\[]\s*["{\[]')
_JSON_ATTEMPTS = 64
_CUT_CODE = re.compile(r'"code"\s*:\s*("(?:[^"\\]|\\.)*)', re.DOTALL)


@dataclass(frozen=True, slots=True)
class Block:
    """A piece of an answer that may be a file."""

    text: str
    tag: str = ""
    name: str = ""
    """name of the file, if the answer gives one"""
    how: str = "a fenced block"
    cut: bool = False
    """the answer ends within the block"""


def from_json(text: str) -> list[Block]:
    """The `code` field, and files, of the first JSON object in the text that has any; an object may be cut off."""
    if '"code"' not in text and '"files"' not in text:
        return []
    decoder = json.JSONDecoder(strict=False)
    end = 0
    for _, start in zip(range(_JSON_ATTEMPTS), _JSON_START.finditer(text), strict=False):
        if start.start() < end:
            continue
        try:
            value, end = decoder.raw_decode(text, start.start())
        except (ValueError, RecursionError):
            continue
        blocks = _json_blocks(value, 0)
        if blocks:
            return blocks
    cut = _CUT_CODE.search(text)
    if cut is None or not re.search(r"[{,]\s*$", text[: cut.start()]):
        return []
    literal = re.sub(r"\\(?:u[0-9a-fA-F]{0,3})?$", "", cut[1])
    try:
        return _code_blocks(json.loads(literal + '"', strict=False), cut=True)
    except ValueError:
        return []


def _json_blocks(value: Any, depth: int) -> list[Block]:
    if isinstance(value, dict):
        blocks = _code_blocks(value["code"]) if isinstance(value.get("code"), str) else []
        files = value.get("files")
        if isinstance(files, dict):
            blocks += [
                Block(str(text), name=base_name(str(name)), how="JSON")
                for name, text in files.items()
                if isinstance(text, str)
            ]
        if blocks:
            return blocks
        value = list(value.values())
    if isinstance(value, list) and depth < 8:
        return next((blocks for one in value if (blocks := _json_blocks(one, depth + 1))), [])
    return []


def _code_blocks(code: str, cut: bool = False) -> list[Block]:
    """A field `code`: its text, the fenced blocks in it, or text whose line breaks were escaped twice."""
    if "\n" not in code.strip() and "\\n" in code:
        code = code.replace("\\n", "\n").replace('\\"', '"')
    fenced = [replace(block, how="JSON") for block in from_fences(code)[0]]
    return fenced or ([Block(code, "lammps", how="JSON", cut=cut)] if code.strip() else [])


@dataclass(frozen=True, slots=True)
class _Fence:
    """The line that opens or closes a block."""

    indent: int
    mark: str
    info: str

    def is_closed_by(self, other: _Fence) -> bool:
        return other.mark.startswith(self.mark) and not other.info


def from_fences(text: str, depth: int = 0) -> tuple[list[Block], str]:
    """Fenced blocks in order, and the text outside of them.

    The last block may lack its closing fence. Blocks within a block, and files that a shell block writes, stand for it.
    """
    blocks: list[Block] = []
    outside: list[str] = []
    opened: _Fence | None = None
    body: list[str] = []
    above = ""
    for line in text.split("\n"):
        fence = _fence(line)
        if opened is None and fence is not None:
            opened, body = fence, []
        elif opened is not None and fence is not None and opened.is_closed_by(fence):
            blocks += _block(opened, body, above, False, depth)
            opened, above = None, ""
        elif opened is not None:
            body.append(line)
        else:
            outside.append(line)
            above = line if line.strip() else above
    if opened is not None:
        blocks += _block(opened, body[: -1 if text.endswith("\n") else None], above, True, depth)
    return blocks, "\n".join(outside)


def _fence(line: str) -> _Fence | None:
    stripped = line.lstrip(" \t")
    match = _FENCE.fullmatch(stripped) if "```" in stripped or "~~~" in stripped else None
    if match is None:
        return None
    return _Fence(len(line) - len(stripped) + len(match["bullet"] or ""), match["fence"], match["info"].strip())


def _block(opened: _Fence, body: Sequence[str], above: str, cut: bool, depth: int) -> list[Block]:
    lines = [line[opened.indent :] if not line[: opened.indent].strip() else line.lstrip() for line in body]
    text = "\n".join(lines) + "\n"
    inner = from_fences(text, depth + 1)[0] if depth < _DEEPEST else []
    if inner:
        return [replace(block, cut=cut) for block in inner]
    written = _written_by_shell(lines)
    if written:
        return written
    first = lines[0] if lines and lines[0].startswith("#") else ""
    name = next((found for found in map(_only_name, (opened.info, first, above)) if found), "")
    tag = re.split(r"[\s,{:=]", opened.info, maxsplit=1)[0].lower()
    return [Block(text, tag, name, cut=cut)] if text.strip() else []


def _only_name(line: str) -> str:
    """The name of a file that a heading, caption or comment gives; empty if it gives none or speaks of several."""
    names = set(_FILE_NAME.findall(line)) if len(line) < 100 else set()
    return base_name(names.pop()) if len(names) == 1 else ""


def _written_by_shell(lines: Sequence[str]) -> list[Block]:
    """Files that a shell block writes with `cat > name << EOF`."""
    blocks: list[Block] = []
    heading: re.Match[str] | None = None
    body: list[str] = []
    for line in lines:
        if heading is None:
            heading, body = _HEREDOC.match(line), []
        elif line.strip() == heading["end"]:
            blocks.append(
                Block("\n".join(body) + "\n", name=base_name(heading["file"]), how="a shell command that writes it")
            )
            heading = None
        else:
            body.append(line)
    return blocks


def base_name(name: str) -> str:
    """A file's name without its folders."""
    return posixpath.basename(name.strip())
