"""Shared by tests: an environment in which LAMMPS and its threads behave the same everywhere, and a small family."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mdevalbench.tasks import loading

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

FAMILY = """\
family: argon_lattice
version: 1
title: Lattice constant of Lennard-Jones argon
level: L1
observable: lattice_constant
unit: angstrom
stochastic: false
description: Edge of the cubic cell of the static crystal.
limits: {cpu_seconds: 10}
record: {samples: 50, frames: 4}
potential:
  units: metal
  pair_style: "lj/cut {{ cutoff }}"
  pair_coeff: ["* * {{ epsilon }} {{ sigma }}"]
  elements: {"{{ element }}": "{{ mass }}"}
measure:
  - estimator: relaxed_lattice_constant
    select: {kind: minimisation}
    options: {atoms_per_cell: 4}
compare:
  floor: 0.002
  floor_reason: right methods agree to 0.0005 angstrom
  max_uncertainty: 0.0005
validity:
  units: [metal]
  atoms: [1, 5000]
  composition: {"{{ element }}": 1.0}
  fixes: [box/relax]
world: {pair_coeff: {style: lj/cut, factors: {2: 1.02}}}
recipe:
  cells: 4
  tolerance: 1e-10
  cutoff: "{{ 3 * sigma }}"
  guess: "{{ 1.6 * sigma }}"
mutations:
  breaking:
    wrong_sigma: {sigma: "{{ 1.05 * sigma }}"}
  benign:
    bigger: {cells: "{{ cells + 1 }}"}
tasks:
  - {id: ar, materials: [Ar], parameters: {element: Ar, mass: 39.948, epsilon: 0.0104, sigma: 3.4}}
  - {id: kr, materials: [Kr], parameters: {element: Kr, mass: 83.798, epsilon: 0.0140, sigma: 3.65}}
"""

PROMPT = """\
Find the lattice constant of the static fcc crystal of {{ element }} at zero pressure. The atoms interact by the 12-6
Lennard-Jones potential with epsilon = {{ epsilon }} eV and sigma = {{ sigma }} angstrom, cut off at {{ cutoff }}
angstrom, neither shifted nor with a tail correction.

Report one line: RESULT lattice_constant = <number> angstrom
"""

REFERENCE = """\
# relax the box of a perfect crystal
units metal
lattice fcc {{ guess }}
region box block 0 {{ cells }} 0 {{ cells }} 0 {{ cells }}
create_box 1 box
create_atoms 1 box
mass 1 {{ mass }}
pair_style lj/cut {{ cutoff }}
pair_coeff 1 1 {{ epsilon }} {{ sigma }}
fix 1 all box/relax iso 0 vmax 0.01
minimize 0 {{ tolerance }} 500 5000
fix 1 all box/relax iso 0 vmax 0.001
minimize 0 {{ tolerance }} 500 5000
variable a equal lx/{{ cells }}
print "RESULT lattice_constant = ${a} angstrom"
"""

SUITES = """\
codegen: {description: everything, tasks: ["*"]}
demo: {description: a first look, tasks: [argon_lattice/ar]}
"""


@pytest.fixture
def toy_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A tasks folder with one small family, `argon_lattice`, which every function takes for that of the package."""
    folder = tmp_path / "tasks" / "codegen" / "argon_lattice"
    for name in ("solutions", "wrong"):
        (folder / name).mkdir(parents=True)
    (folder / "family.yml").write_text(FAMILY)
    (folder / "prompt.md.j2").write_text(PROMPT)
    (folder / "reference.lmp.j2").write_text(REFERENCE)
    (folder / "solutions" / "aniso.lmp.j2").write_text(
        REFERENCE.replace("relax the box", "relax the three edges").replace("iso 0", "aniso 0")
    )
    for name, old, new in (
        ("another_potential", "lj/cut {{ cutoff }}", "lj/cut 5"),
        ("whole_box", "lx/{{ cells }}", "lx"),
        ("guess", "lx/{{ cells }}", "{{ guess }}"),
    ):
        (folder / "wrong" / f"{name}.lmp.j2").write_text(REFERENCE.replace("relax the box", name).replace(old, new))
    (tmp_path / "tasks" / "suites.yml").write_text(SUITES)
    monkeypatch.setattr(loading, "ROOT", tmp_path / "tasks")
    return tmp_path / "tasks"
