"""Scripts on a Dask cluster: the interface of `Pool` over one machine or many.

A scheduler of yours is given by its address; how it got its workers (dask-jobqueue on Slurm or PBS, dask-kubernetes,
`dask worker` by hand) is no matter here. Without an address, worker processes are started on this machine.

Each Dask worker process keeps one `Pool` with as many places as it has threads, made when it joins, closed when it
leaves. First it has to show that it has the same MD-EvalBench and LAMMPS as we, and that walls and recorder work there
(`selftest`): a node that fails gets no job twice. A job whose limits ask for several threads occupies one thread of a
Dask worker and waits in that worker's pool for as many places (all of them, where it asks for more): for such tasks
start one worker process a node with all its threads, rather than many with one.

Jobs of workers that die are given to others by Dask; one that loses `distributed.scheduler.allowed-failures` + 1
workers (4 unless configured) is a `WorkerFault`. A job that is cancelled, or forgotten since this process died, ends.

Security. Whoever can reach a Dask scheduler can run code on all of its workers, and on its clients: trust it, keep its
port inside the cluster, and turn on TLS in Dask's own configuration (`distributed.comm.tls`, read here as by every Dask
client; address `tls://host:8786`). The local cluster listens on 127.0.0.1 alone, with TLS and keys of its own, which
are never written to disk. Scripts are walled in on each node as by `Pool`, and reach no socket of Dask's.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import os
import re
import signal
import tempfile
import threading
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import mdevalbench
from mdevalbench.errors import Cancelled, HarnessFault, MDEvalBenchError, UsageError, WorkerFault
from mdevalbench.lammps import install
from mdevalbench.lammps.executor import Executor
from mdevalbench.lammps.job import Job, Run
from mdevalbench.lammps.pool import Pool
from mdevalbench.lammps.selftest import selftest

try:
    import dask
    from distributed import Client, Future, KilledWorker, LocalCluster, Reschedule, Worker, WorkerPlugin, get_worker
    from distributed.client import FutureCancelledError
except ModuleNotFoundError as missing:
    raise UsageError("Dask is not installed: pip install 'mdevalbench[dask]'") from missing

CONNECT_SECONDS = 5.0
ELASTIC = 64
"""scripts handed in at once to a cluster with fewer threads: an elastic one grows by what waits for it"""
_PATIENCE_SECONDS = 10.0
_PREFIX = "mdevalbench-"
_ADDRESS = re.compile(r"(?:[a-z]+://)?(?:[^\s/:]+|\[[0-9a-fA-F:.]+\]):\d+")
_RECORDS = ("evidence.py", "job.py", "reading.py", "record.py")
_QUIET = {"distributed.admin.large-graph-warning-threshold": "1 GiB"}  # a job may bring files
_log = logging.getLogger(__name__)


class DaskExecutor(Executor):
    """Runs jobs on the workers of a Dask cluster.

    Args:
        scheduler: address of a running scheduler (`tcp://host:8786`); None starts `workers` processes here.
        workers: processes of the local cluster, by default one per CPU; with a scheduler, how many scripts to hand in
            at once, by default as many as there are threads, `ELASTIC` at least.
        unsafe: run without isolation (only for scripts that you trust).

    Raises:
        UsageError: the address is none, or nothing answers there.
        IsolationUnavailable, RecorderFault, HarnessFault: a worker cannot run scripts.
    """

    def __init__(self, scheduler: str | None = None, workers: int | None = None, *, unsafe: bool = False) -> None:
        if workers is not None and workers < 1:
            raise UsageError("a cluster needs at least one worker")
        self.unsafe = unsafe
        self._given = workers
        self._engine = _Engine(_versions(), unsafe, ours=scheduler is None)
        with ExitStack() as opened:
            opened.enter_context(dask.config.set(_QUIET))
            opened.enter_context(_quiet_logs())
            if scheduler is not None:
                self.address = _address(scheduler)
                self._client: Client = opened.enter_context(_connect(self.address))
            else:
                self._given = workers or len(os.sched_getaffinity(0))
                cluster = opened.enter_context(_local_cluster(opened, self._given))
                self.address = str(cluster.scheduler_address)
                self._client = opened.enter_context(Client(cluster, set_as_default=False))
            self._register()
            self._opened = opened.pop_all()

    @property
    def workers(self) -> int:
        """The number given, or threads of the cluster at the moment; `ELASTIC` at least, for it may grow."""
        return self._given or max(ELASTIC, sum(self._client.nthreads().values()))

    def close(self) -> None:
        """Let go of the cluster. Jobs that are still under way end; workers of a local cluster, too."""
        self._opened.close()

    def run(self, job: Job, cancel: threading.Event | None = None) -> Run:
        """Run one script, waiting for a free worker; a worker that joins later will do.

        Raises:
            WorkerFault: workers died repeatedly under this job.
            IsolationUnavailable, RecorderFault, HarnessFault: of the worker; or the scheduler was lost.
            Cancelled: `cancel` was set meanwhile.
        """
        try:
            return self._run(job, cancel, None)
        except HarnessFault:
            faults = self._faults() if self._client.status == "running" else {}
            fit = [worker for worker, fault in faults.items() if fault is None]
            if len(fit) in (0, len(faults)):
                raise
            return self._run(job, cancel, fit)

    def _run(self, job: Job, cancel: threading.Event | None, workers: list[str] | None) -> Run:
        if cancel is not None and cancel.is_set():
            raise Cancelled("the job was cancelled")
        if self._client.status not in ("running", "connecting"):
            raise HarnessFault(f"there is no connection to the Dask scheduler {self.address}")
        future = self._client.submit(
            _run, self._engine.name, job, key=f"{_PREFIX}{uuid.uuid4().hex}", workers=workers, pure=False
        )
        try:
            self._wait(future, cancel)
            return self._result(future)
        finally:
            future.release()  # of a job that is still under way: its end, see `_Engine.transition`

    def _wait(self, future: Future[Run], cancel: threading.Event | None) -> None:
        done = threading.Event()
        future.add_done_callback(lambda _: done.set())
        waited = 0.0
        while not done.wait(0.1):
            waited += 0.1
            if cancel is not None and cancel.is_set():
                raise Cancelled("the job was cancelled")
            if waited >= _PATIENCE_SECONDS:
                waited = 0.0
                self._tell_of_no_workers()

    def _tell_of_no_workers(self) -> None:
        if self._client.status == "running" and not self._client.nthreads():
            _log.warning("%s has no workers at the moment: scripts wait until one joins", self.address)

    def _result(self, future: Future[Run]) -> Run:
        try:
            return future.result()
        except KilledWorker as error:
            raise WorkerFault(f"Dask workers died repeatedly while they ran this job: {error}") from error
        except FutureCancelledError as error:
            raise HarnessFault(f"the Dask scheduler {self.address} was lost: {error.reason}") from error
        except OSError as error:
            raise HarnessFault(f"a result could not be fetched from the cluster {self.address}: {error}") from error

    def _register(self) -> None:
        for worker, error in self._client.run(exec, f"import {__name__}", on_error="return").items():
            if error is not None:
                raise HarnessFault(
                    f"Dask worker {worker} does not have this MD-EvalBench: {error}. Start workers in an environment "
                    "like that of this process"
                ) from error
        self._client.register_plugin(self._engine)
        for fault in self._faults().values():
            if fault is not None:
                raise fault

    def _faults(self) -> dict[str, HarnessFault | None]:
        """Workers by address, each with the reason why it cannot run scripts, or None."""
        try:
            answers = self._client.run(_fault, self._engine.name, on_error="return")
        except OSError as error:
            raise HarnessFault(f"the Dask scheduler {self.address} was lost: {error}") from error
        return {
            worker: answer
            if answer is None or isinstance(answer, HarnessFault)
            else HarnessFault(f"{worker}: {answer}")
            for worker, answer in answers.items()
        }


class _Engine(WorkerPlugin):
    """What a Dask worker process keeps to run scripts. The same for all clients with the same versions."""

    idempotent = True  # a second client must not take the pool away from the first

    def __init__(self, wanted: dict[str, str], unsafe: bool, ours: bool) -> None:
        self.wanted, self.unsafe, self.ours = wanted, unsafe, ours
        digest = hashlib.sha256(repr((wanted, unsafe)).encode()).hexdigest()
        self.name = _PREFIX + digest[:16]

    async def setup(self, worker: Worker) -> None:
        """Called when the worker joins. What is wrong with it is kept, and raised by every job that lands here."""
        self.fault: HarnessFault | None = None
        self.running: dict[str, threading.Event] = {}
        if self.ours:  # Ctrl-C reaches every process of a terminal: the one that started this one decides
            signal.signal(signal.SIGINT, signal.SIG_IGN)
        try:
            self.pool = await asyncio.to_thread(self._open, worker.state.nthreads)
        except HarnessFault as fault:
            self.fault = type(fault)(f"Dask worker {worker.address}: {fault}")
        except MDEvalBenchError as error:
            self.fault = HarnessFault(f"Dask worker {worker.address}: {error}")

    def _open(self, places: int) -> Pool:
        for what, here in _versions().items():
            if here != self.wanted[what]:
                raise HarnessFault(f"it has {what} {here}, and this process {self.wanted[what]}: install the same")
        install.recorder_library()
        pool = Pool(places, unsafe=self.unsafe)
        failed = [f"{finding.name}: {finding.detail}" for finding in selftest(pool) if not finding.ok]
        if failed:
            pool.close()
            raise HarnessFault(f"its self-test failed: {'; '.join(failed)}; run `mdevalbench doctor` there")
        return pool

    def teardown(self, worker: Worker) -> None:
        """Called when the worker leaves: end what still runs, and the pool."""
        for cancel in self.running.values():
            cancel.set()
        if self.fault is None:
            self.pool.close()

    def transition(self, key: Any, start: str, finish: str, **kwargs: Any) -> None:
        """Called in the worker's event loop when a task changes state: one that leaves `executing` early is ended.

        Dask itself lets a task that was cancelled run on.
        """
        if not str(key).startswith(_PREFIX):
            return
        if finish == "executing":
            self.running[str(key)] = threading.Event()
        elif start == "executing" and (cancel := self.running.pop(str(key), None)) is not None:
            cancel.set()

    def run(self, key: str, job: Job) -> Run:
        """Run one job in this worker's pool."""
        if self.fault is not None:
            raise self.fault
        try:
            return self.pool.run(job, self.running.get(key))
        except (
            Cancelled
        ) as cancelled:  # by Dask: forgotten, or this worker is about to leave and another one is to run it
            raise Reschedule from cancelled


def _run(engine: str, job: Job) -> Run:
    """Runs on a worker, in one of its threads."""
    worker = get_worker()
    plugin = worker.plugins.get(engine)
    if not isinstance(plugin, _Engine):
        raise HarnessFault(f"Dask worker {worker.address} was not set up: its scheduler was started anew")
    return plugin.run(str(worker.get_current_task()), job)


def _fault(engine: str, dask_worker: Worker) -> HarnessFault | None:
    """Runs on a worker, in its event loop (which gives itself by the name of the argument)."""
    plugin = dask_worker.plugins.get(engine)
    if not isinstance(plugin, _Engine):
        return HarnessFault(f"Dask worker {dask_worker.address} could not be set up; its log tells more")
    return plugin.fault


def _versions() -> dict[str, str]:
    """What must be the same everywhere for verdicts to be the same, and for evidence to travel."""
    folder = Path(__file__).parent
    sources = [*folder.glob("recorder*.cpp"), *folder.glob("recorder*.h"), *map(folder.joinpath, _RECORDS)]
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in sorted(sources)))
    return {
        "MD-EvalBench": mdevalbench.__version__,
        "LAMMPS": install.identity(),
        "a recorder of sources": digest.hexdigest()[:12],
    }


def _address(text: str) -> str:
    if not _ADDRESS.fullmatch(text):
        raise UsageError(f"{text!r} is not the address of a Dask scheduler: write it like tcp://host:8786")
    return text if "://" in text else f"tcp://{text}"


def _connect(address: str) -> Client:
    try:
        return Client(address, timeout=CONNECT_SECONDS, set_as_default=False)
    except (OSError, ValueError, TypeError, RuntimeError) as error:
        why = str(error.__cause__ or error).strip() or type(error).__name__
        raise UsageError(
            f"no Dask scheduler answers at {address}: {why}. Is it running, and is its port reachable from here? "
            "(`tls://` for one with TLS)"
        ) from error


@contextmanager
def _quiet_logs() -> Iterator[None]:
    """Keep Dask's own words off the terminal: what matters to the caller is raised."""
    loggers = [logging.getLogger(name) for name in ("distributed", "distributed.client")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


def _local_cluster(opened: ExitStack, workers: int) -> LocalCluster:
    """Worker processes of one thread each, reachable from this machine and with our keys only."""
    folder = opened.enter_context(tempfile.TemporaryDirectory(prefix="mdevalbench-dask-", ignore_cleanup_errors=True))
    opened.enter_context(dask.config.set({"temporary-directory": folder}))
    return LocalCluster(
        n_workers=workers,
        threads_per_worker=1,
        host="127.0.0.1",
        security=True,
        dashboard_address=None,
        scheduler_kwargs={"dashboard": False, "dashboard_address": "127.0.0.1:0"},
        memory_limit=None,
        env={"TMPDIR": folder},  # what a worker leaves behind that is killed goes with it
        silence_logs=logging.CRITICAL,
    )
