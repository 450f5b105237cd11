"""Dask: a local cluster of two processes does what the pool does, and loses nothing when a worker dies."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import pickle
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar

import dask
import numpy as np
import psutil
import pytest
from distributed import LocalCluster

import mdevalbench
from mdevalbench import errors
from mdevalbench.errors import Cancelled, HarnessFault, UsageError, WorkerFault
from mdevalbench.lammps import cluster as cluster_module
from mdevalbench.lammps.cluster import DaskExecutor
from mdevalbench.lammps.executor import Executor
from mdevalbench.lammps.job import Ending, Job, Recording
from mdevalbench.lammps.pool import Pool
from mdevalbench.scorers.judge import Judge
from mdevalbench.tasks import Task, load_suite, load_task, wrong
from mdevalbench.tasks.scripts import reference
from mdevalbench.types import Limits, Verdict

T = TypeVar("T")
ENDLESS = 'label a\nprint "again"\njump SELF a\n'


@pytest.fixture(scope="module")
def cluster() -> Iterator[DaskExecutor]:
    """Two worker processes on this machine."""
    with DaskExecutor(workers=2) as executor:
        yield executor


@pytest.fixture(scope="module", autouse=True)
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Dask's own files of the clusters that are made here without `DaskExecutor`."""
    folder = str(tmp_path_factory.mktemp("dask"))
    with pytest.MonkeyPatch.context() as patch, dask.config.set({"temporary-directory": folder}):
        patch.setenv("DASK_TEMPORARY_DIRECTORY", folder)
        yield


def processes(executor: DaskExecutor) -> list[psutil.Process]:
    """The Dask worker processes."""
    return [psutil.Process(pid) for pid in executor._client.run(os.getpid).values()]


def simulations(executor: DaskExecutor) -> list[psutil.Process]:
    """Children of the children of Dask workers: one for each script that is running."""
    workers = [child for process in processes(executor) for child in children(process)]
    return [child for worker in workers for child in children(worker)]


def children(process: psutil.Process) -> list[psutil.Process]:
    """Its child processes; none if it has gone meanwhile."""
    try:
        return process.children()
    except psutil.NoSuchProcess:
        return []


def until(met: Callable[[], T], seconds: float = 60) -> T:
    """Wait for something that another process does; returns what was found."""
    deadline = time.monotonic() + seconds
    while not (found := met()):
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.02)
    return found


def test_many_at_once_come_back_in_order_with_progress(cluster: DaskExecutor) -> None:
    told: list[tuple[int, int]] = []
    runs = cluster.map([Job(f'print "number {i}"\n') for i in range(12)], lambda *p: told.append(p))
    assert [f"number {i}" in run.output for i, run in enumerate(runs)] == [True] * 12
    assert told == [(i, 12) for i in range(1, 13)]
    assert cluster.workers == 2


def test_cancelling_ends_the_simulation_and_frees_the_worker(cluster: DaskExecutor) -> None:
    cancel = threading.Event()
    with ThreadPoolExecutor(1) as thread:
        future = thread.submit(cluster.run, Job(ENDLESS), cancel)
        until(lambda: simulations(cluster))
        cancel.set()
        with pytest.raises(Cancelled):
            future.result()
    until(lambda: not simulations(cluster), seconds=10)
    assert cluster.run(Job('print "alive"\n')).ending is Ending.COMPLETED


async def test_cancelling_a_coroutine_ends_its_simulation(cluster: DaskExecutor) -> None:
    task = asyncio.create_task(cluster.arun(Job(ENDLESS)))
    await asyncio.to_thread(until, lambda: simulations(cluster))
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.to_thread(until, lambda: not simulations(cluster), 10)
    assert (await cluster.arun(Job('print "alive"\n'))).ending is Ending.COMPLETED


@pytest.mark.parametrize("fault", [f for f in vars(errors).values() if isinstance(f, type)], ids=lambda f: f.__name__)
def test_faults_keep_their_class_and_words_on_the_way(fault: type[errors.MDEvalBenchError]) -> None:
    again = pickle.loads(pickle.dumps(fault("words")))
    assert type(again) is fault and str(again) == "words"


def test_what_a_worker_raises_is_raised_here(cluster: DaskExecutor) -> None:
    with pytest.raises(UsageError, match="plain name"):
        cluster.run(Job("", files={"a/b": b""}))

    ended = threading.Event()

    def stop() -> None:
        while not ended.wait(0.05):
            for simulation in simulations(cluster):
                with suppress(psutil.NoSuchProcess):
                    simulation.suspend()

    stopping = threading.Thread(target=stop)
    stopping.start()
    try:
        with pytest.raises(WorkerFault, match="wall time"):
            cluster.run(Job(ENDLESS, Limits(cpu_seconds=30, wall_seconds=1)))
    finally:
        ended.set()
        stopping.join()


def test_large_evidence_travels_whole(cluster: DaskExecutor, pool: Pool) -> None:
    """More than 60 MB of frames; the same arrays as from the pool."""
    crystal = (
        "units lj\nlattice sc 1.0\nregion b block 0 48 0 48 0 48\ncreate_box 1 b\ncreate_atoms 1 box\nmass 1 1\n"
        "pair_style zero 1.0\npair_coeff * *\nfix 1 all nve\nvelocity all create 1 4711\nneigh_modify every 100\n"
    )
    job = Job(crystal + "run 1\n" * 6, recording=Recording(samples=1, frames=1, pairs=0))
    there, here = (
        [f for loop in executor.run(job).evidence.loops for f in loop.frames] for executor in (cluster, pool)
    )
    assert sum(a.nbytes for f in there for a in (f.positions, f.velocities, f.forces, f.ids, f.types, f.masses)) > 60e6
    assert len(there) == len(here)
    for mine, yours in zip(there, here, strict=True):
        assert np.array_equal(mine.positions, yours.positions) and np.array_equal(mine.velocities, yours.velocities)
    until(lambda: not cluster._client.has_what() or not any(cluster._client.has_what().values()), 10)


def kill_a_busy_worker(executor: DaskExecutor) -> int:
    """Kill a Dask worker process while a script runs below it; returns its process id."""
    workers = processes(executor)
    busy = until(lambda: [p for p in workers if any(children(worker) for worker in children(p))])
    busy[0].send_signal(signal.SIGKILL)
    return busy[0].pid


def test_a_worker_killed_in_the_middle_costs_no_result(cluster: DaskExecutor) -> None:
    jobs = [Job(f'print "number {i}"\n{ENDLESS}', Limits(cpu_seconds=1)) for i in range(4)]
    with ThreadPoolExecutor(1) as thread:
        killed = thread.submit(kill_a_busy_worker, cluster)
        runs = cluster.map(jobs)
    assert killed.result() not in [process.pid for process in processes(cluster)]
    assert [f"number {i}\n" in run.output for i, run in enumerate(runs)] == [True] * len(jobs)
    assert all(run.ending is Ending.CPU_LIMIT for run in runs)


def test_nothing_listens_beyond_this_machine(cluster: DaskExecutor) -> None:
    everyone = [psutil.Process(), *psutil.Process().children(recursive=True)]
    listening = {c.laddr.ip for p in everyone for c in p.net_connections("inet") if c.status == psutil.CONN_LISTEN}
    assert listening == {"127.0.0.1"}
    assert cluster.address.startswith("tls://")


def test_nothing_is_left_behind(tmp_path: Path) -> None:
    """The command line, in a folder of its own: no file, no process, no words of Dask's."""
    task = load_task("lattice_constant/cu-mishin")
    (tmp_path / "work").mkdir()
    (tmp_path / "tmp").mkdir()
    done = subprocess.run(
        [str(Path(sys.executable).parent / "mdevalbench"), "score", task.id, "-", "--json", "--executor", "dask"],
        input=reference(task).script,
        cwd=tmp_path / "work",
        env={**os.environ, "TMPDIR": str(tmp_path / "tmp"), "MARK": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert (done.stderr, done.returncode) == ("", 0)
    assert json.loads(done.stdout)["passed"]
    assert not list((tmp_path / "work").iterdir()) and not list((tmp_path / "tmp").iterdir())
    assert not [p for p in psutil.process_iter() if _has(p, str(tmp_path))]


def _has(process: psutil.Process, mark: str) -> bool:
    try:
        return process.environ().get("MARK") == mark
    except psutil.Error:
        return False


def test_an_elastic_cluster_may_begin_without_workers(caplog: pytest.LogCaptureFixture) -> None:
    with (
        LocalCluster(n_workers=0, host="127.0.0.1", dashboard_address=None, silence_logs=logging.CRITICAL) as empty,
        DaskExecutor(empty.scheduler_address) as executor,
        ThreadPoolExecutor(1) as thread,
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setattr(cluster_module, "_PATIENCE_SECONDS", 0.2)
        assert executor.workers == cluster_module.ELASTIC
        future = thread.submit(executor.run, Job('print "at last"\n'))
        until(lambda: "no workers at the moment" in caplog.text)
        empty.scale(1)
        assert "at last" in future.result().output


@contextmanager
def scheduler_process(folder: Path) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """A scheduler in a process of its own, as on a cluster."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    options = ["--host", f"tcp://{address}", "--no-dashboard", "--dashboard-address", "127.0.0.1:0"]
    process = subprocess.Popen(
        [sys.executable, "-m", "distributed.cli.dask_scheduler", *options], cwd=folder, stderr=subprocess.DEVNULL
    )
    try:
        yield process, address
    finally:
        process.kill()
        process.wait()


def test_a_scheduler_that_is_lost_is_a_fault_and_no_hang(tmp_path: Path) -> None:
    with scheduler_process(tmp_path) as (process, address):
        connected = _patiently(address)
        with connected as executor, ThreadPoolExecutor(1) as thread:
            assert executor.address == f"tcp://{address}"
            future = thread.submit(executor.run, Job(""))
            until(lambda: executor._client.futures)
            process.kill()
            with pytest.raises(HarnessFault, match="was lost"):
                future.result(timeout=60)


def _patiently(address: str) -> DaskExecutor:
    for _ in range(5):
        try:
            return DaskExecutor(address)
        except UsageError:
            continue
    raise AssertionError("the scheduler did not start")


@contextmanager
def worker_process(address: str, folder: Path, path: Path) -> Iterator[None]:
    """A Dask worker in a process of its own, which imports from `path` first."""
    options = ["--nthreads", "1", "--no-nanny", "--no-dashboard", "--local-directory", str(folder)]
    process = subprocess.Popen(
        [sys.executable, "-m", "distributed.cli.dask_worker", address, *options],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(path)},
        stderr=subprocess.DEVNULL,
    )
    try:
        yield
    finally:
        process.terminate()
        process.wait()


def test_workers_with_another_version_are_refused_and_get_no_job_twice(tmp_path: Path) -> None:
    source, package = Path(mdevalbench.__file__).parent, tmp_path / "other" / "mdevalbench"
    shutil.copytree(source / "lammps", package / "lammps", ignore=shutil.ignore_patterns("__pycache__"))
    for module in source.glob("*.py"):
        shutil.copy(module, package)
    version = (package / "__init__.py").read_text()
    (package / "__init__.py").write_text(re.sub(r'__version__ = ".*"', '__version__ = "9.9"', version))
    with (
        LocalCluster(n_workers=0, host="127.0.0.1", dashboard_address=None, silence_logs=logging.CRITICAL) as mixed,
        DaskExecutor(mixed.scheduler_address) as executor,
        worker_process(mixed.scheduler_address, tmp_path, package.parent),
    ):
        executor._client.wait_for_workers(1, timeout=60)
        with pytest.raises(HarnessFault, match=r"MD-EvalBench 9\.9"):
            executor.run(Job(""))
        with pytest.raises(HarnessFault, match=r"MD-EvalBench 9\.9.*install the same"):
            DaskExecutor(mixed.scheduler_address)
        mixed.scale(1)
        executor._client.wait_for_workers(2, timeout=60)
        assert len([fault for fault in executor._faults().values() if fault]) == 1
        assert all(run.ending is Ending.COMPLETED for run in executor.map([Job("")] * 8))


def test_without_dask_the_extra_is_named() -> None:
    program = (
        "import sys; sys.modules['dask'] = None\nfrom mdevalbench.lammps.executor import open_executor\n"
        "from mdevalbench.errors import UsageError\n"
        "try:\n    open_executor(kind='dask')\nexcept UsageError as error:\n    print(error)\n"
    )
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert "pip install 'mdevalbench[dask]'" in told


@pytest.mark.slow
def test_a_job_under_which_every_worker_dies_is_a_fault() -> None:
    with dask.config.set({"distributed.scheduler.allowed-failures": 1}), DaskExecutor(workers=1) as executor:
        with ThreadPoolExecutor(1) as thread:
            future = thread.submit(executor.run, Job(ENDLESS))
            for _ in range(2):
                until(lambda: executor._client.nthreads() and simulations(executor))
                (process,) = processes(executor)
                process.send_signal(signal.SIGKILL)
                process.wait()
            with pytest.raises(WorkerFault, match="died repeatedly"):
                future.result(timeout=60)
        assert executor.run(Job('print "alive"\n')).ending is Ending.COMPLETED


def compared(verdict: Verdict) -> dict[str, object]:
    """What must not depend on where a script ran: all but times, and numbers that hang on the secret steps sampled."""
    content = verdict.model_dump(exclude={"seconds", "measured", "reference", "components", "reward", "reasons"})
    return content | {"reasons": [re.sub(r"[-+]?\d[-+\d.e]*", "#", reason) for reason in verdict.reasons]}


def scripts(task: Task, all_wrong: bool) -> list[tuple[Task, str]]:
    variants = [reference(task), *(v for v in wrong(task) if all_wrong or v.name in ("fixed_box", "whole_box"))]
    return [(task, f"```lammps\n{variant.script}```\n") for variant in variants]


def judged(
    executor: Executor, cases: list[tuple[Task, str]], at_half: Callable[[], None] | None = None
) -> list[Verdict]:
    """Judge everything, two at once; half-way through, `at_half` is called."""
    judge = Judge(executor)
    with ThreadPoolExecutor(2) as threads:
        futures = [threads.submit(judge.judge, *case) for case in cases]
        for done, _ in enumerate(as_completed(futures), 1):
            if at_half is not None and done == len(cases) // 2:
                at_half()
        return [future.result() for future in futures]


def assert_same(there: list[Verdict], here: list[Verdict]) -> None:
    assert [compared(verdict) for verdict in there] == [compared(verdict) for verdict in here]
    assert [verdict.reward for verdict in there] == pytest.approx([verdict.reward for verdict in here], abs=0.05)


def test_verdicts_are_those_of_the_pool(cluster: DaskExecutor, pool: Pool) -> None:
    """Scripts without chance: the measured values are the same to the last digit, too."""
    tasks = [load_task(name) for name in ("lattice_constant/cu-mishin", "lattice_constant/si-sw")]
    cases = [case for task in tasks for case in scripts(task, all_wrong=False)]
    there, here = judged(cluster, cases), judged(pool, cases)
    assert [verdict.passed for verdict in there] == [True, False, False] * 2
    assert_same(there, here)
    assert [(v.measured, v.reward, v.reasons) for v in there] == [(v.measured, v.reward, v.reasons) for v in here]


@pytest.mark.slow
def test_the_suite_gets_the_same_verdicts_while_a_worker_is_killed(cluster: DaskExecutor, pool: Pool) -> None:
    cases = [case for task in load_suite("demo") for case in scripts(task, all_wrong=True)]
    killed: list[int] = []
    there, here = judged(cluster, cases, lambda: killed.append(kill_a_busy_worker(cluster))), judged(pool, cases)
    assert killed and killed[0] not in [process.pid for process in processes(cluster)]
    assert_same(there, here)
    assert [verdict.passed for verdict in there].count(True) == len(load_suite("demo"))
