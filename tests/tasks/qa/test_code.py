"""The published code tasks, read as their authors publish them: here small files of that form, written for the test."""

from __future__ import annotations

import base64
import json
import os
from pathlib import Path
from typing import Any

import pytest

from mdevalbench.errors import TaskError, UsageError
from mdevalbench.tasks.qa.asking_code import broken_references
from mdevalbench.tasks.qa.code import BROKEN, MISSING, NO_RUN, NO_SCRIPT, flags_of, load_code, recognise_code

BOX = "units lj\nregion b block 0 4 0 4 0 4\ncreate_box 1 b\ncreate_atoms 1 single 1 1 1\nmass 1 1\n"
RUNS = f"{BOX}pair_style zero 2.5\npair_coeff * *\nfix 1 all nve\nrun 10\n"


def row(task: str, script: str | None, key: str = "standrd_code") -> dict[str, Any]:
    code = None if script is None else "BASE64:" + base64.b64encode(json.dumps(script).encode()).decode()
    return {"task": task, key: code}


ROWS = [
    row("Let an atom move.", RUNS),
    row("Make a box.", BOX),
    row("Read my crystal.", "units metal\nread_data mine.data\npair_style eam\npair_coeff * * Cu_u3.eam\nrun 0\n"),
    row("Write it, then read it.", f"{BOX}write_data a.data\nclear\nread_data a.data\npair_style zero 1\nrun 0\n"),
    row("Use the potential of copper.", f"units metal\npair_style eam/alloy\npair_coeff * * Cu99.eam.alloy Cu\n{RUNS}"),
    row("Run under a condition.", f'{BOX}pair_style zero 2.5\npair_coeff * *\nif "1 == 1" then "run 5"\n'),
    row("Think of something.", None),
    row("A line of plain text.", None) | {"standrd_code": RUNS},
    row("Let an atom move.", RUNS),
    row("Another spelling.", RUNS, "standard_code"),
]


def write(folder: Path, text: str, name: str = "LammpsCodeGenEval_sub.json") -> None:
    path = folder / "MD_Benchmark" / "EN" / "Code_Eval" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    write(tmp_path, json.dumps(ROWS, indent=1))
    return tmp_path


def test_requests_and_scripts_are_those_published_each_once(data: Path) -> None:
    found = load_code(data, "en")
    assert [task.prompt for task in found] == list(dict.fromkeys(row["task"] for row in ROWS))
    assert {task.reference for task in found if task.prompt in ("Let an atom move.", "A line of plain text.")} == {
        RUNS.strip()
    }
    assert [task.id for task in found][:2] == ["official-code/001", "official-code/002"]
    assert recognise_code("Make a box.\n") == found[1]
    assert recognise_code("Make a crate.") is None


def test_what_is_wrong_with_them_is_flagged(data: Path) -> None:
    found = load_code(data, "en")
    flags = {task.prompt: task.flags for task in found}
    assert flags == {
        "Let an atom move.": (),
        "Make a box.": (NO_RUN,),
        "Read my crystal.": (MISSING,),
        "Write it, then read it.": (),
        "Use the potential of copper.": (MISSING,),
        "Run under a condition.": (),
        "Think of something.": (NO_SCRIPT,),
        "A line of plain text.": (),
        "Another spelling.": (),
    }
    assert [task.missing for task in found if task.missing] == [("mine.data",), ("Cu99.eam.alloy",)]
    broken = broken_references(found)
    assert set(broken) == {"official-code/003", "official-code/005"}
    assert "mine.data" in broken["official-code/003"]
    assert flags_of(found, broken) == {
        BROKEN: 2,
        MISSING: 2,
        NO_RUN: 1,
        NO_SCRIPT: 1,
        "of the 167 that the paper counts, not in these files": 158,
    }


WHOLE = json.dumps(ROWS, indent=1)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (WHOLE[:-200], r":\d+: this is no valid JSON .*ends in the middle of it"),
        (WHOLE.replace('"task": "Make', '"task" "Make'), ":7: this is no valid JSON"),
        (WHOLE.replace('"Make a box."', "3"), ":7: task 2: task: input should be a valid string"),
        (WHOLE.replace("BASE64:", "BASE64:_", 2), ":3: task 1: standrd_code: is no JSON in base64"),
        (json.dumps([{"id": "q1", "question": "Which?"}]), ":1: task 1: task: field required; a published code task"),
        (json.dumps({"task": "Simulate"}), ":1: published code tasks are a list"),
        ("[]", ":1: published code tasks are a list"),
        ("", ":1: this is no valid JSON"),
    ],
)
def test_a_damaged_or_wrong_file_is_named_with_its_line(tmp_path: Path, text: str, told: str) -> None:
    write(tmp_path, text)
    with pytest.raises(TaskError, match=rf"LammpsCodeGenEval_sub\.json{told}"):
        load_code(tmp_path, "en")


def test_a_file_that_is_not_there(data: Path) -> None:
    with pytest.raises(UsageError, match=r"holds no \*CodeGenEval\*\.json .* in a folder ZH; there is MD_Benchmark/EN"):
        load_code(data, "zh")


@pytest.mark.skipif("MDEVALBENCH_PUBLISHED" not in os.environ, reason="$MDEVALBENCH_PUBLISHED names no folder with it")
def test_the_published_benchmark_itself() -> None:
    found = load_code(Path(os.environ["MDEVALBENCH_PUBLISHED"]), "en")
    assert len(found) == 84
    assert sum(MISSING in task.flags for task in found) == 49
    assert len(broken_references(found)) == 55
