"""The evidence memory: laid out before a run, read back as `Evidence` after it (reading.py).

The memory is anonymous (a memfd that the child closes before the script
starts), so that a script has no name for it, and survives the death of the process that wrote it.
"""

from __future__ import annotations

import ctypes
import mmap
import os
import secrets
from collections.abc import Sequence

from mdevalbench.errors import RecorderFault
from mdevalbench.lammps.evidence import Evidence
from mdevalbench.lammps.job import CoeffScale, Recording
from mdevalbench.lammps.layout import MAGIC, MAX_FACTORS, MAX_RULES, Header
from mdevalbench.lammps.reading import Reader

LOOP_BYTES, SAMPLE_BYTES, SETTINGS_BYTES, TRACE_BYTES, SLOT_BYTES = 12 << 20, 16 << 20, 4 << 20, 4 << 20, 32 << 20


class Memory:
    """Shared memory for the evidence of one run at a time.

    `fd` is given to the worker process, which maps it and lets its child inherit the mapping.
    """

    def __init__(self, budget_bytes: int = Recording().budget_bytes) -> None:
        self.size = (
            ctypes.sizeof(Header)
            + LOOP_BYTES
            + SAMPLE_BYTES
            + SETTINGS_BYTES
            + TRACE_BYTES
            + budget_bytes
            + 2 * SLOT_BYTES
        )
        self._budget = budget_bytes
        self.fd = os.memfd_create("mdevalbench-evidence")
        os.ftruncate(self.fd, self.size)
        self._map = mmap.mmap(self.fd, self.size)

    def close(self) -> None:
        """Give the memory back; a second call does nothing."""
        self._map.close()
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1

    def prepare(
        self, recording: Recording, pair_coeff: Sequence[CoeffScale], forbidden: Sequence[str], threads: int = 1
    ) -> None:
        """Empty the memory and write what the recorder has to know for the next run.

        Raises `RecorderFault` if the rules do not fit the layout.
        """
        if len(pair_coeff) > MAX_RULES or any(len(rule.factors) > MAX_FACTORS for rule in pair_coeff):
            raise RecorderFault(f"at most {MAX_RULES} pair_coeff rules of {MAX_FACTORS} factors can be recorded")
        patterns = "\n".join(forbidden).encode()
        if len(patterns) >= 8192:
            raise RecorderFault("the list of forbidden commands is longer than the recorder's table")
        os.ftruncate(self.fd, 0)  # drops every page of the run before
        os.ftruncate(self.fd, self.size)
        head = self._header()
        head.magic, head.seed = MAGIC, secrets.randbits(64)
        head.samples, head.frames, head.pairs = recording.samples, recording.frames, recording.pairs
        head.threads, head.nrules, head.forbidden = threads, len(pair_coeff), patterns
        for rule, given in zip(head.rules, pair_coeff, strict=False):
            rule.style, rule.count = given.style.encode(), len(given.factors)
            for k, (position, factor) in enumerate(given.factors):
                rule.position[k], rule.factor[k] = position, factor
        at = ctypes.sizeof(Header)
        budget = min(recording.budget_bytes, self._budget)
        for name, capacity in (
            ("loops", LOOP_BYTES),
            ("samples_section", SAMPLE_BYTES),
            ("settings", SETTINGS_BYTES),
            ("trace", TRACE_BYTES),
            ("frames_section", budget),
            ("final_slots", SLOT_BYTES),
        ):
            section = getattr(head, name)
            section.at, section.capacity, section.used, section.dropped = at, capacity, 0, 0
            at += capacity

    @property
    def attached(self) -> bool:
        """Whether the recorder took the memory in use; if not, nothing that ran was seen."""
        return bool(self._header().attached)

    @property
    def line(self) -> int | None:
        """Last line of the script that was read."""
        return int(self._header().line) or None

    @property
    def quit_status(self) -> int | None:
        """Argument of `quit`, None if it was not called."""
        head = self._header()
        return int(head.quit_status) if head.quit_called else None

    def read(self) -> Evidence:
        """Everything that was recorded, copied out of the shared memory."""
        return Reader(self._bytes, self._header()).evidence()

    def _header(self) -> Header:
        return Header.from_buffer(self._map)

    def _bytes(self, at: int, count: int) -> bytes:
        return self._map[at : at + count]
