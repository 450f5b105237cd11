"""The conditions of a task in words, for `mdevalbench tasks show`."""

from __future__ import annotations

from collections.abc import Iterator

from mdevalbench.cli.output import with_uncertainty
from mdevalbench.tasks import Task
from mdevalbench.tasks.schema import Near, Select


def conditions(task: Task) -> Iterator[tuple[str, str]]:
    """(name, text) of all that decides a verdict, in the order in which a reader asks."""
    spec, validity = task.spec, task.spec.validity
    yield "observable", f"{task.observable} in {task.unit}: {spec.description.strip()}"
    yield "reference", _reference(task)
    if published := task.instance.published:
        remembered = "" if published.checked else ", not checked"
        yield "published", f"{published.value:g} {published.unit} ({published.source}{remembered})"
    yield "tolerance", _tolerance(task)
    for number, way in enumerate(spec.measure):
        yield "measured by" if number == 0 else "or by", f"{way.estimator.replace('_', ' ')}, {_select(way.select)}"
    mixture = ", ".join(f"{fraction:.3g} {element}" for element, fraction in validity.composition.items())
    yield "system", f"{mixture}; {validity.atoms[0]} to {validity.atoms[1]} atoms" + "; periodic" * validity.periodic
    yield "potential", " / ".join([spec.potential.pair_style, *spec.potential.pair_coeff])
    if validity.max_timestep is not None:
        yield "time step", f"at most {validity.max_timestep:g}"
    if validity.fixes:
        yield "may act", ", ".join(validity.fixes)
    yield "limits", f"{spec.limits.cpu_seconds:g} CPU seconds, {spec.limits.memory_bytes / 2**20:.0f} MiB of memory"


def _reference(task: Task) -> str:
    if (found := task.reference) is None:
        return "none yet: mdevalbench tasks reference"
    runs = f"{len(found.seeds)} seeds" if len(found.seeds) > 1 else "1 run"
    value = with_uncertainty(found.value, found.uncertainty)
    return f"{value} {found.unit} ({runs}, {found.natoms} atoms, LAMMPS {found.lammps}, {found.date})"


def _tolerance(task: Task) -> str:
    compare = task.spec.compare
    if compare.kind == "upper-bound":
        return f"not above {compare.bound:g} {task.unit}"
    reason = f" ({compare.floor_reason.strip()})" if compare.floor else ""
    return f"99 % interval of run and reference, at least {compare.floor:g} {task.unit}{reason}"


def _select(select: Select) -> str:
    stages = {"dynamics": "dynamics", "minimisation": "minimisation", "static": "minimisation or `run 0`"}
    words = ["all stages"]
    if select.kind in stages:
        words = [f"{'every' if select.role == 'all' else select.role} stage of {stages[select.kind]}"]
    words += [f"ensemble {' or '.join(e.upper() for e in select.ensemble)}"] if select.ensemble else []
    for name, near in (("T", select.temperature), ("P", select.pressure), ("density", select.density)):
        words += [f"{name} = {_near(near)}"] if near else []
    words += [f"at least {select.min_time:g} time units"] if select.min_time else []
    return ", ".join(words)


def _near(near: Near) -> str:
    return f"{near.value:g} ± {near.within:g}"
