"""What differs between the sides, and why."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from fidelity import thermo
from fidelity.sides import FAULT, WAITS
from fidelity.store import Found, Store
from mdevalbench.lammps.job import Ending

UNEXPLAINED = "unexplained"
FORBIDDEN = "forbidden command"
_REFUSAL = re.compile(r"The command '(.*)' is not allowed in this harness")
_LIMITS = (Ending.CPU_LIMIT, Ending.MEMORY_LIMIT, Ending.DISK_LIMIT)
_NEEDS = (
    (r"illegal variable", "a variable given with -var"),
    (r"partition|replica|universe|Universe", "several partitions"),
    (r"before initialization by a run|not tallied|to use/init|compute ID to delete|Did not assign|averag.*not exist",
     "results of loops, which -skiprun leaves out"),
    (r"(?:[Oo]pen|find|read)\b.*\bfile\b.*/", "a file of another folder"),
    (r"open.*file|No such file|find.*file|file.*not found|does not exist", "a file that is not beside it"),
    (r"^Unrecognized|^Unknown|no longer available|has been removed|not enabled|not built|not compiled|python support",
     "a style, command or keyword that this LAMMPS does not have"),
    (r"MPI|procs\b|processors", "several ranks"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Difference:
    """An input that does not end in the same way on both sides."""

    name: str
    bare: str
    engine: str
    cause: str


@dataclass(slots=True)
class Comparison:
    """One comparison over all inputs."""

    compared: int = 0
    same: int = 0
    both_or_neither: int = 0
    """completed on both sides or on neither, whatever the message"""
    left_out: Counter[str] = field(default_factory=Counter)
    """why an input was not compared -> how many"""
    differences: list[Difference] = field(default_factory=list)

    @property
    def percent(self) -> float:
        """Share of the same among all compared."""
        return 100 * self.same / self.compared if self.compared else 100.0

    @property
    def percent_allowed(self) -> float:
        """The same, inputs apart that the engine stopped at a forbidden command."""
        refused = sum(one.cause.startswith(FORBIDDEN) for one in self.differences)
        return 100 * self.same / (self.compared - refused) if self.compared > refused else 100.0


def accepted(found: Found) -> bool:
    """Whether LAMMPS went through the whole script."""
    return bool(found["exit_code"] == 0)


def taken(store: Store, name: str) -> bool:
    """Whether bare `lmp` went through the whole input, with -skiprun or, where loops give what it needs, for real."""
    return any(accepted(found) for stage in ("bare-skip", "bare-real") if (found := store.results[stage].get(name)))


def shown(found: Found) -> str:
    """The end of a run in a few words."""
    if accepted(found):
        return "completed"
    return f"{found['ending']} ({found['exit_code']}){': ' if found['message'] else ''}{found['message']}"


def need(found: Found) -> str:
    """What an input lacks that bare `lmp` refuses."""
    if not found["message"]:
        return f"ended with {found['ending']}"
    return next(
        (name for pattern, name in _NEEDS if re.search(pattern, found["message"])),
        "syntax or settings of its own version",
    )


def endings(store: Store, names: list[str]) -> Comparison:
    """Engine against bare `lmp` with -skiprun: same exit code and message."""
    result = Comparison()
    for name in names:
        pair = _pair(result, store, name, "skip")
        if pair is not None:
            _judge(result, store, name, *pair, shown(pair[0]), shown(pair[1]))
    return result


def last_rows(store: Store, names: list[str]) -> Comparison:
    """Engine against bare `lmp` for real: same exit code, message and last row of thermo output."""
    result = Comparison()
    for name in names:
        pair = _pair(result, store, name, "real")
        if pair is not None:
            both = [
                f"{shown(found)}; last row: {(thermo.rows(store.output(stage, name)) or ['none'])[-1]}"
                for stage, found in zip(("bare-real", "engine-real"), pair, strict=True)
            ]
            _judge(result, store, name, *pair, *both)
    return result


def _pair(result: Comparison, store: Store, name: str, kind: str) -> tuple[Found, Found] | None:
    """What both sides found; None, and a reason counted, where there is nothing to compare."""
    bare, engine = store.results[f"bare-{kind}"].get(name), store.results[f"engine-{kind}"].get(name)
    if bare is not None and bare["ending"] in (Ending.CPU_LIMIT, WAITS):
        result.left_out[f"bare lmp does not end: {bare['ending']}"] += 1
    elif bare is None or engine is None:
        result.left_out["not run yet"] += 1
    else:
        return bare, engine
    return None


def same_rows(store: Store, names: list[str]) -> tuple[int, int]:
    """How many inputs, run for real, print thermo output on either side, and in how many all rows are the same."""
    pairs = [
        [thermo.rows(store.output(stage, name)) for stage in ("bare-real", "engine-real")]
        for name in names
        if name in store.results["engine-real"]
    ]
    printed = [pair for pair in pairs if any(pair)]
    return len(printed), sum(one == other for one, other in printed)


def _judge(result: Comparison, store: Store, name: str, bare: Found, engine: Found, one: str, other: str) -> None:
    result.compared += 1
    result.both_or_neither += accepted(bare) == accepted(engine)
    if one == other:
        result.same += 1
    else:
        result.differences.append(Difference(name, one, other, cause(store, name, bare, engine)))


def cause(store: Store, name: str, bare: Found, engine: Found) -> str:
    """Why the two sides differ, as far as it follows from what they say."""
    refusal = _REFUSAL.search(engine["message"])
    if refusal:
        return f"{FORBIDDEN}: {refusal[1]}"
    if engine["ending"] == FAULT:
        return "harness fault"
    if bare["ending"] == WAITS:
        return "bare lmp waits for a connection"
    if engine["ending"] in _LIMITS:
        return f"limit of the job: {engine['ending']}"
    again = store.results["bare-again"].get(name)
    if again is not None:
        first, second = (thermo.rows(store.output(stage, name)) for stage in ("bare-real", "bare-again"))
        if (shown(again), second[-1:]) != (shown(bare), first[-1:]):
            return "not reproducible: two runs of bare lmp differ as well"
    return UNEXPLAINED


def false_alarms(store: Store, names: list[str]) -> list[dict[str, Any]]:
    """Errors of the static check where LAMMPS goes on: anywhere in an accepted input, or before the line at which the
    engine's LAMMPS stopped; forbidden commands apart."""
    found = []
    for name in names:
        stopped = store.results["engine-skip"].get(name, {}).get("line")
        all_taken = taken(store, name)
        for one in store.results["check"].get(name, {}).get("findings", []):
            wrong = all_taken or (stopped is not None and one["line"] < stopped)
            if wrong and one["severity"] == "error" and one["code"] != "forbidden":
                found.append({"input": name, **one})
    return found
