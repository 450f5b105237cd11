"""The leaderboard as a folder of pages that need no server: open `index.html`, or put the folder on any web space.

Nothing is fetched from elsewhere, not even a font: pages hold their styles and their script, and link to each other.
"""

from __future__ import annotations

import csv
import io
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment
from markupsafe import Markup

from mdevalbench import __version__
from mdevalbench.errors import UsageError
from mdevalbench.leaderboard.forest import forest_svg
from mdevalbench.leaderboard.report import templates
from mdevalbench.leaderboard.results import FOLDER, Result, read_results
from mdevalbench.leaderboard.standings import OURS, TITLES, Row, by_group, claims, parts, rows
from mdevalbench.scorers.metrics import Interval, mean_interval
from mdevalbench.tasks import load_family, load_suite

MARK = ".mdevalbench-leaderboard"
"""a file that tells a folder which may be replaced"""


def build(output: Path, results: Path = FOLDER) -> list[str]:
    """Write the site into `output`, in place of an earlier one; returns remarks for the user.

    Raises UsageError if there are no results, one is broken, or the folder holds something else.
    """
    found = read_results(results)
    if not found:
        raise UsageError(f"{results} holds no results: `mdevalbench leaderboard add LOG` makes them")
    if output.exists() and not (output / MARK).is_file() and (not output.is_dir() or any(output.iterdir())):
        raise UsageError(f"{output} holds something else: give another --output")
    standings = rows(found)
    part = output.with_name(f"{output.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    (part / MARK).touch()
    _pages(part, found, standings)
    remarks = _tables(part, standings)
    shutil.rmtree(output, ignore_errors=True)
    part.replace(output)
    return remarks


def _pages(folder: Path, results: Sequence[Result], standings: Sequence[Row]) -> None:
    environment = _environment()
    keys = _ordered(standings)
    common = {
        "version": __version__,
        "titles": TITLES,
        "lammps": next((result.lammps for result in results if result.lammps), None),
        "date": max(result.added for result in results)[:10],
    }
    families = _families(standings)
    index = {
        "rows": standings,
        "keys": keys,
        "plots": {key: _plot(standings, key) for key in OURS},
        "parts": parts(results),
        "claims": claims(),
        "families": {family: load_family(family)[0].spec.title for family in families},
        "root": "",
    }
    _write(folder / "index.html", environment, "index.html.j2", common | index)
    for row in standings:
        groups = {key: by_group(cell.result) for key, cell in row.cells.items()}
        own = [claim for claim in claims() if row.card and claim.name == row.card.name]
        page = {"row": row, "groups": groups, "claims": own, "root": "../"}
        _write(folder / "models" / f"{row.slug}.html", environment, "model.html.j2", common | page)
    for family, entries in families.items():
        spec = load_family(family)[0].spec
        page = {"family": family, "spec": spec, "entries": entries, "root": "../"}
        _write(folder / "families" / f"{family}.html", environment, "family.html.j2", common | page)


def _plot(standings: Sequence[Row], key: str) -> Markup:
    return forest_svg([(row.name, row.cells[key].interval) for row in standings if key in row.cells])


def _ordered(standings: Sequence[Row]) -> list[str]:
    """Columns of the table: suites in their order, English first."""
    there = {key for row in standings for key in row.cells}
    first = [suite for suite in TITLES if suite in there]
    return [*first, *sorted(there - set(first))]


def _families(standings: Sequence[Row]) -> dict[str, list[tuple[Row, Interval | None, Interval | None]]]:
    """Family -> models on it, best first: physics success and reward."""
    found: dict[str, list[tuple[Row, Interval | None, Interval | None]]] = {}
    for family in dict.fromkeys(task.family for task in load_suite(OURS[0])):
        entries = [
            (row, mean_interval(result.trials("physics", family)), mean_interval(result.trials("reward", family)))
            for row in standings
            if OURS[0] in row.cells and family in (result := row.cells[OURS[0]].result).groups.values()
        ]
        found[family] = sorted(entries, key=lambda entry: -(entry[1].mean if entry[1] else -1.0))
    return found


def _environment() -> Environment:
    environment = templates("templates/site")
    environment.globals["css"] = _source("report.css") + _source("site/site.css")
    environment.globals["script"] = _source("site/site.js")
    return environment


def _source(name: str) -> str:
    return (Path(__file__).parent / "templates" / name).read_text(encoding="utf-8")


def _write(path: Path, environment: Environment, template: str, names: dict[str, Any]) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(environment.get_template(template).render(**names), "utf-8", "replace")


COLUMNS = (
    *("model", "provider_string", "access", "parameters", "suite", "language", "metric", "value", "low", "high"),
    *(
        "tasks",
        "epochs",
        "at_k",
        "composite",
        "input_tokens",
        "output_tokens",
        "dollars",
        "lammps_seconds",
        "working_seconds",
        "lammps",
    ),
    *("mdevalbench", "judged_again", "created"),
)


def _tables(folder: Path, standings: Sequence[Row]) -> list[str]:
    """The same numbers as CSV and Parquet, one line for a model on a suite."""
    lines = [_line(row, key) for row in standings for key in row.cells]
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(lines)
    (folder / "leaderboard.csv").write_text(text.getvalue(), encoding="utf-8")
    try:
        import pandas

        pandas.DataFrame(lines, columns=list(COLUMNS)).to_parquet(folder / "leaderboard.parquet", engine="pyarrow")
    except ImportError:
        return ["leaderboard.parquet is left out: pip install pyarrow"]
    return []


def _line(row: Row, key: str) -> dict[str, Any]:
    cell, result = row.cells[key], row.cells[key].result
    interval = cell.interval
    return {
        "model": row.name,
        "provider_string": row.model,
        "access": row.card.access if row.card else None,
        "parameters": row.card.parameters if row.card else None,
        "suite": cell.suite,
        "language": cell.language,
        "metric": cell.column,
        **{name: round(getattr(interval, name), 4) if interval else None for name in ("low", "high")},
        "value": round(interval.mean, 4) if interval else None,
        "tasks": len(result.answers),
        "at_k": round(cell.at_k.mean, 4) if cell.at_k else None,
        "composite": round(row.composite.mean, 4) if row.composite else None,
        **{name: getattr(result, name) for name in ("epochs", "input_tokens", "output_tokens", "dollars")},
        **{
            name: getattr(result, name)
            for name in ("lammps_seconds", "working_seconds", "lammps", "mdevalbench", "created")
        },
        "judged_again": result.verified.answers,
    }
