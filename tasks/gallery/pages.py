"""What a family's page says, in Markdown, from its tasks, its studies and recorded judgements; nothing is simulated."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from mdevalbench.tasks.gallery import plots
from mdevalbench.tasks.loading import Task
from mdevalbench.tasks.references import StoredReference
from mdevalbench.tasks.schema import Measure, Published
from mdevalbench.tasks.scripts import render_reference, solutions, wrong
from mdevalbench.tasks.studies import StoredStudy, read_studies
from mdevalbench.tasks.verification.judgements import Judgement
from mdevalbench.tasks.verification.published import Comparison, compare_published
from mdevalbench.types import Reference

_LONGEST_REASON = 220


def write_gallery(families: Mapping[str, Sequence[Task]], judgements: Sequence[Judgement], folder: Path) -> None:
    """Write `README.md`, and a page with its pictures for each family, into a folder.

    `judgements` are those of the tasks as they are; a family without any gets a page without its picture of verdicts.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*"):
        if old.suffix in (".md", ".svg"):
            old.unlink()
    for family, tasks in families.items():
        _write_family(family, tasks, [j for j in judgements if j.family == family], folder)
    found = [task for tasks in families.values() for task in tasks]
    index = _template("index.md.j2").render(families=list(_index(families)), summary=_summary(found))
    (folder / "README.md").write_text(index, encoding="utf-8")


def _write_family(family: str, tasks: Sequence[Task], judgements: Sequence[Judgement], folder: Path) -> None:
    if judgements:
        (folder / f"{family}.svg").write_text(plots.verdicts(judgements), encoding="utf-8")
    studies = []
    for name, study in read_studies(tasks[0].folder).items():
        picture = f"{family}.{name}.svg"
        band = next((j.reference for j in judgements if j.task == study.task and j.kind == "reference"), None)
        (folder / picture).write_text(plots.study(study, band), encoding="utf-8")
        studies.append({"about": study.about, "picture": picture, "text": _study(study, band)})
    spec, shown = tasks[0].spec, tasks[0]
    text = _template("family.md.j2").render(
        family=family,
        title=spec.title,
        version=spec.version,
        level=", ".join(sorted({task.level for task in tasks})),
        observable=", ".join(dict.fromkeys(task.observable for task in tasks)),
        unit=", ".join(dict.fromkeys(task.unit for task in tasks)),
        stochastic=spec.stochastic,
        description=spec.description.strip(),
        tasks=[_row(cells) for cells in _tasks(tasks)],
        sources=[(task.instance.id, _source(task.instance.published)) for task in tasks if task.instance.published],
        shown={
            "id": shown.id,
            "prompt": shown.prompt.strip(),
            "script": render_reference(shown),
            "result": _result(shown),
            "basis": _basis(shown),
        },
        solutions=[(variant.name, variant.about) for variant in solutions(shown)],
        measures=[_measure(way) for way in spec.measure],
        judged=len(judgements),
        tolerance=list(_tolerance(tasks, judgements)),
        studies=studies,
        mistakes=[_row(cells) for cells in _mistakes(shown, judgements)],
    )
    (folder / f"{family}.md").write_text(text, encoding="utf-8")


def _template(name: str) -> Any:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent), undefined=StrictUndefined, trim_blocks=True, autoescape=False
    )
    environment.filters["quote"] = lambda text: "\n".join(f"> {line}".rstrip() for line in text.splitlines())
    return environment.get_template(name)


def _row(cells: Sequence[str]) -> list[str]:
    """Cells of a table: no line breaks, no bars."""
    return [" ".join(cell.split()).replace("|", "\\|") for cell in cells]


def _index(families: Mapping[str, Sequence[Task]]) -> Iterator[list[str]]:
    for family, tasks in families.items():
        yield _row(
            [
                f"[{tasks[0].spec.title}]({family}.md)",
                ", ".join(sorted({task.level for task in tasks})),
                ", ".join(f"`{name}`" for name in dict.fromkeys(task.observable for task in tasks)),
                str(len(tasks)),
                ", ".join(dict.fromkeys(m for task in tasks for m in task.materials)),
                ", ".join(dict.fromkeys(task.pair_style for task in tasks)),
            ]
        )


def _summary(tasks: Sequence[Task]) -> str:
    materials = {material for task in tasks for material in task.materials}
    styles = {task.pair_style for task in tasks}
    levels = ", ".join(f"{sum(task.level == level for task in tasks)} {level}" for level in ("L1", "L2", "L3"))
    return f"{len(tasks)} tasks ({levels}), {len(materials)} materials, {len(styles)} pair styles."


def _tasks(tasks: Sequence[Task]) -> Iterator[list[str]]:
    published = {comparison.task: comparison for comparison in compare_published(tasks)[0]}
    for task in tasks:
        reference = task.reference
        value = f"{reference.value:.6g}{_plus_minus(reference)} {reference.unit}" if reference else "none yet"
        known = published.get(task.id)
        yield [
            f"`{task.instance.id}`",
            task.level,
            ", ".join(task.materials),
            task.pair_style,
            value,
            _published(known) if known else "",
            f"{known.deviation:+.2g}" if known else "",
        ]


def _published(known: Comparison) -> str:
    return f"{known.value:.6g}" + ("" if known.published.checked else " (not checked)")


def _source(published: Published) -> str:
    """Where a published value stands, and why the reference is not the same."""
    parts = [published.source.strip().rstrip("."), published.explanation.strip().rstrip(".")]
    return ". ".join(part for part in parts if part) + "."


def _result(task: Task) -> str:
    value = f"{task.reference.value:.6g}" if task.reference else "?"
    return f"RESULT {task.observable} = {value} {task.unit}"


def _basis(task: Task) -> str:
    reference = task.reference
    if reference is None:
        return "not measured yet"
    runs = f"{len(reference.seeds)} seeds" if len(reference.seeds) > 1 else "one run, which depends on no seed"
    scatter = f"{_plus_minus(reference).strip()}; " if _plus_minus(reference) else ""
    return f"{scatter}{runs}, {reference.natoms} atoms, LAMMPS {reference.lammps}"


def _plus_minus(reference: StoredReference) -> str:
    """The standard uncertainty where it shows in six digits."""
    return f" ± {reference.uncertainty:.1g}" if reference.uncertainty > 1e-7 * abs(reference.value) else ""


def _measure(way: Measure) -> str:
    select = way.select
    stages = "every stage" if select.role == "all" else f"the {select.role} stage"
    kind = {"static": "at rest", "any": "of any kind"}.get(select.kind, f"of {select.kind}")
    ensemble = f" in {' or '.join(e.upper() for e in select.ensemble)}" if select.ensemble else ""
    return f"`{way.estimator}` over {stages} {kind}{ensemble}"


def _tolerance(tasks: Sequence[Task], judgements: Sequence[Judgement]) -> Iterator[str]:
    compare, shown = tasks[0].spec.compare, tasks[0]
    if compare.kind == "upper-bound":
        yield f"The value may not exceed {compare.bound:g} {shown.unit}, as the prompt says."
        return
    yield (
        "A value m is accepted within the 99 % interval of reference and run together: t(0.995, ν) √(u_ref² + u_run²), "
        f"where the run's own uncertainty u_run counts up to {compare.max_uncertainty:g} {shown.unit} "
        f"(for `{shown.id}`)."
    )
    if compare.floor:
        yield f"At least {compare.floor:g} {shown.unit} are allowed. {compare.floor_reason.strip()}"
    if law := compare.size_law:
        yield f"The reference follows the size of the system as N^{law.exponent:.3g}, measured at two sizes."
    if shown.reference is not None and len(shown.reference.seeds) > 1:
        spread = statistics.stdev(run.value for run in shown.reference.seeds)
        yield (
            f"{len(shown.reference.seeds)} seeds of the reference script of `{shown.id}` scatter by {spread:.2g} "
            f"{shown.unit} (standard deviation)."
        )
    used = [
        abs(j.measured.value - j.reference.value) / j.reference.tolerance
        for j in judgements
        if j.right and j.measured is not None and j.reference.tolerance > 0
    ]
    rejected = sum(not j.passed for j in judgements if j.right)
    accepted = sum(j.passed for j in judgements if not j.right)
    if used:
        yield (
            f"{sum(j.right for j in judgements)} right runs were judged and {rejected} rejected; the median one used "
            f"{statistics.median(used):.0%} of the tolerance, the farthest {max(used):.0%}. "
            f"Of {sum(not j.right for j in judgements)} wrong ones, {accepted} were accepted."
        )


def _study(study: StoredStudy, band: Reference | None) -> str:
    text = f"`{study.task}`: {study.observable.replace('_', ' ')} against {study.about}"
    seeds = {run.seed for run in study.runs}
    text += f", {len(study.runs)} runs" + (f" with {len(seeds)} seeds" if len(seeds) > 1 else "")
    text += f"; the dotted line is the reference's own value ({study.usual:g})" if study.usual is not None else ""
    text += "; the band is what is accepted." if band is not None else "."
    unmeasured = {run.value: run.reason for run in study.runs if run.measured is None}
    for value, reason in unmeasured.items():
        text += f" At {value:g} nothing could be measured: {reason}."
    return text


def _mistakes(shown: Task, judgements: Sequence[Judgement]) -> Iterator[list[str]]:
    """Each wrong script with the judge's first reason, of the task that is shown if it was judged."""
    for variant in wrong(shown):
        found = [j for j in judgements if j.kind == "wrong" and j.name == variant.name]
        found.sort(key=lambda j: j.task != shown.id)
        reason = found[0].reasons[0] if found and found[0].reasons else "not judged yet" if not found else "accepted"
        if len(reason) > _LONGEST_REASON:
            reason = reason[:_LONGEST_REASON].rsplit(" ", 1)[0] + " …"
        yield [variant.name.replace("_", " "), variant.about.removeprefix("wrong: "), reason]
