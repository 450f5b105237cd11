"""Evidence out of the memory that the recorder wrote: loops, samples, frames, commands and settings."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from mdevalbench.lammps.evidence import Cell, Command, Edit, Evidence, FixInfo, Frame, Loop, Samples, Settings
from mdevalbench.lammps.layout import FRAME, LOOP, SAMPLE, Header

KINDS = ("verlet", "respa", "min")
_ACCELERATORS = ("OMP", "GPU", "INTEL")
"""fixes by which LAMMPS holds the settings of `package`; they do nothing to the atoms"""
BEGIN, SAMPLED, SUCCESSOR, END = range(4)


class Reader:
    """Reads the memory once. `bytes_of` gives so many bytes (second argument) at an offset (first)."""

    def __init__(self, bytes_of: Callable[[int, int], bytes], head: Header) -> None:
        self.bytes_of, self.head = bytes_of, head

    def section(self, name: str) -> bytes:
        section = getattr(self.head, name)
        return bytes(self.bytes_of(section.at, section.used))

    def evidence(self) -> Evidence:
        """Everything that was recorded."""
        head, trace = self.head, tuple(self.trace())
        return Evidence(
            loops=tuple(self.loops(trace)),
            trace=trace,
            dropped_loops=int(head.loops.dropped + head.settings.dropped),
            dropped_commands=int(head.trace.dropped),
            dropped_frames=int(head.frames_section.dropped + head.final_slots.dropped),
            final=self.final(),
        )

    def loops(self, trace: Sequence[Command]) -> Iterator[Loop]:
        records = np.frombuffer(self.section("loops"), dtype=LOOP)
        columns = {name: records[name].tolist() for name in LOOP.names or ()}
        samples = self.samples_by_loop(len(records))
        frames = self.frames_by_loop()
        settings = _SettingsReader(self.section("settings"), trace)
        for index, values in enumerate(zip(*columns.values(), strict=True)):
            record = dict(zip(columns, values, strict=True))
            began_with = record["command"]
            in_force = settings.at(record["settings"], began_with)
            if in_force is None:
                continue  # its settings did not fit: counted in `settings.dropped`
            yield Loop(
                index=index,
                kind=KINDS[record["kind"]],
                requested=record["requested"],
                steps=record["steps"],
                duration=record["duration"],
                dt_min=record["dt_min"] if record["steps"] and record["kind"] != 2 else 0.0,
                dt_max=record["dt_max"],
                completed=bool(record["completed"]),
                settings=in_force,
                edit=_edit(record),
                nested=record["nested"],
                line=record["line"] or None,
                command=str(trace[began_with]) if 0 <= began_with < len(trace) else "",
                samples=samples[index],
                frames=tuple(frames.get(index, ())),
            )

    def samples_by_loop(self, loops: int) -> list[Samples]:
        """Samples of each loop, as views of columns in which loops follow each other."""
        rows = np.frombuffer(self.section("samples_section"), dtype=SAMPLE)
        rows = rows[np.argsort(rows["loop"], kind="stable")]
        bounds = np.searchsorted(rows["loop"], np.arange(loops + 1)).tolist()
        columns = [_vectors(rows["h"]) if name == "cell" else rows[name].copy() for name in Samples.__slots__]
        return [Samples(*(c[first:last] for c in columns)) for first, last in pairwise(bounds)]

    def trace(self) -> Iterator[Command]:
        data, at = self.section("trace"), 0
        while at + 16 <= len(data):
            line, count = (int(v) for v in np.frombuffer(data, "i8", 2, at))
            words = data[at + 16 : at + 16 + count].split(b"\0")[:-1]
            yield Command(tuple(w.decode("utf-8", "replace") for w in words), line or None)
            at += 16 + (count + 7) // 8 * 8

    def frames_by_loop(self) -> dict[int, list[Frame]]:
        """Frames of each loop in order; a successor is attached to the frame before it."""
        data, at, found = self.section("frames_section"), 0, dict[int, list[Frame]]()
        while at + FRAME.itemsize <= len(data):
            kind, frame, at = _frame(data, at)
            frames = found.setdefault(frame.loop, [])
            if kind == SUCCESSOR and frames:
                frames[-1] = _with_successor(frames[-1], frame)
            else:
                frames.append(frame)
        return found

    def final(self) -> Frame | None:
        if not self.head.final_slot:
            return None
        section = self.head.final_slots
        at = section.at + (self.head.final_slot - 1) * section.capacity
        head = np.frombuffer(self.bytes_of(at, FRAME.itemsize), FRAME)[0]
        floats_per_atom = 9 + 3 * int(head["has_applied"]) + 3 * int(head["has_moved"])
        return _frame(self.bytes_of(at, FRAME.itemsize + int(head["natoms"]) * 8 * (4 + floats_per_atom)), 0)[1]


def _frame(data: bytes, at: int) -> tuple[int, Frame, int]:
    head = np.frombuffer(data, FRAME, 1, at)[0]
    n, at = int(head["natoms"]), at + FRAME.itemsize

    def take(dtype: str, count: int) -> Any:
        nonlocal at
        values = np.frombuffer(data, dtype, count, at)
        at += 8 * count
        return values

    ids, types, masses, integrated = take("i8", n), take("i8", n), take("f8", n), take("i8", n)
    vectors = [take("f8", 3 * n).reshape(n, 3) for _ in range(3 + int(head["has_applied"]) + int(head["has_moved"]))]
    order: Any = slice(None) if (ids[1:] > ids[:-1]).all() else np.argsort(ids, kind="stable")
    x, v, f = (a[order] for a in vectors[:3])
    frame = Frame(
        loop=int(head["loop"]),
        step=int(head["step"]),
        time=float(head["time"]),
        dt=float(head["dt"]),
        cell=_cell(head, ""),
        ids=ids[order],
        types=types[order],
        masses=masses[order],
        integrated=integrated[order].astype(bool),
        positions=x,
        velocities=v,
        forces=f,
        applied=vectors[3][order] if head["has_applied"] else None,
        forces_clean=bool(head["clean"]),
        potential_energy=float(head["potential_energy"]),
        tail_energy=float(head["tail_energy"]),
        virial=head["virial"].copy(),
        computed_in=(_cell(head, "computed_"), vectors[-1][order]) if head["has_moved"] else None,
    )
    return int(head["kind"]), frame, at


def _cell(head: Any, which: str) -> Cell:
    periodic = tuple(bool(p) for p in head["periodic"])
    return Cell(_vectors(head[f"{which}h"]), head[f"{which}origin"].copy(), periodic)  # type: ignore[arg-type]


def _with_successor(frame: Frame, successor: Frame) -> Frame:
    values = {name: getattr(frame, name) for name in Frame.__slots__}
    return Frame(**{**values, "successor": successor})


def _vectors(h: Any) -> Any:
    """Rows a, b, c of LAMMPS's lower-triangular cell from lx ly lz xy xz yz; works on (..., 6)."""
    cell = np.zeros((*h.shape[:-1], 3, 3))
    cell[..., 0, 0], cell[..., 1, 1], cell[..., 2, 2] = h[..., 0], h[..., 1], h[..., 2]
    cell[..., 1, 0], cell[..., 2, 0], cell[..., 2, 1] = h[..., 3], h[..., 4], h[..., 5]
    return cell


def _edit(record: Mapping[str, Any]) -> Edit:
    bits = record["edit"]
    return Edit(
        natoms=bool(bits & 1),
        types=bool(bits & 2),
        masses=bool(bits & 4),
        cell=bool(bits & 8),
        rebuilt=bool(bits & 16),
        displaced=record["displaced"],
        velocity=record["velocity"],
    )


class _SettingsReader:
    """Settings at an offset, with the arguments of fixes out of the commands executed until then."""

    def __init__(self, text: bytes, trace: Sequence[Command]) -> None:
        self.text, self.trace, self.seen = text, trace, 0
        self.fix_args: dict[str, tuple[str, ...]] = {}
        self.known: dict[int, Settings] = {}

    def at(self, offset: int, command: int) -> Settings | None:
        """Settings of a loop that the command of this number began (asked in order); None without an offset."""
        for earlier in self.trace[self.seen : command + 1]:
            if earlier.words[0] == "fix" and len(earlier.words) > 3:
                self.fix_args[earlier.words[1]] = earlier.words[4:]
                self.known.clear()
        self.seen = max(self.seen, command + 1)
        if offset < 0:
            return None
        if offset not in self.known:
            self.known[offset] = self.parse(offset)
        return self.known[offset]

    def parse(self, offset: int) -> Settings:
        end = self.text.index(b"\0", offset)
        head, *lines = self.text[offset:end].decode("utf-8", "replace").splitlines()
        units, dimension, pair, kspace, atom, boltz, mvv2e, ftm2v, nktv2p, removed = head.split("\t")
        fixes = []
        for line in lines:
            name, style, atoms, integrates = line.split("\t")
            if style not in _ACCELERATORS:
                args = self.fix_args.get(name, ())
                fixes.append(FixInfo(name, style, int(atoms), integrates == "1", args))
        return Settings(
            units=units,
            dimension=int(dimension),
            pair_style=pair,
            kspace_style=kspace,
            atom_style=atom,
            fixes=tuple(fixes),
            boltzmann=float(boltz),
            mvv_to_energy=float(mvv2e),
            force_to_velocity=float(ftm2v),
            virial_to_pressure=float(nktv2p),
            removed_dof=int(removed),
        )
