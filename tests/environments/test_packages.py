"""The packages of training/environments from outside: what each pins, and that the wheel holds none of them."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
from setuptools import find_namespace_packages

REPOSITORY = Path(__file__).parents[2]
ENVIRONMENTS = REPOSITORY / "training" / "environments"


def project(folder: Path) -> dict[str, Any]:
    return tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))


def test_the_wheel_holds_the_rooms_and_no_environment() -> None:
    chosen = project(REPOSITORY)["tool"]["setuptools"]["packages"]["find"]
    found = find_namespace_packages(str(REPOSITORY), chosen["exclude"], chosen["include"])
    assert {"mdevalbench", "mdevalbench.training", "mdevalbench.scorers"} <= set(found)
    assert [name for name in found if "environments" in name] == []


@pytest.mark.parametrize("name", ["openenv", "verifiers"])
def test_a_framework_is_pinned_to_one_version_in_both_places(name: str) -> None:
    described = project(ENVIRONMENTS / name)["project"]
    assert described["name"] == f"mdevalbench-{name}" and "mdevalbench>=0.1" in described["dependencies"]
    (pinned,) = (requirement for requirement in described["dependencies"] if requirement.startswith(f"{name}=="))
    lines = (ENVIRONMENTS / name / "constraints.txt").read_text(encoding="utf-8").splitlines()
    assert pinned in lines and all("==" in line for line in lines if not line.startswith("#"))
