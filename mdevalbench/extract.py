"""From a model's answer to the script in it.

Answers come as a fenced block of any tag, several blocks, a JSON object with a field `code`, a shell command that
writes the file, or bare text with prose around it. Whatever is taken is taken as written: commands are never invented,
repaired or left out. Typographic quotes and blanks stay too, since LAMMPS itself replaces them (see `lammps.script`);
only the byte order mark and Windows line ends go.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from mdevalbench.blocks import Block, base_name, from_fences, from_json
from mdevalbench.lammps import styles
from mdevalbench.lammps.potentials import find
from mdevalbench.lammps.script import Command, parse

_THOUGHT = re.compile(r"<(/?)(?:think|thinking|thought|reasoning)>", re.IGNORECASE)
_LAMMPS_TAGS = frozenset(["lammps", "lmp", "lammps-input"])
_DATA_FILE = re.compile(r"^\s*\d+\s+atoms\b", re.MULTILINE)
_PROSE = re.compile(
    r"""[*>•-] | \d+[.)]\s | \#{2,}\s | </?\w+> | .*[A-Za-z)*`"][.,:!?]\W*$
    | [A-Z][A-Za-z',;()-]*(?:\s+[A-Za-z'`,;()-]+){2,}\s*$ | [A-Z][\w',;()-]*(?:\s+\S+){3}""",
    re.VERBOSE,
)
"""A line that is no command and looks like a list, a heading, a tag or a sentence."""
_MAKES_BOX = frozenset(["create_box", "read_data", "read_restart"])
_RUNS = frozenset(["run", "minimize", "rerun", "neb", "temper", "prd", "tad", "hyper", "jump"])
_LONGEST_NAME = 255
"""bytes"""


@dataclass(frozen=True, slots=True)
class Extraction:
    """What was found in an answer."""

    script: str | None
    """the input script; None if there is none"""
    files: Mapping[str, str] = field(default_factory=dict)
    """further files of the answer that the script reads, by name"""
    how: str = ""
    """where the script was found, or why there is none"""
    notes: tuple[str, ...] = ()
    """choices that were made on the way, in plain words"""


def extract(completion: str) -> Extraction:
    """Find the input script, and the files that it reads, in a completion. Never raises for any text."""
    text = completion.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    answer, unfinished = _without_thoughts(text)
    if not answer.strip():
        why = "it ends within the reasoning" if unfinished else "it holds nothing but reasoning"
        return Extraction(None, how=why if text.strip() else "it is empty")
    fenced, outside = from_fences(answer)
    return (
        _choose(from_json(answer))
        or _choose(fenced)
        or _from_bare_text(outside)
        or Extraction(None, how=_why_nothing(len(fenced), unfinished))
    )


def _why_nothing(blocks: int, unfinished: bool) -> str:
    if unfinished:
        return "it ends within the reasoning, with no LAMMPS input before"
    if blocks:
        return f"none of its {blocks} blocks is a LAMMPS input" if blocks > 1 else "its only block is no LAMMPS input"
    return "it holds no LAMMPS input"


def _without_thoughts(text: str) -> tuple[str, bool]:
    """The text without `<think>...</think>` and all before a lone closing tag; also whether one is left open."""
    kept: list[str] = []
    start, inside = 0, False
    for tag in _THOUGHT.finditer(text):
        if not tag[1] and not inside:
            kept.append(text[start : tag.start()])
            inside = True
        elif tag[1]:
            if not inside:
                kept.clear()
            start, inside = tag.end(), False
    if not inside:
        kept.append(text[start:])
    return "".join(kept), inside


def _choose(blocks: Sequence[Block]) -> Extraction | None:
    """The input script among blocks, with the files that it reads; None if no block is one."""
    scripts = [block for block in blocks if _is_script(block)]
    if not scripts:
        return None
    included = {name for script in scripts for name in _included(script)}
    main, notes = _main([script for script in scripts if script.name not in included] or scripts)
    files, remarks = _files(main, blocks)
    if main.cut:
        notes.append("the answer ends within the script")
    return Extraction(main.text, files, main.how, (*notes, *remarks))


def _main(scripts: Sequence[Block]) -> tuple[Block, list[str]]:
    """The one script of several: the fullest that can run by itself, or all as the parts of one."""
    if len(scripts) == 1:
        return scripts[0], []
    whole = [one for one in scripts if _is_complete(one.text)]
    joined = "".join(one.text for one in scripts)
    if not whole and _is_complete(joined) and _count(joined, "units") <= 1:
        how = f"{len(scripts)} blocks that are the parts of one script"
        return replace(scripts[0], text=joined, how=how, cut=scripts[-1].cut), []
    best = max(reversed(whole or scripts), key=lambda one: _known(parse(one.text).commands))
    return best, [f"of {len(scripts)} blocks with LAMMPS commands the fullest was taken"]


def _files(main: Block, blocks: Sequence[Block]) -> tuple[dict[str, str], list[str]]:
    """Blocks that the script, or a script that it includes, names; and a nameless data file if just one is missing.

    A block never stands for a potential file of LAMMPS: such a name above a block is a mention.
    """
    files: dict[str, str] = {}
    queue = [main]
    while queue:
        reader = queue.pop()
        wanted, included = _names(reader), _included(reader)
        for block in blocks:
            named = block.name in (included if _is_script(block) else wanted) and find(block.name) is None
            if named and block is not main and block.name not in files and _can_be_written(block.name):
                files[block.name] = block.text
                queue.append(block)
    read = {base_name(one.args[0].text) for one in parse(main.text).commands if one.name == "read_data" and one.args}
    nameless = [block for block in blocks if not block.name and _DATA_FILE.search(block.text) and not _is_script(block)]
    missing = {name for name in read - files.keys() if _can_be_written(name)}
    if len(missing) == 1 and len(nameless) == 1:
        name = missing.pop()
        return {**files, name: nameless[0].text}, [f"a block without a name was taken for '{name}'"]
    return files, []


def _can_be_written(name: str) -> bool:
    """Whether a file can have this name."""
    return name not in (".", "..") and "\0" not in name and len(name.encode(errors="replace")) <= _LONGEST_NAME


def _names(script: Block) -> set[str]:
    """Everything in a script that could be the name of a file."""
    words = [word.text for command in parse(script.text).commands for word in command.args]
    return {base_name(token) for word in words for token in re.split(r"[\s\"']+", word) if "." in token}


def _included(script: Block) -> set[str]:
    """Names of the scripts that a script reads."""
    commands = [one for one in parse(script.text).commands if one.name in ("include", "jump") and one.args]
    return {base_name(one.args[0].text) for one in commands} - {script.name, ""}


def _is_script(block: Block) -> bool:
    """Whether a block is LAMMPS input: by its tag, or because most of its lines begin with a command."""
    commands = parse(block.text).commands
    known = _known(commands)
    return bool(commands) and (block.tag in _LAMMPS_TAGS or (known > 0 and 2 * known >= len(commands)))


def _known(commands: Sequence[Command]) -> int:
    names = styles.installed().commands
    return sum(command.name in names for command in commands)


def _count(text: str, name: str) -> int:
    return sum(command.name == name for command in parse(text).commands)


def _is_complete(text: str) -> bool:
    names = {command.name for command in parse(text).commands}
    return bool((names & _MAKES_BOX) and (names & _RUNS))


def _from_bare_text(text: str) -> Extraction | None:
    """A script without a fence: the whole text, or the stretch of it that is no prose."""
    commands = parse(text).commands
    prose = [_is_prose(command) for command in commands]
    start, stop = (0, len(commands)) if not any(prose) else _stretch(commands, prose)
    chosen = commands[start:stop]
    known = _known(chosen)
    if not known or 2 * known < len(chosen) or (any(prose) and known < 2):
        return None
    if not any(prose):
        return Extraction(text, how="bare text")
    lines = text.split("\n")
    first = commands[start - 1].end_line if start else 0
    last = commands[stop].line - 1 if stop < len(commands) else len(lines)
    return Extraction("\n".join(lines[first:last]).strip("\n") + "\n", how="bare text between prose")


def _is_prose(command: Command) -> bool:
    """Whether a line is for a human reader; only lines that begin with no command can be."""
    line = command.raw.strip()
    return command.name not in styles.installed().commands and bool(_PROSE.match(line.split("\n")[0]))


def _stretch(commands: Sequence[Command], prose: Sequence[bool]) -> tuple[int, int]:
    """First and one past last command of the stretch with most commands and least prose, widened to the next prose."""
    names = styles.installed().commands
    best = total = 0
    start = found = stop = 0
    for at, command in enumerate(commands):
        total += -2 if prose[at] else command.name in names
        if total <= 0:
            total, start = 0, at + 1
        elif total > best:
            best, found, stop = total, start, at + 1
    while found > 0 and not prose[found - 1]:
        found -= 1
    while stop < len(commands) and not prose[stop]:
        stop += 1
    return found, stop
