"""The summary of a sweep: a dictionary for JSON, and Markdown."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from typing import Any

from fidelity import compare, thermo
from fidelity.store import Store


def summary(store: Store, names: list[str], real_seconds: float) -> dict[str, Any]:
    """All figures and lists."""
    skip, real = compare.endings(store, names), compare.last_rows(store, names)
    printed, same_rows = compare.same_rows(store, names)
    bare = {name: found for name, found in store.results["bare-skip"].items() if name in set(names)}
    return {
        "inputs": len(names),
        "static": _static(store, names),
        "refused by bare lmp, for want of": dict(
            Counter(compare.need(found) for found in bare.values() if not compare.accepted(found)).most_common()
        ),
        "skiprun": _comparison(skip),
        "real": {
            "longest, CPU seconds of bare lmp": real_seconds,
            **_comparison(real),
            "with thermo output": printed,
            "of these every row the same": same_rows,
            "columns left out": list(thermo.CLOCKS),
        },
    }


def _comparison(one: compare.Comparison) -> dict[str, Any]:
    return {
        "compared": one.compared,
        "same": one.same,
        "completed on both sides or on neither": one.both_or_neither,
        "percent": round(one.percent, 2),
        "percent, forbidden commands apart": round(one.percent_allowed, 2),
        "not compared": dict(one.left_out),
        "causes": dict(Counter(difference.cause for difference in one.differences).most_common()),
        "differences": [asdict(difference) for difference in one.differences],
    }


def _static(store: Store, names: list[str]) -> dict[str, Any]:
    checks, bare = store.results["check"], store.results["bare-skip"]
    both = [name for name in names if name in checks and name in bare]
    taken = [name for name in both if compare.taken(store, name)]
    alarms = compare.false_alarms(store, names)
    errors = {name: {one["code"] for one in checks[name]["findings"] if one["severity"] == "error"} for name in both}
    forbidden = [name for name in taken if "forbidden" in errors[name]]
    return {
        "compared": len(both),
        "accepted by LAMMPS": len(taken),
        "of these accepted by the check": sum(not errors[name] for name in taken),
        "of these with forbidden commands": forbidden,
        "false alarms": alarms,
        "refused by LAMMPS": len(both) - len(taken),
        "of these refused by the check": sum(bool(errors[name]) for name in both if name not in taken),
    }


def markdown(figures: dict[str, Any]) -> str:
    """The summary for people."""
    static = figures["static"]
    lines = [f"# {figures['inputs']} inputs", "", "## Static check against what LAMMPS accepts", ""]
    lines += _table(("", "inputs"), [(key, len(v) if isinstance(v, list) else v) for key, v in static.items()])
    columns = ("input", "line", "code", "message")
    lines += _table(columns, [tuple(alarm[column] for column in columns) for alarm in static["false alarms"]])
    forbidden = [(name,) for name in static["of these with forbidden commands"]]
    lines += _table(("accepted by LAMMPS, with forbidden commands",), forbidden)
    lines += _table(("refused by bare lmp, for want of", "inputs"), figures["refused by bare lmp, for want of"].items())
    for key, title in (("skiprun", "Engine against bare lmp, -skiprun"), ("real", "Engine against bare lmp, for real")):
        part = figures[key]
        lines += ["", f"## {title}", ""]
        lines += _table(("", ""), [(k, v) for k, v in part.items() if not isinstance(v, dict | list)])
        lines += _table(("not compared", "inputs"), part["not compared"].items())
        lines += _table(("why they differ", "inputs"), part["causes"].items())
        lines += _table(("input", "bare", "engine", "cause"), [tuple(d.values()) for d in part["differences"]])
    return "\n".join(lines) + "\n"


def _table(head: tuple[str, ...], rows: Any) -> list[str]:
    body = ["| " + " | ".join(_cell(value) for value in row) + " |" for row in rows]
    if not body:
        return []
    return ["", "| " + " | ".join(head) + " |", "|" + " --- |" * len(head), *body]


def _cell(value: object) -> str:
    text = str(value).replace("|", "\\|").replace("\n", " ")
    return text if len(text) <= 200 else f"{text[:199]}…"
