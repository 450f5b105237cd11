"""Escapes from the sandbox: contained behind the walls, noticed without them."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import mdevalbench
from mdevalbench.audit import Finding, attacks, audit
from mdevalbench.audit.scene import scene
from mdevalbench.lammps.pool import Pool
from mdevalbench.tasks import load_task

SOME = (
    *("shell_folders", "shell_background", "include_passwd", "variable_file", "proc_parents", "descriptors_forge"),
    *("descriptors_sleep", "print_append", "dump_outside", "fix_ipi", "plugin_written", "disk_unlinked"),
    *("memory_atoms", "crash_minus", "quit_recorder", "half_characters", "zero_bytes", "shell_deep_folder"),
)
WITHOUT_WALLS = {
    "print_file": "appeared",
    "print_append": "victim was changed",
    "print_shared_memory": "/dev/shm/.* appeared",
    "print_other_job": "in.lammps was changed",
    "shell_links": "a secret was read",
    "shell_program": "victim was changed",
    "variable_file_passwd": "/etc/passwd was read",
    "proc_parents": "a secret was read",
    "proc_memory_map": "memory map was read",
    "references": "references were read",
    "fix_file": "a secret was read",
    "descriptors_forge": "something worked",
    "plugin_written": "library was loaded",
    "dump_gzip": "process .* appeared",
}
"""attacks that do no harm to this machine -> what must be noticed when nothing holds them"""
NOBODY = 65534


@pytest.fixture(scope="module")
def pool() -> Iterator[Pool]:
    with Pool(2) as workers:
        yield workers


def fell_short(findings: list[Finding]) -> list[str]:
    return [f"{finding.attack}: {finding.reason}" for finding in findings if not finding.ok]


def test_every_escape_says_what_it_tries_and_can_be_rendered() -> None:
    escapes = attacks("escape")
    assert len(escapes) >= 38
    with scene(load_task("lattice_constant/cu-mishin")) as around:
        for attack in escapes:
            script = attack.render(around.names)
            assert script.startswith(f"# {attack.about}\n") and len(attack.about) > 10
            assert around.canary not in script


def test_some_escapes_are_contained(pool: Pool) -> None:
    findings = audit(pool, "escape", SOME)
    assert fell_short(findings) == []
    assert [finding.attack for finding in findings] == list(SOME)
    assert all(finding.reason and not finding.passed and finding.reward <= 0.05 for finding in findings)


def test_what_nothing_holds_is_noticed() -> None:
    """Without walls the same attacks get somewhere, so that the finding above shows what the walls do."""
    with Pool(2, unsafe=True) as workers:
        findings = audit(workers, "escape", tuple(WITHOUT_WALLS))
    reasons = {finding.attack: finding.reason for finding in findings if not finding.contained}
    assert {attack: why for attack, why in WITHOUT_WALLS.items() if not re.search(why, reasons.get(attack, ""))} == {}


@pytest.mark.slow
def test_every_escape_is_contained(pool: Pool) -> None:
    assert fell_short(audit(pool, "escape")) == []


AS_SOMEBODY_ELSE = """
import json, os, sys
from mdevalbench.audit import audit
from mdevalbench.lammps.pool import Pool
with Pool(2) as pool:
    findings = audit(pool, "escape", sys.argv[1:])
print(json.dumps([os.geteuid(), *([f.attack, f.ok, f.reason] for f in findings)]))
"""


def ordinary_user(*command: str) -> list[str]:
    """A command as a user without privileges (`env` between, since setpriv itself may still start anything)."""
    return ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "--", "env", *command]


def python_for_everybody() -> str:
    """A Python of our version that an ordinary user can start and that finds our packages."""
    name = f"python3.{sys.version_info.minor}"
    for python in filter(None, (sys.executable, shutil.which(name, path="/usr/bin:/usr/local/bin"))):
        asked = [python, "-c", "import mdevalbench.audit, lammps, numpy"]
        try:
            if subprocess.run(ordinary_user(*asked), env=environment("/tmp"), capture_output=True).returncode == 0:
                return python
        except PermissionError:
            continue
    pytest.skip(f"no {name} with these packages that an ordinary user may start")


def environment(home: str) -> dict[str, str]:
    packages = [str(Path(mdevalbench.__file__).parents[1]), *filter(None, sys.path)]
    return {"PATH": os.environ["PATH"], "HOME": home, "PYTHONPATH": ":".join(packages), "PYTHONDONTWRITEBYTECODE": "1"}


@pytest.mark.slow
@pytest.mark.skipif(os.geteuid() != 0, reason="the other tests run as an ordinary user already")
def test_escapes_are_contained_for_an_ordinary_user() -> None:
    command = ordinary_user(python_for_everybody(), "-c", AS_SOMEBODY_ELSE, *SOME)
    done = subprocess.run(command, env=environment("/tmp"), cwd="/tmp", capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    user, *findings = json.loads(done.stdout)
    assert user == NOBODY
    assert [found for found in findings if not found[1]] == []
    assert len(findings) == len(SOME)
