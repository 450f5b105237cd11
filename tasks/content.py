"""Checks of a family's content that need no LAMMPS: what a reader of the YAML and the templates would object to."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator, Sequence
from math import floor, log10

from mdevalbench.errors import TaskError, UsageError
from mdevalbench.lammps import install, styles
from mdevalbench.observables import get_estimator
from mdevalbench.tasks.drawn.drawing import DrawnTask, draw
from mdevalbench.tasks.loading import Task
from mdevalbench.tasks.scripts import Variant, mutations, reference, render_reference, solutions, wrong
from mdevalbench.tasks.source import did_you_mean

_COMMANDS = re.compile(
    r"\b(?:(?:pair|bond|angle|dihedral|improper|kspace|atom|thermo|run|min|comm)_style"
    r"|(?:pair|bond|angle|dihedral|improper)_coeff"
    r"|(?:thermo|fix|compute|dump|pair|kspace|atom|neigh|min|comm|timer)_modify"
    r"|(?:create|delete|displace)_(?:atoms|box|bonds)|change_box|reset_\w+|(?:read|write)_(?:data|dump|restart)"
    r"|box/relax|ave/(?:time|correlate|chunk|histo)\w*"
    r"|(?:fix|compute|velocity|dump)\s+\S+\s+all\s+[a-z]\S*|velocity\s+all\s+[a-z]+)\b"
)
_CODE = re.compile(r"`+(?:\w*\n)?([^`]+)`+")
_COMMAND_WORDS = frozenset(
    "units boundary lattice region group mass velocity fix unfix compute variable timestep thermo run minimize dump "
    "neighbor neighbour set replicate include label jump next if print clear log shell".split()
)
_NUMBER = re.compile(r"(?<![\w.])[-+]?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?")


def content_problems(task: Task) -> list[str]:
    """What is wrong with a task, in plain words; empty if nothing is. Reference values are not asked for."""
    drawn = isinstance(task, DrawnTask)
    try:
        scripts = [reference(task), *solutions(task), *wrong(task), *mutations(task)]
    except TaskError as error:
        return [str(error)]
    return [*_spec(task), *_measuring(task), *_prompt(task), *_seed(task)] + (
        [] if drawn else [*_scripts(task, scripts), *_train(task)]
    )


def _spec(task: Task) -> Iterator[str]:
    compare = task.spec.compare
    at = task.source.at
    if compare.floor > 0 and len(compare.floor_reason.split()) < 3:
        yield f"{at(('compare', 'floor_reason'))}: say why a deviation of {compare.floor:g} {task.unit} is no mistake"
    if compare.kind == "upper-bound" and compare.bound is None:
        yield f"{at(('compare', 'bound'))}: is missing; an upper bound needs the value that is not to be exceeded"
    published = task.instance.published
    for name, study in task.spec.studies.items():
        if study.vary not in task.layers:
            near = did_you_mean(study.vary, task.layers)
            yield f"{at(('studies', name, 'vary'))}: {study.vary!r} is neither in the recipe nor a parameter{near}"
    if published and len(published.source.split()) < 3:
        yield f"{task.id}: published: give the source: authors, journal, year, equation or table, DOI"
    if task.spec.validity.atoms[0] > task.spec.validity.atoms[1]:
        yield f"{at(('validity', 'atoms'))}: the least number of atoms is larger than the largest"


def _measuring(task: Task) -> Iterator[str]:
    spec, at = task.spec, task.source.at
    for number, way in enumerate(spec.measure):
        try:
            inspect.signature(get_estimator(way.estimator)).bind(None, None, **way.options)
        except UsageError as error:
            yield f"{at(('measure', number, 'estimator'))}: {error}"
        except TypeError as error:
            yield f"{at(('measure', number, 'options'))}: do not fit the estimator {way.estimator}: {error}"
    world, known = spec.world, {name for way in spec.measure for name in way.options}
    for name in world.options.keys() - known:
        yield f"{at(('world', 'options', name))}: is no option of `measure`{did_you_mean(name, known)}"
    if (world.length, world.energy, world.pair_coeff) == (1.0, 1.0, None):
        yield f"{at(('world',))}: changes nothing; give `length` and `energy` factors or `pair_coeff`"
    elif world.pair_coeff is None and not spec.potential.files:
        yield f"{at(('world',))}: the potential has no files to scale; change `pair_coeff` instead"
    shipped = install.potentials_folder()
    yield from _pair_style(task)
    yield from _world(task)
    for name in spec.potential.files:
        if not (shipped / name).is_file():
            near = did_you_mean(name, (path.name for path in shipped.iterdir()))
            yield f"{at(('potential', 'files'))}: LAMMPS ships no potential file {name!r}{near}"


def _pair_style(task: Task) -> Iterator[str]:
    style, known = task.pair_style, styles.installed()
    if not known.knows("pair", style):
        near = did_you_mean(style, known.nearest("pair", style))
        yield f"{task.source.at(('potential', 'pair_style'))}: LAMMPS knows no pair style {style!r}{near}"


def _world(task: Task) -> Iterator[str]:
    """A rule for `pair_coeff` that meets no number of the potential leaves the simulation as it is."""
    world, potential = task.spec.world, task.spec.potential
    change, files_change = world.pair_coeff, (world.length, world.energy) != (1.0, 1.0) and potential.files
    if change is None or files_change:
        return
    hybrid = task.pair_style.startswith("hybrid")
    for line in potential.pair_coeff:
        words = line.split()[2:]
        style, numbers = (words[0], words[1:]) if hybrid and words else (task.pair_style, words)
        if style.startswith(change.style) and all(_is_number(numbers, position) for position in change.factors):
            return
    yield (
        f"{task.source.at(('world', 'pair_coeff'))}: changes no number of the potential: `style` must be the beginning "
        f"of {task.pair_style!r}, and `factors` count the numbers behind the two atom types, from 1"
    )


def _is_number(words: Sequence[str], position: int) -> bool:
    return 1 <= position <= len(words) and bool(_NUMBER.fullmatch(words[position - 1]))


def _prompt(task: Task) -> Iterator[str]:
    where, text = task.folder / "prompt.md.j2", task.prompt
    if found := _COMMANDS.search(text):
        yield f"{where}: gives a LAMMPS command away: {found[0]!r}"
    for code in _CODE.findall(text):
        if code.split() and code.split()[0] in _COMMAND_WORDS:
            yield f"{where}: gives a LAMMPS command away: {code.strip()!r}"
    if not re.search(rf"RESULT\s+{task.observable}\s*=", text):
        yield f"{where}: must say what to report: `RESULT {task.observable} = <number> {task.unit}`"
    for name in (*task.spec.potential.files, *task.spec.files):
        if name not in text:
            yield f"{where}: must name the file {name}"
    if task.reference is not None and task.spec.compare.kind == "two-sided":
        answers = [task.reference.value] + ([task.instance.published.value] if task.instance.published else [])
        for number in sorted({n for n in _NUMBER.findall(text) if any(_tells(n, a) for a in answers)}):
            yield f"{where}: gives the answer away: {number}"


def _tells(number: str, answer: float) -> bool:
    """Whether a number in a prompt is the answer, rounded to the digits that the number has (at least three)."""
    digits = len(re.sub(r"[eE].*|\D", "", number).lstrip("0"))
    if digits < 3 or answer == 0:
        return False
    unit = 10.0 ** (floor(log10(abs(answer))) - digits + 1)
    return abs(abs(float(number)) - abs(answer)) <= 0.5 * unit


def _scripts(task: Task, scripts: list[Variant]) -> Iterator[str]:
    right = next(s.script for s in scripts if s.kind == "reference")
    for variant in scripts:
        if variant.kind != "reference" and variant.script == right:
            yield f"{task.id}: {variant.kind} {variant.name!r} is the same script as the reference"
        if variant.kind in ("solution", "wrong") and not variant.about:
            yield f"{task.id}: {variant.kind} {variant.name!r}: say on its first line (# ...) what is different"
    for kind, least in (("solution", 1), ("wrong", 3)):
        if sum(s.kind == kind for s in scripts) < least:
            folder = task.folder / ("solutions" if kind == "solution" else kind)
            yield f"{folder}: has too few scripts of the kind {kind!r}, *.lmp.j2: at least {least}"
    for path in sorted(p for name in ("solutions", "wrong") for p in (task.folder / name).glob("*")):
        if not path.name.endswith(".lmp.j2") and path.is_file():
            yield f"{path}: is not used: scripts end in .lmp.j2"


def _train(task: Task) -> list[str]:
    """What is wrong with the first tasks that are drawn from the family."""
    if "train" not in task.source.data:
        return []
    try:
        return [problem for drawn in draw(task.family, 0, 2) for problem in content_problems(drawn)]
    except TaskError as error:
        return [str(error)]


def _seed(task: Task) -> Iterator[str]:
    if not task.spec.stochastic:
        return
    if "seed" not in task.layers:
        yield f"{task.source.at(('recipe',))}: a stochastic family needs a `seed`"
    elif render_reference(task, seed=1) == render_reference(task, seed=2):
        yield f"{task.folder / 'reference.lmp.j2'}: does not use `seed`, although the family is stochastic"
