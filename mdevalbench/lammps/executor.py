"""Where jobs run: what the judge and everything above it may ask of a pool, whichever kind it is, and how to open one.

The choice is given to `open_executor`, or stands in the environment (`MDEVALBENCH_EXECUTOR`, `MDEVALBENCH_SCHEDULER`),
where code that is called by a framework finds it.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from functools import cache
from types import TracebackType
from typing import Protocol, Self, TypeVar

from mdevalbench.errors import UsageError
from mdevalbench.lammps.job import Job, Run

EXECUTOR_VARIABLE, SCHEDULER_VARIABLE = "MDEVALBENCH_EXECUTOR", "MDEVALBENCH_SCHEDULER"
KINDS = LOCAL, DASK = "local", "dask"
_MOST_THREADS = 1024

Progress = Callable[[int, int], None]
"""called with (done, total)"""
Item = TypeVar("Item")
T = TypeVar("T")


class Executor(Protocol):
    """Runs jobs, several at once; thread-safe. `Pool` is the one on this machine, `DaskExecutor` that on a cluster."""

    unsafe: bool
    """whether scripts run without isolation"""

    @property
    def workers(self) -> int:
        """How many scripts to hand in at once."""
        ...

    def run(self, job: Job, cancel: threading.Event | None = None) -> Run:
        """Run one script, waiting for a free place.

        Raises:
            WorkerFault: workers died repeatedly, or the wall clock ran out on a run that used no CPU.
            IsolationUnavailable: the walls did not stand.
            Cancelled: `cancel` was set meanwhile.
        """
        ...

    def close(self) -> None:
        """End every worker; busy ones end with their job."""
        ...

    async def arun(self, job: Job) -> Run:
        """`run` for coroutines; cancelling the coroutine ends the simulation."""
        return await in_thread(lambda cancel: self.run(job, cancel))

    def map(
        self, jobs: Sequence[Job], progress: Progress | None = None, cancel: threading.Event | None = None
    ) -> list[Run]:
        """Run many jobs, as many at once as there is room; results in order. The first fault is raised."""
        tell = progress or (lambda done, total: None)
        return in_threads(self.run, jobs, self.workers, lambda done, number, run: tell(done, len(jobs)), cancel)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, tb: TracebackType | None) -> None:
        self.close()


def in_threads(
    call: Callable[[Item, threading.Event], T],
    items: Sequence[Item],
    threads: int,
    finished: Callable[[int, int, T], None],
    cancel: threading.Event | None = None,
) -> list[T]:
    """Call something for every item, so many at once; results in order.

    `finished` is called here with (how many are done, number of the item, result). The first exception, Ctrl-C
    included, ends the others by the event that every call is given (`cancel`, if there is one), and is raised.
    """
    cancel = cancel or threading.Event()
    with ThreadPoolExecutor(threads) as pool:
        futures = {pool.submit(call, item, cancel): number for number, item in enumerate(items)}
        try:
            for done, future in enumerate(as_completed(futures), 1):
                finished(done, futures[future], future.result())
        except BaseException:
            cancel.set()
            pool.shutdown(wait=False, cancel_futures=True)
            raise
        return [future.result() for future in futures]


async def in_thread(call: Callable[[threading.Event], T]) -> T:
    """A blocking call for coroutines; cancelling the coroutine sets the event that the call is given.

    Unlike `asyncio.to_thread`, which has a few threads for everything, as many calls block at once as there are.
    """
    cancel = threading.Event()
    try:
        return await asyncio.get_running_loop().run_in_executor(_threads(), call, cancel)
    except asyncio.CancelledError:
        cancel.set()
        raise


@cache
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(_MOST_THREADS, thread_name_prefix="mdevalbench")


def _choice(kind: str | None, scheduler: str | None) -> tuple[str, str | None]:
    """What was asked for; what is None is taken from the environment."""
    kind = kind or os.environ.get(EXECUTOR_VARIABLE) or LOCAL
    scheduler = scheduler or os.environ.get(SCHEDULER_VARIABLE) or None
    if kind not in KINDS:
        raise UsageError(f"there is no executor {kind!r}: choose one of {', '.join(KINDS)}")
    if scheduler and kind != DASK:
        raise UsageError(f"the scheduler {scheduler} is for Dask: add --executor dask, or leave the scheduler out")
    return kind, scheduler


def open_executor(
    workers: int | None = None, *, kind: str | None = None, scheduler: str | None = None, unsafe: bool = False
) -> Executor:
    """Open the executor that was chosen; close it after use, or use it in a `with` statement.

    Args:
        workers: scripts at once; by default one per CPU here, or what a cluster has room for.
        kind: `local` or `dask`; by default that of the environment, or else `local`.
        scheduler: address of a running Dask scheduler, e.g. `tcp://host:8786`; without one, Dask starts worker
            processes here.
        unsafe: run without isolation (only for scripts that you trust).

    Raises:
        UsageError: unknown kind, Dask not installed, or no scheduler at that address.
        HarnessFault: scripts cannot be run there, for example because there is no isolation.
    """
    kind, scheduler = _choice(kind, scheduler)
    if kind == DASK:
        from mdevalbench.lammps.cluster import DaskExecutor

        return DaskExecutor(scheduler, workers, unsafe=unsafe)
    from mdevalbench.lammps.pool import Pool

    return Pool(workers, unsafe=unsafe)
