"""The tools of a tool-calling model, and of any coding agent over the Model Context Protocol: one set of functions.

Every tool takes plain values and returns text. What it cannot do it says as `UsageError`, whose words are for the
model; a fault of the harness is raised as what it is.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import wraps
from inspect import iscoroutinefunction
from pathlib import Path
from typing import Any, Literal

from markupsafe import Markup

from mdevalbench.agent.evaluator import evaluate
from mdevalbench.agent.lookup import look_up
from mdevalbench.agent.pictures import curve_svg, standalone, structure_svg, view
from mdevalbench.agent.problem import from_check, from_run, from_warnings
from mdevalbench.agent.seen import seen, series
from mdevalbench.agent.structures import as_data_file, build, file_name
from mdevalbench.agent.trajectory import Reached, Round
from mdevalbench.agent.watching import Watch, unwatched
from mdevalbench.agent.wish import understand
from mdevalbench.errors import Unmeasured, UsageError
from mdevalbench.lammps import potentials
from mdevalbench.lammps.check import check, render
from mdevalbench.lammps.executor import Executor
from mdevalbench.lammps.job import Job, Run
from mdevalbench.observables.catalogue import estimators
from mdevalbench.observables.estimator import Context, get_estimator
from mdevalbench.observables.select import Selection, select
from mdevalbench.types import Limits

Quantity = Literal["temperature", "pressure", "energy", "volume", "structure"]
Which = Literal["last", "longest", "all"]
Kind = Literal["dynamics", "minimisation", "static", "any"]
MOST_LINES = 400
MOST_CPU_SECONDS = 120.0
"""of one run"""


@dataclass
class Toolbox:
    """Tools on one workplace: the structures that were built, and the last run."""

    executor: Executor
    folder: Path
    """where pictures and structures are written"""
    request: str = ""
    """what the user wants, for the evaluation of runs"""
    given: Mapping[str, str] = field(default_factory=dict)
    """files that lie in the folder of every run"""
    watch: Watch = unwatched
    """called with the number of each call of a tool, and its name"""
    calls: int = 0
    cpu_seconds: float = math.inf
    """for all runs together"""
    files: dict[str, str] = field(default_factory=dict)
    last: Run | None = None
    rounds: list[Round] = field(default_factory=list)
    """one for each script that was run"""

    def check_script(self, script: str) -> str:
        """Read a LAMMPS script without running it: unknown commands and styles, missing files, with suggested edits.

        Args:
            script: the whole input script.
        """
        found = check(script, files={**self.given, **self.files})
        problems = from_check(script, found)
        shown = [*(one.told(script) for one in problems), render((d for d in found if d.severity == "warning"), script)]
        return "\n\n".join(filter(None, shown)) or "Nothing to object to."

    async def run_script(self, script: str, cpu_seconds: float = 60.0) -> str:
        """Run a LAMMPS script in the sandbox, and look at its physics. Structures that were built lie in its folder.

        Args:
            script: the whole input script.
            cpu_seconds: where to stop it, at most 120.
        """
        if not script.strip():
            raise UsageError("the script is empty")
        left = self.cpu_seconds - sum(one.cpu_seconds for one in self.rounds)
        if left <= 0:
            raise UsageError(f"the {self.cpu_seconds:g} CPU seconds for runs are used up: submit the best script")
        limits = Limits(cpu_seconds=min(max(cpu_seconds, 1.0), MOST_CPU_SECONDS, max(left, 0.1)))
        files = {**self.given, **self.files}
        job = Job(script, limits, files={name: content.encode() for name, content in files.items()})
        run = await self.executor.arun(job)
        self.last = run
        problem = from_run(script, run, limits) or from_warnings(script, run)
        found = () if problem else evaluate(understand(self.request), script, run)
        lines = [f"It ran to its end in {run.cpu_seconds:.1f} CPU seconds."]
        lines += [f"{one.state}: {one.told(script)}" for one in found]
        told = problem.told(script) if problem else "\n".join(lines)
        self.rounds.append(
            Round(
                number=len(self.rounds) + 1,
                completion=as_answer(script, self.files),
                script=script,
                files=files,
                reached=Reached.RUN if problem else Reached.EVALUATION,
                problems=(problem,) if problem else (),
                findings=found,
                told=told,
                cpu_seconds=run.cpu_seconds,
                seconds=run.wall_seconds,
                **seen(run),
            )
        )
        return told

    def read_output(self, first_line: int = 1, lines: int = 100) -> str:
        """Read what LAMMPS printed in the last run.

        Args:
            first_line: the first one to show, from 1.
            lines: how many to show, at most 400.
        """
        output = self._run().output.splitlines()
        if not 1 <= first_line <= max(len(output), 1) or lines < 1:
            raise UsageError(f"the output has {len(output)} lines; ask for some of them")
        shown = output[first_line - 1 : first_line - 1 + min(lines, MOST_LINES)]
        return "\n".join([*shown, f"({len(output)} lines in all)"])

    def find_potentials(self, elements: str = "", style: str = "") -> str:
        """List potential files that LAMMPS comes with.

        Args:
            elements: chemical symbols that a file has to hold all of, such as "Ni Al"; empty for any.
            style: pair style that reads it, such as eam/alloy; empty for any.
        """
        wanted = set(elements.replace(",", " ").split())
        found = [
            one
            for one in potentials.shipped().values()
            if wanted <= set(one.elements) and (not style or one.style == style)
        ]
        lines = [f"{one.name}: pair_style {one.style or '?'}; {' '.join(one.elements) or '?'}" for one in found]
        return "\n".join(lines) or f"LAMMPS comes with no potential for {elements} {style}".strip()

    def describe_potential(self, name: str) -> str:
        """Tell what a potential file says of itself: pair style, elements, units, date, citation.

        Args:
            name: of the file, such as Cu_mishin1.eam.alloy.
        """
        one = potentials.find(name)
        if one is None:
            near = ", ".join(potentials.nearest(name))
            raise UsageError(f"LAMMPS comes with no potential file {name!r}" + (f"; there are {near}" if near else ""))
        facts = {
            "pair style": one.style, "elements": " ".join(one.elements), "units": one.units, "date": one.date,
            "citation": one.citation, "first line": one.comment,
        }  # fmt: skip
        return "\n".join([one.name, *(f"{what}: {value or 'not said'}" for what, value in facts.items())])

    def look_up(self, topic: str) -> str:
        """Tell what the installed LAMMPS, its manual and notes on its use say of something.

        Args:
            topic: a command, a style such as "fix nvt", or a few words.
        """
        return look_up(topic)

    def list_observables(self) -> str:
        """List what can be measured from the last run, and how."""
        return "\n".join(f"{one.name}: {one.summary}" for one in estimators())

    def measure(self, observable: str, stage: Which = "last", kind: Kind = "dynamics") -> str:
        """Measure an observable of `list_observables` from what was recorded in the last run.

        Args:
            observable: its name.
            stage: the last or the longest stage of the kind, or all of them.
            kind: dynamics, minimisation, static (minimisations and runs of no steps), any.
        """
        evidence = self._run().evidence
        estimate = get_estimator(observable)
        try:
            segments = select(evidence, Selection(kind=kind, role=stage))
            found = estimate(segments, Context(evidence, segments[0].settings.units))
        except Unmeasured as why:
            return f"It cannot be measured: {why}"
        except TypeError as error:
            raise UsageError(f"{observable} needs options that only a task gives: {error}") from error
        return f"{observable} = {found.value:.6g} ± {found.uncertainty:.2g} {found.unit} ({found.how})"

    def plot(self, quantity: Quantity) -> str:
        """Draw a course along the last run, or the structure at its end, as an SVG file.

        Args:
            quantity: temperature, pressure, energy (potential, per atom), volume (per atom), or structure.
        """
        run = self._run()
        if quantity == "structure":
            last = view(run.evidence.final)
            drawing = structure_svg(last) if last else Markup()
        else:
            courses = series(run)
            drawing = curve_svg(courses.get("time", ()), courses.get(quantity, ()))
        if not drawing:
            what = "atoms" if quantity == "structure" else "dynamics"
            raise UsageError(f"the last run has no {what} to draw")
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / f"{quantity}.svg"
        path.write_text(standalone(drawing), encoding="utf-8")
        return f"drawn into {path}"

    def build_structure(
        self,
        formula: str,
        name: str = "structure.data",
        crystal: str = "",
        lattice_constant: float | None = None,
        repeat: tuple[int, int, int] = (1, 1, 1),
        vacuum: float = 0.0,
    ) -> str:
        """Build a crystal, a slab or a molecule as a data file, which scripts then read with `read_data`.

        Args:
            formula: element or compound (Cu, NaCl), or a molecule (H2O).
            name: of the file.
            crystal: fcc, bcc, hcp, diamond, zincblende, rocksalt, ...; empty for an element's own.
            lattice_constant: in angstrom; empty for an element's own.
            repeat: cells along x, y and z.
            vacuum: angstrom of empty space on both sides along z, for a slab.
        """
        atoms = build(formula, crystal, lattice_constant, repeat, vacuum)
        text = as_data_file(atoms)
        self.files[file_name(name)] = text
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / name).write_text(text, encoding="utf-8")
        kinds = list(dict.fromkeys(atoms.get_chemical_symbols()))
        types = ", ".join(f"type {number} {symbol}" for number, symbol in enumerate(kinds, 1))
        return f"{name}: {len(atoms)} atoms, {types}; read it with `read_data {name}` in units metal"

    def _run(self) -> Run:
        if self.last is None:
            raise UsageError("no script was run yet: use run_script first")
        return self.last


def as_answer(script: str, files: Mapping[str, str]) -> str:
    """A script as an answer, with the files that it names, from which `mdevalbench.extract` takes them again."""
    read = {name: content for name, content in files.items() if name in script}
    blocks = [f"```lammps\n{script.rstrip()}\n```", *(f"{name}:\n```\n{text}\n```" for name, text in read.items())]
    return "\n\n".join(blocks)


def tools(box: Toolbox) -> tuple[Callable[..., object], ...]:
    """All tools of a toolbox, as functions with docstrings and types."""
    return (
        box.check_script,
        box.run_script,
        box.read_output,
        box.find_potentials,
        box.describe_potential,
        box.look_up,
        box.list_observables,
        box.measure,
        box.plot,
        box.build_structure,
    )


def told(box: Toolbox, tool: Callable[..., Any], refusal: type[Exception]) -> Callable[..., Any]:
    """A tool whose usage errors are raised as `refusal`, whose words go to the model; faults stay what they are."""

    @wraps(tool)
    async def call(**arguments: Any) -> str:
        box.calls += 1
        box.watch(box.calls, tool.__name__)
        try:
            said = await tool(**arguments) if iscoroutinefunction(tool) else tool(**arguments)
        except UsageError as error:
            raise refusal(str(error)) from error
        return str(said)

    return call
