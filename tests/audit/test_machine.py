"""What the audit sees of the machine, tried with things that a sandbox would have refused."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from mdevalbench.audit import machine


def test_differences_in_words() -> None:
    before = {"a": 1, "b": 2, "c": 3}
    assert machine.differences(before, {"a": 1, "b": 4, "d": 5}) == ["b was changed", "c is gone", "d appeared"]


def test_an_orphan_is_seen_and_ended() -> None:
    """A program that detached itself from its parent and its session comes home."""
    with machine.orphans_come_home():
        before = machine.processes()
        command = ["sh", "-c", "setsid sleep 60 > /dev/null 2>&1 & echo $!"]
        orphan = int(subprocess.run(command, capture_output=True, check=True).stdout)
        assert f"process {orphan} appeared" in machine.differences(before, machine.processes())
        machine.end_strays(before)
        assert machine.differences(before, machine.processes()) == []


@pytest.mark.parametrize(
    "tamper",
    [
        lambda pid: os.setpriority(os.PRIO_PROCESS, pid, os.getpriority(os.PRIO_PROCESS, pid) + 1),
        lambda pid: os.kill(pid, signal.SIGSTOP),
        lambda pid: os.kill(pid, signal.SIGKILL),
    ],
    ids=["priority", "stopped", "killed"],
)
def test_tampering_with_a_process_is_seen(tamper: Callable[[int], None]) -> None:
    with subprocess.Popen(["sleep", "60"]) as process:
        before = machine.processes()
        tamper(process.pid)
        while not (found := machine.differences(before, machine.processes())):
            pass
        process.kill()
    assert found[0].startswith(f"process {process.pid} ")


@pytest.mark.parametrize("kind", ["-M 4096", "-S 1", "-Q"])
def test_system_v_objects_are_seen(kind: str) -> None:
    before = machine.shared_memory()
    made = subprocess.run(["ipcmk", *kind.split()], capture_output=True, check=True, text=True).stdout.split()[-1]
    found = machine.differences(before, machine.shared_memory())
    subprocess.run(["ipcrm", kind[:2].lower(), made], check=True)
    assert any(change.endswith(f" {made} appeared") for change in found)


def test_a_file_that_was_written_replaced_or_touched_is_seen(tmp_path: Path) -> None:
    file = tmp_path / "file"
    for change in (
        lambda: file.write_text("b"),
        lambda: os.utime(file, (0, 0)),
        lambda: file.chmod(0o640),
        lambda: (file.unlink(), file.symlink_to("/etc")),
    ):
        file.unlink(missing_ok=True)
        file.write_text("a")
        before = machine.files(tmp_path)
        change()
        assert machine.differences(before, machine.files(tmp_path)) == [f"{file} was changed"]
