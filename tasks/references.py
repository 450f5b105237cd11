"""Stored reference values: `references.json` beside each `family.yml`."""

from __future__ import annotations

import json
import math
import os
import statistics
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import ClassVar

from pydantic import Field, ValidationError

from mdevalbench.errors import TaskError
from mdevalbench.lammps import install
from mdevalbench.tasks.schema import SizeLaw
from mdevalbench.types import Record

FILE = "references.json"


class SeedValue(Record):
    """What one run of the reference script measured."""

    seed: int
    value: float
    uncertainty: float = Field(ge=0)
    natoms: int = Field(ge=1)


class StoredReference(Record):
    """The reference value of a task and all that it was made from, in the family's unit."""

    DECIDING: ClassVar = {"value", "uncertainty", "dof", "unit", "natoms", "slope", "slope_uncertainty", "version"}
    """fields on which a verdict depends"""

    value: float
    """mean over the seeds"""
    uncertainty: float = Field(ge=0)
    """standard uncertainty of the mean; for a single deterministic run that of the run"""
    dof: float | None = None
    """degrees of freedom of `uncertainty`; None if it is not statistical"""
    unit: str
    natoms: int = Field(ge=1)
    """size of the reference system"""
    slope: float = 0.0
    """of value against N**exponent, where the family declares a size law"""
    slope_uncertainty: float = Field(0.0, ge=0)
    version: int
    """of the family"""
    lammps: str
    """version of LAMMPS that measured"""
    date: str
    """day of the last run, ISO 8601"""
    recipe: str
    """SHA-256 of the reference script and of what is measured; another one means that the runs must be repeated"""
    seeds: tuple[SeedValue, ...] = Field(min_length=1)
    second_size: tuple[SeedValue, ...] = ()
    """runs of the other size, where the family declares a size law"""

    def at(self, natoms: int, law: SizeLaw | None) -> tuple[float, float]:
        """Value and standard uncertainty for a system of `natoms` atoms, by the family's size law."""
        if law is None:
            return self.value, self.uncertainty
        step = float(natoms) ** law.exponent - float(self.natoms) ** law.exponent
        return self.value + self.slope * step, math.hypot(self.uncertainty, self.slope_uncertainty * step)


def mean_of(runs: Iterable[SeedValue]) -> tuple[float, float, float | None]:
    """Mean, its standard uncertainty and the degrees of freedom.

    From n >= 2 runs s / sqrt(n) with n - 1; one run has nothing but its own uncertainty. Raises ValueError for no runs.
    """
    runs = list(runs)
    values = [run.value for run in runs]
    if len(values) == 1:
        return values[0], runs[0].uncertainty, None
    return statistics.fmean(values), statistics.stdev(values) / math.sqrt(len(values)), len(values) - 1.0


def slope_of(first: Iterable[SeedValue], second: Iterable[SeedValue], law: SizeLaw) -> tuple[float, float]:
    """Slope of value against N**exponent through two sizes, and its standard uncertainty.

    Raises ValueError for equal sizes.
    """
    first, second = list(first), list(second)
    (a, ua, _), (b, ub, _) = mean_of(first), mean_of(second)
    step = float(size_of(second)) ** law.exponent - float(size_of(first)) ** law.exponent
    if step == 0:
        raise ValueError(f"both sizes have {size_of(first)} atoms: `second_size` must change the number of atoms")
    return (b - a) / step, math.hypot(ua, ub) / abs(step)


def other_lammps(references: Iterable[StoredReference | None]) -> str:
    """A warning if the LAMMPS in use is not of the release that the references were measured with; empty if it is."""
    here = install.version()
    measured = {reference.lammps for reference in references if reference is not None}
    if others := sorted(one for one in measured if one.split(".")[:4] != here.split(".")[:4]):
        return (
            f"references were measured with LAMMPS {', '.join(others)}, and this is {here}: a right script may be "
            "judged wrong where the versions differ"
        )
    return ""


def size_of(runs: Iterable[SeedValue]) -> int:
    """Typical number of atoms."""
    return int(statistics.median_low([run.natoms for run in runs]))


def read_references(folder: Path) -> dict[str, StoredReference]:
    """Instance id -> stored reference of a family; empty if none were made. Raises TaskError for a damaged file."""
    path = folder / FILE
    if not path.exists():
        return {}
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return {instance: StoredReference.model_validate(entry) for instance, entry in content["tasks"].items()}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        what = f"{error.error_count()} fields do not fit" if isinstance(error, ValidationError) else error
        raise TaskError(f"{path}: is damaged ({what}): remove it and run `mdevalbench tasks reference`") from error


def write_references(folder: Path, references: Mapping[str, StoredReference]) -> None:
    """Write `references.json` atomically, in the order of ids."""
    content = {
        "family": folder.name,
        "tasks": {instance: references[instance].model_dump(mode="json") for instance in sorted(references)},
    }
    text = json.dumps(content, indent=1)
    # one run per line: short to read, and a diff shows which seeds changed
    descriptor, name = tempfile.mkstemp(dir=folder, prefix=FILE, suffix=".part")
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text + "\n")
    Path(name).chmod(0o644)
    Path(name).replace(folder / FILE)
