"""Cores shared out among jobs, so that no more threads run than there are cores."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

from mdevalbench.errors import Cancelled

_LOOK_SECONDS = 0.2
"""how often one who waits looks whether it was cancelled"""


class Places:
    """A number of places, given in the order in which they were asked for: narrow jobs do not pass a wide one."""

    def __init__(self, total: int) -> None:
        self.total = self._free = total
        self._waiting: deque[object] = deque()
        self._changed = threading.Condition()

    @contextmanager
    def take(self, count: int, cancel: threading.Event | None = None) -> Iterator[int]:
        """Hold `count` places, or all there are if that is fewer; gives the number held.

        Raises:
            Cancelled: `cancel` was set while waiting.
        """
        held = min(count, self.total)
        with self._changed:
            self._wait(held, cancel)
            self._free -= held
        try:
            yield held
        finally:
            with self._changed:
                self._free += held
                self._changed.notify_all()

    def _wait(self, count: int, cancel: threading.Event | None) -> None:
        ticket = object()
        self._waiting.append(ticket)
        try:
            while self._waiting[0] is not ticket or self._free < count:
                if cancel is not None and cancel.is_set():
                    raise Cancelled("the job was cancelled")
                self._changed.wait(_LOOK_SECONDS if cancel is not None else None)
        finally:
            self._waiting.remove(ticket)
            self._changed.notify_all()
