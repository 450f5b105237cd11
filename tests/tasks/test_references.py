"""Stored references: statistics, size laws, the file."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from mdevalbench.errors import TaskError
from mdevalbench.tasks import StoredReference
from mdevalbench.tasks.references import SeedValue, mean_of, read_references, slope_of, write_references
from mdevalbench.tasks.schema import SizeLaw

LAW = SizeLaw(exponent=-1.0, second_size={"cells": 2})


def runs(*values: float, natoms: int = 100) -> list[SeedValue]:
    return [SeedValue(seed=n, value=v, uncertainty=0.5, natoms=natoms) for n, v in enumerate(values)]


def stored(**changes: object) -> StoredReference:
    content = {"value": 1.0, "uncertainty": 0.1, "unit": "eV", "natoms": 100, "version": 1, "lammps": "2025.7.22"}
    return StoredReference.model_validate(content | {"date": "2025-11-22", "recipe": "0", "seeds": runs(1.0)} | changes)


def test_mean_of_several_seeds_has_the_spread_as_uncertainty() -> None:
    value, uncertainty, dof = mean_of(runs(1.0, 2.0, 3.0, 6.0))
    assert (value, dof) == (3.0, 3.0)
    assert uncertainty == pytest.approx(math.sqrt((4 + 1 + 0 + 9) / 3 / 4))


def test_a_single_run_has_its_own_uncertainty_and_no_degrees_of_freedom() -> None:
    assert mean_of(runs(4.0)) == (4.0, 0.5, None)


def test_size_law_gives_back_both_sizes_and_the_limit_of_infinite_size() -> None:
    small, large = runs(1.10, 1.12, natoms=100), runs(1.05, 1.06, natoms=200)
    slope, uncertainty = slope_of(small, large, LAW)
    reference = stored(value=1.11, uncertainty=0.01, slope=slope, slope_uncertainty=uncertainty)
    assert reference.at(100, LAW) == (1.11, 0.01)
    assert reference.at(200, LAW)[0] == pytest.approx(1.055)
    assert reference.at(10**12, LAW)[0] == pytest.approx(1.0)
    assert reference.at(200, LAW)[1] == pytest.approx(math.hypot(0.01, 0.01, 0.005))
    assert reference.at(10**12, None) == (1.11, 0.01)


def test_two_equal_sizes_give_no_slope() -> None:
    with pytest.raises(ValueError, match="second_size"):
        slope_of(runs(1.0, 1.1), runs(1.0, 1.1), LAW)


def test_the_file_keeps_every_digit(tmp_path: Path) -> None:
    written = {"b": stored(value=1 / 3), "a": stored(seeds=runs(0.1 + 0.2, math.pi))}
    write_references(tmp_path, written)
    assert read_references(tmp_path) == written
    assert [path.name for path in tmp_path.iterdir()] == ["references.json"]


def test_a_damaged_file_is_told_with_what_to_do(tmp_path: Path) -> None:
    assert read_references(tmp_path) == {}
    for text in ("{", "[]", '{"tasks": {"a": {"value": 1}}}', '{"tasks": 3}'):
        (tmp_path / "references.json").write_text(text)
        with pytest.raises(TaskError, match=r"references.json: is damaged .*mdevalbench tasks reference"):
            read_references(tmp_path)
