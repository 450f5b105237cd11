"""Executors in general: many calls at once, and what ends them."""

from __future__ import annotations

import asyncio
import threading
import time

import pytest

from mdevalbench.errors import UsageError
from mdevalbench.lammps.executor import in_thread, in_threads, open_executor
from mdevalbench.lammps.job import Ending, Job
from mdevalbench.lammps.pool import Pool

ENDLESS = 'label a\nprint "again"\njump SELF a\n'


def test_the_first_fault_ends_the_others(pool: Pool) -> None:
    began = time.monotonic()
    with pytest.raises(UsageError, match="plain name"):
        pool.map([Job(ENDLESS), Job("", files={"a/b": b""}), *[Job(ENDLESS)] * 4])
    assert time.monotonic() - began < 30  # five endless scripts would take 300 CPU seconds
    assert pool.run(Job("")).ending is Ending.COMPLETED


def test_ctrl_c_ends_the_others() -> None:
    """The interrupt comes up where results are waited for."""

    def call(item: int, cancel: threading.Event) -> int:
        return item if item == 0 else 10 * cancel.wait(60)

    def interrupt(done: int, number: int, result: int) -> None:
        raise KeyboardInterrupt

    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        in_threads(call, range(20), 4, interrupt)
    assert time.monotonic() - began < 30


async def test_more_calls_block_at_once_than_asyncio_has_threads() -> None:
    together = threading.Barrier(100, timeout=60)
    places = await asyncio.gather(*(in_thread(lambda cancel: together.wait()) for _ in range(100)))
    assert sorted(places) == list(range(100))


def test_the_environment_chooses_where_nothing_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MDEVALBENCH_EXECUTOR", "nonsense")
    with pytest.raises(UsageError, match="nonsense"):
        open_executor()
    with open_executor(3, kind="local") as executor:
        assert isinstance(executor, Pool) and executor.workers == 3
    monkeypatch.setenv("MDEVALBENCH_EXECUTOR", "dask")
    monkeypatch.setenv("MDEVALBENCH_SCHEDULER", "nowhere")
    with pytest.raises(UsageError, match="'nowhere' is not the address of a Dask scheduler"):
        open_executor()
