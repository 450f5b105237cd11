"""The recipe for batch systems: the job scripts that it writes, and the whole of it without a queue."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import dask
import pytest
import slurm_cluster
from distributed import Security

from mdevalbench.tasks import load_task, render_reference

TASK = "lattice_constant/cu-mishin"


@pytest.mark.parametrize(
    ("system", "lines"),
    [
        ("slurm", ("#SBATCH -p cpu", "#SBATCH -A me", "#SBATCH --cpus-per-task=16", "#SBATCH -t 01:30:00")),
        ("pbs", ("#PBS -q cpu", "#PBS -A me", "#PBS -l select=1:ncpus=16:mem=45GB", "#PBS -l walltime=01:30:00")),
    ],
)
def test_the_job_script_asks_for_what_was_asked_for(system: str, lines: tuple[str, ...], tmp_path: Path) -> None:
    arguments = ["--system", system, "--partition", "cpu", "--account", "me", "--cores", "16", "--minutes", "90"]
    chosen = slurm_cluster.options([*arguments, "--shared", str(tmp_path), "--", "true"])
    with (
        dask.config.set({"temporary-directory": str(tmp_path)}),
        slurm_cluster.cluster(chosen, Security.temporary()) as nodes,
    ):
        script = nodes.job_script()
        keys = [path for path in tmp_path.iterdir() if path.name.startswith(".dask-jobqueue")]
        assert keys and all(path.stat().st_mode & 0o077 == 0 for path in keys)
    assert set(lines) <= set(script.splitlines())
    assert script.index("export TMPDIR=$(mktemp -d)") < script.index("dask_worker")
    assert "--nthreads 16" in script and "--lifetime 85m" in script and "dask_worker tls://" in script


@pytest.mark.slow
def test_a_command_runs_on_workers_that_come_when_they_are_needed(tmp_path: Path) -> None:
    (tmp_path / "tmp").mkdir()
    (tmp_path / "in.lammps").write_text(render_reference(load_task(TASK)))
    command = [str(Path(sys.executable).parent / "mdevalbench"), "score", TASK, "in.lammps", "--json"]
    tool = [sys.executable, slurm_cluster.__file__, "--system", "local", "--cores", "2", "--", *command]
    environment = {**os.environ, "TMPDIR": str(tmp_path / "tmp")}
    done = subprocess.run(tool, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["passed"]
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["in.lammps", "tmp"]
