"""Estimators that another installed package brings, by entry point."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from mdevalbench.errors import UsageError
from mdevalbench.observables import get_estimator

MODULE = """\
from mdevalbench.observables import estimator
from mdevalbench.types import Measurement

@estimator("{name}")
def answer(segments, context, factor=1.0):
    return Measurement(value=42.0 * factor, uncertainty=0.0, unit="angstrom", natoms=1)
"""


def install(folder: Path, package: str, module: str, points: str) -> None:
    """A package as pip leaves it: a module and a folder with what it says of itself."""
    (folder / f"{package}.py").write_text(module)
    info = folder / f"{package}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[mdevalbench.estimators]\n{points}\n")


def test_an_installed_package_brings_an_estimator(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(tmp_path, "plugin_one", MODULE.format(name="answer_one"), "answer_one = plugin_one:answer")
    with pytest.raises(UsageError, match=r"unknown estimator 'answer_one'; known: .*relaxed_lattice_constant"):
        get_estimator("answer_one")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert "plugin_one" not in sys.modules
    assert get_estimator("answer_one")((), None, factor=2.0).value == 84.0
    with pytest.raises(UsageError, match=r"unknown estimator 'answer'; known: .*answer_one"):
        get_estimator("answer")


@pytest.mark.parametrize(
    ("package", "module", "told"),
    [
        ("plugin_broken", "import no_such_module_at_all\n", "plugin_broken .* cannot be loaded: ModuleNotFoundError"),
        (
            "plugin_other",
            MODULE.format(name="another"),
            r"registers none of that name: put @estimator\(",
        ),
        ("plugin_twice", MODULE.format(name="mean_pressure"), "two estimators called 'mean_pressure'"),
        ("plugin_empty", "", "cannot be loaded: AttributeError"),
    ],
)
def test_a_broken_package_is_told_in_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, package: str, module: str, told: str
) -> None:
    install(tmp_path, package, module, f"answer_two = {package}:answer")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(UsageError, match=told):
        get_estimator("answer_two")


@pytest.mark.slow
def test_a_package_that_pip_installed(tmp_path: Path) -> None:
    (tmp_path / "plugin_pip.py").write_text(MODULE.format(name="answer_pip"))
    (tmp_path / "pyproject.toml").write_text(
        '[build-system]\nrequires = ["setuptools"]\nbuild-backend = "setuptools.build_meta"\n'
        '[project]\nname = "plugin-pip"\nversion = "1.0"\n'
        '[project.entry-points."mdevalbench.estimators"]\nanswer_pip = "plugin_pip:answer"\n'
        '[tool.setuptools]\npy-modules = ["plugin_pip"]\n'
    )
    options = ["--no-build-isolation", "--no-deps", "--no-index", "--quiet", "--target", str(tmp_path / "site")]
    subprocess.run([sys.executable, "-m", "pip", "install", *options, str(tmp_path)], check=True)
    code = "from mdevalbench.observables import get_estimator as g; print(g('answer_pip')((), None).value)"
    paths = [str(tmp_path / "site"), *filter(None, sys.path)]
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path[:0] = {paths!r}; {code}"],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path / "site",
    )
    assert done.stdout == "42.0\n"
