"""A pool that is fed right, wrong and hostile scripts while its workers are killed (tools/endurance.py, in small)."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

TOOL = Path(__file__).parents[2] / "tools" / "endurance.py"


@pytest.mark.slow
def test_nothing_is_lost_mixed_up_or_left_behind() -> None:
    command = [sys.executable, TOOL, "--runs", "400", "--kill-every", "1"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert "400 of 400 runs" in done.stdout
    assert "\n0 workers killed" not in done.stdout
