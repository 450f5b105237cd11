"""What a judgement depends on: sources of the judge, of the task's own estimators, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from mdevalbench.tasks import load_task
from mdevalbench.tasks.verification.provenance import code_of, judgement_key, sources


def names(*estimators: str) -> set[str]:
    return {f"{path.parent.name}/{path.name}" for path in sources(frozenset(estimators))}


def test_the_engine_the_judge_and_all_that_it_imports() -> None:
    found = names("mean_pressure")
    assert {
        "lammps/recorder.cpp",
        "lammps/recorder_state.h",
        "lammps/worker.py",
        "lammps/twin.py",
        "scorers/judge.py",
        "scorers/assess.py",
        "scorers/conditions.py",
        "scorers/hamiltonian.py",
        "scorers/claim.py",
        "scorers/reward.py",
        "observables/select.py",
        "observables/ensemble.py",
        "observables/statistics.py",
        "observables/units.py",
        "observables/honesty.py",
        "mdevalbench/extract.py",
        "mdevalbench/types.py",
    } <= found


@pytest.mark.parametrize("left_out", ["observables/transport.py", "observables/__init__.py", "scorers/inspect.py"])
def test_other_estimators_and_adapters_do_not_count(left_out: str) -> None:
    assert left_out not in names("mean_pressure")


def test_the_sources_of_the_estimators_count() -> None:
    assert "observables/thermodynamics.py" in names("mean_pressure")
    assert "observables/transport.py" in names("diffusion_msd")
    assert {"observables/energetics.py", "observables/transport.py"} <= names(
        "diffusion_msd", "relaxed_lattice_constant"
    )


def test_the_key_follows_script_task_and_potential(toy_root: Path) -> None:
    argon, krypton = load_task("argon_lattice/ar"), load_task("argon_lattice/kr")
    key = judgement_key(argon, "units metal\n")
    assert key == judgement_key(load_task("argon_lattice/ar"), "units metal\n")
    assert len({key, judgement_key(argon, "units lj\n"), judgement_key(krypton, "units metal\n")}) == 3
    family = toy_root / "codegen" / "argon_lattice" / "family.yml"
    family.write_text(family.read_text().replace("title: Lattice", "title: The lattice"))
    assert key == judgement_key(load_task("argon_lattice/ar"), "units metal\n")
    family.write_text(family.read_text().replace("floor: 0.002", "floor: 0.003"))
    assert key != judgement_key(load_task("argon_lattice/ar"), "units metal\n")


def test_comments_and_docstrings_do_not_count(tmp_path: Path) -> None:
    plain, told, other = (tmp_path / name for name in ("plain.py", "told.py", "other.py"))
    plain.write_text("def f(x):\n    return x + 1\n")
    told.write_text('"""Text."""\n\n\ndef f(x):\n    """More."""\n    return (\n        x + 1  # one more\n    )\n')
    other.write_text("def f(x):\n    return x + 2\n")
    assert code_of(plain) == code_of(told) != code_of(other)
