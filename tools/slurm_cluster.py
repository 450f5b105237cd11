"""Run a command of MD-EvalBench over the nodes of a Slurm or PBS cluster, through dask-jobqueue.

    pip install 'mdevalbench[dask]' dask-jobqueue          # where login and compute nodes both see it
    python tools/slurm_cluster.py --partition cpu --cores 16 --nodes 8 -- \\
        mdevalbench eval --model openai/gpt-5 --epochs 8 --max-connections 64

Run it where jobs are submitted from (in tmux, or as a small job of its own). The Dask scheduler lives in this process;
nodes are asked for as scripts wait for them, each with one worker process of `--cores` threads, and are given back when
nothing waits. A node that is lost costs no result. Workers leave five minutes before their time is up, so that the
batch system never kills a script. Connections are encrypted with keys that are made here for this one run: they go to
the workers in a file that only you can read (below `--shared`), and are deleted at the end.

`--show` prints the job script and submits nothing; `--system local` tries all of this on this machine, without a queue.
Anything else that dask-jobqueue knows (directives, modules to load) is taken from its own configuration file,
`~/.config/dask/jobqueue.yaml`.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from dask_jobqueue.local import LocalCluster
from dask_jobqueue.pbs import PBSCluster
from dask_jobqueue.slurm import SLURMCluster
from distributed import Security

SYSTEMS = {"slurm": SLURMCluster, "pbs": PBSCluster, "local": LocalCluster}
MEMORY_PER_CORE_GB = 3
"""a script may take 2 GiB beside LAMMPS's libraries, and its evidence up to 0.25"""
LEAVE_EARLY_MINUTES = 5
OWN_FOLDER = ["export TMPDIR=$(mktemp -d)", "trap 'rm -rf $TMPDIR' EXIT"]
"""Dask imports from its scratch folder: it must not lie where others can write"""


def options(arguments: list[str] | None = None) -> argparse.Namespace:
    """What the user asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--system", choices=SYSTEMS, default="slurm", help="batch system [%(default)s]")
    parser.add_argument("--nodes", type=int, default=1, help="jobs of the batch system, at most [%(default)s]")
    parser.add_argument("--cores", type=int, default=1, help="cores of each, one script on each core [%(default)s]")
    parser.add_argument("--minutes", type=int, default=240, help="wall time of each [%(default)s]")
    parser.add_argument("--partition", help="partition or queue")
    parser.add_argument("--account", help="account to charge")
    parser.add_argument("--interface", help="network interface that login and compute nodes share, e.g. ib0")
    parser.add_argument("--shared", type=Path, default=Path.cwd(), help="folder that all nodes see [this one]")
    parser.add_argument("--show", action="store_true", help="print the job script and submit nothing")
    parser.add_argument("command", nargs="*", metavar="-- COMMAND", help="what to run")
    chosen = parser.parse_args(arguments)
    if not chosen.command and not chosen.show:
        parser.error("put the command behind --, for example: -- mdevalbench tasks verify")
    return chosen


def cluster(chosen: argparse.Namespace, security: Security) -> Any:
    """The cluster, with nothing submitted yet."""
    leave = max(chosen.minutes - LEAVE_EARLY_MINUTES, 1)
    queued = {"account": chosen.account, "job_script_prologue": OWN_FOLDER}
    return SYSTEMS[chosen.system](
        cores=chosen.cores,
        processes=1,
        memory=f"{MEMORY_PER_CORE_GB * chosen.cores} GB",
        walltime=f"{chosen.minutes // 60:02d}:{chosen.minutes % 60:02d}:00",
        queue=chosen.partition,
        interface=chosen.interface,
        worker_extra_args=f"--lifetime {leave}m --lifetime-stagger 1m --memory-limit 0 --no-dashboard".split(),
        scheduler_options={"dashboard": False, "dashboard_address": "127.0.0.1:0"},
        silence_logs="critical",
        security=security,
        shared_temp_directory=str(chosen.shared.absolute()),
        **({"local_directory": tempfile.gettempdir()} if chosen.system == "local" else queued),
    )


def environment(address: str, security: Security) -> dict[str, str]:
    """What the command needs to find the scheduler, and to be let in."""
    tls = security.get_tls_config_for_role("client")
    return {
        **os.environ,
        "MDEVALBENCH_EXECUTOR": "dask",
        "MDEVALBENCH_SCHEDULER": address,
        "DASK_DISTRIBUTED__COMM__TLS__CA_FILE": tls["ca_file"],
        "DASK_DISTRIBUTED__COMM__TLS__CLIENT__CERT": tls["cert"],
        "DASK_DISTRIBUTED__COMM__TLS__CLIENT__KEY": tls["key"],
    }


def main() -> int:
    """Run the command with a cluster behind it; returns its exit code."""
    chosen, security = options(), Security.temporary()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        tempfile.tempdir = folder  # for the reason of OWN_FOLDER
        return run(chosen, security)


def run(chosen: argparse.Namespace, security: Security) -> int:
    """The command's exit code."""
    with cluster(chosen, security) as nodes:
        if chosen.show:
            print(nodes.job_script())
            return 0
        nodes.adapt(minimum_jobs=0, maximum_jobs=chosen.nodes)
        return subprocess.run(chosen.command, env=environment(nodes.scheduler_address, security)).returncode


if __name__ == "__main__":
    sys.exit(main())
