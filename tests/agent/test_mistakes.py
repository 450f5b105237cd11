"""Typical mistakes, one in each script: frozen, and each of them really costs the script its success."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from mdevalbench.scorers.judge import Judge
from mdevalbench.tasks import load_task, render_reference

FILE = Path(__file__).parent / "mistakes.yml"
FROZEN = "a3f2303fce37214b8b4908ac4bf8cc989c81e89d5f334ce2694692db1f868321"
MISTAKES: list[dict[str, Any]] = yaml.safe_load(FILE.read_text(encoding="utf-8"))


def broken(mistake: dict[str, Any]) -> str:
    """The reference script with the mistake in it."""
    script, count = re.subn(
        mistake["old"], lambda _: mistake["new"], render_reference(load_task(mistake["task"])), flags=re.MULTILINE
    )
    assert count == 1, f"{mistake['old']} occurs {count} times"
    return script


def test_they_are_those_that_were_written_down() -> None:
    assert hashlib.sha256(FILE.read_bytes()).hexdigest() == FROZEN
    assert len({mistake["id"] for mistake in MISTAKES}) == len(MISTAKES) == 80
    assert sum(bool(mistake.get("held_out")) for mistake in MISTAKES) == 40


@pytest.mark.parametrize("mistake", MISTAKES, ids=[mistake["id"] for mistake in MISTAKES])
def test_each_costs_the_script_its_success(judge: Judge, mistake: dict[str, Any]) -> None:
    verdict = judge.judge(load_task(mistake["task"]), f"```lammps\n{broken(mistake)}```")
    assert not verdict.passed
    assert verdict.reasons
