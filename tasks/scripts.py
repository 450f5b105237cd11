"""The scripts that belong to a task: reference, second solutions, wrong ones, mutations, new seeds."""

from __future__ import annotations

import hashlib
import random
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from mdevalbench.errors import TaskError
from mdevalbench.tasks.loading import Layers, Task
from mdevalbench.tasks.render import render_template, resolve
from mdevalbench.tasks.source import did_you_mean

Kind = Literal["reference", "solution", "wrong", "breaking", "benign", "reseed"]


@dataclass(frozen=True, slots=True)
class Variant:
    """A script of a task with what is known about it."""

    kind: Kind
    name: str
    script: str
    seed: int | None = None
    """random seed in place of that of the recipe"""

    @property
    def right(self) -> bool:
        """Whether the judge has to pass it."""
        return self.kind not in ("wrong", "breaking")

    @property
    def about(self) -> str:
        """The comment on the first line of the script."""
        first = self.script.partition("\n")[0]
        return first.lstrip("# ").strip() if first.startswith("#") else ""


def render_reference(task: Task, seed: int | None = None, overrides: Mapping[str, Any] | None = None) -> str:
    """The reference script, with another seed or with other values of the recipe.

    Values which the recipe derives from an overridden one follow it. Raises TaskError for a name that is neither in the
    recipe nor a parameter.
    """
    changes = dict(overrides or {}) | ({} if seed is None else {"seed": seed})
    return render_template(task.folder / "reference.lmp.j2", task.folder, _names(task, changes))


def reference(task: Task) -> Variant:
    """The reference script as the recipe says."""
    return Variant("reference", "reference", render_reference(task))


def solutions(task: Task, seed: int | None = None) -> tuple[Variant, ...]:
    """Right solutions by another method or size (`solutions/*.lmp.j2`), by name."""
    return _folder(task, "solutions", "solution", seed)


def wrong(task: Task, seed: int | None = None) -> tuple[Variant, ...]:
    """Scripts with a mistake that models really make (`wrong/*.lmp.j2`), by name."""
    return _folder(task, "wrong", "wrong", seed)


def breaking(task: Task, seed: int | None = None) -> tuple[Variant, ...]:
    """Declared changes of the reference recipe that must break it."""
    declared = task.spec.mutations.breaking
    return tuple(
        Variant("breaking", name, render_reference(task, seed, changes), seed) for name, changes in declared.items()
    )


def mutations(task: Task) -> tuple[Variant, ...]:
    """Declared changes of the reference recipe, and (benign) `renamed_variables` if the script has any variable."""
    declared = task.spec.mutations
    found = list(breaking(task))
    found += [Variant("benign", name, render_reference(task, overrides=new)) for name, new in declared.benign.items()]
    original = render_reference(task)
    renamed = rename_variables(original)
    if renamed != original:
        found.append(Variant("benign", "renamed_variables", renamed))
    return tuple(found)


def named(task: Task, name: str) -> Variant:
    """A script of a task by its name, `no_tail`, or where two have one by kind and name, `wrong/no_tail`.

    Raises TaskError, with the nearest names, if there is none, or several.
    """
    found = {f"{v.kind}/{v.name}": v for v in (reference(task), *solutions(task), *wrong(task), *mutations(task))}
    fitting = [variant for full, variant in found.items() if name in (full, variant.name)]
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        raise TaskError(f"{task.id} has several scripts {name!r}: {', '.join(f'{v.kind}/{v.name}' for v in fitting)}")
    near = did_you_mean(name, (v.name for v in found.values()), "it has")
    raise TaskError(f"{task.id} has no script {name!r}{near}")


def reseeds(task: Task, count: int, purpose: str = "fresh") -> tuple[Variant, ...]:
    """The reference script with `count` seeds that made no part of its reference; none for a deterministic task."""
    if not task.spec.stochastic:
        return ()
    seeds = [seed_of(task, purpose, number) for number in range(count)]
    return tuple(Variant("reseed", f"seed {seed}", render_reference(task, seed), seed) for seed in seeds)


def seed_of(task: Task, purpose: str, number: int) -> int:
    """A random seed for LAMMPS, always the same for a task, a purpose and a number."""
    return random.Random(f"{task.id} {purpose} {number}").randrange(1, 100_000_000)


def recipe_digest(task: Task) -> str:
    """SHA-256 of the reference script (seed aside, both sizes) and of all that says what is measured from it."""
    law = task.spec.compare.size_law
    sizes: list[Mapping[str, Any]] = [{}, law.second_size] if law else [{}]
    seed = 1 if "seed" in task.layers else None
    parts = [render_reference(task, seed, overrides) for overrides in sizes]
    parts.append(
        task.spec.model_dump_json(include={"unit", "potential", "measure", "validity", "record"}, exclude_defaults=True)
    )
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def rename_variables(script: str) -> str:
    """The same script with every variable called otherwise, wherever it is used.

    Covers `variable X`, `${X}`, `$X`, `v_X`, `next X`, `group ID variable X` and `var`/`set` of `create_atoms`.
    """
    defined = re.compile(r"(?:^|[\"'])[ \t]*variable[ \t]+(\w+)[ \t]", re.MULTILINE)
    new = {name: f"q{number}{name}" for number, name in enumerate(sorted(set(defined.findall(script))))}
    if not new:
        return script
    names = "|".join(sorted(map(re.escape, new), key=len, reverse=True))
    uses = [  # (words before the name and the name, the only command in which they mean a variable)
        (rf"(\bvariable[ \t]+)({names})(?!\S)", None),
        (rf"(\$\{{)({names})(?=\}})", None),
        (rf"((?<!\w)v_)({names})(?!\w)", None),
        (rf"(\s)({names})(?!\S)", "next"),
        (rf"((?:\bvar|\bset[ \t]+[xyz])[ \t]+)({names})(?!\S)", "create_atoms"),
    ]

    def renamed(line: str) -> str:
        command = line.split(maxsplit=1)[0] if line.strip() else ""
        for pattern, only_in in uses:
            if only_in in (None, command):
                line = re.sub(pattern, lambda m: m[1] + new[m[2]], line)
        return re.sub(r"\$(\w)", lambda m: f"${{{new[m[1]]}}}" if m[1] in new else m[0], line)

    return "".join(map(renamed, script.splitlines(keepends=True)))


def _folder(task: Task, folder: str, kind: Kind, seed: int | None) -> tuple[Variant, ...]:
    paths = sorted((task.folder / folder).glob("*.lmp.j2"))
    names = task.names if seed is None else _names(task, {"seed": seed})
    return tuple(
        Variant(kind, p.name.removesuffix(".lmp.j2"), render_template(p, task.folder, names), seed) for p in paths
    )


def _names(task: Task, changes: Mapping[str, Any]) -> dict[str, Any]:
    for name in changes:
        if name not in task.layers:
            raise TaskError(
                f"{task.source.path}: `{name}` cannot be changed: it is neither in the recipe nor a parameter"
                f"{did_you_mean(name, task.layers)}"
            )
    layers: Layers = {**task.layers, **{name: (task.layers[name][0], value) for name, value in changes.items()}}
    return resolve(layers, task.source.at)
