"""The baseline: what it reads from a prompt, that its scripts run, and that it sees nothing but the prompt."""

from __future__ import annotations

import ast
import math
from collections.abc import Iterator
from pathlib import Path

import pytest

import mdevalbench.zoo.template
from mdevalbench.lammps.job import Ending, Job
from mdevalbench.lammps.pool import Pool
from mdevalbench.zoo.template import read_request, write_script

CRYSTAL = """Please relax fcc gold with the potential Au_u3.eam at 0 K and report
RESULT lattice_constant = <number> angstrom"""
FLUID = """A Lennard-Jones fluid in reduced units, about 100 atoms, cut off at 2.5 sigma, number density 0.75, at a
temperature of 1.4: average its pressure in the NVT ensemble over 2.5 tau. RESULT pressure = <number> lj"""
DRIFT = """Test energy conservation in NVE for the Lennard-Jones liquid (rho = 0.8, T = 1.1, 100 particles, timestep
0.002) over 500 steps. RESULT energy_drift = <number> epsilon"""
ARGON = """Self-diffusion coefficient of liquid argon of 1.374 g/cm^3 at 94.4 K with 108 atoms. Lennard-Jones with
epsilon = 0.0103 eV and sigma = 3.4 angstrom, cut off at 8 angstrom. Use a time step of 2 fs and run for 1 ps.
RESULT diffusion_coefficient = <number> cm^2/s"""


def test_reads_a_crystal() -> None:
    request = read_request(CRYSTAL)
    assert (request.recipe, request.observable, request.unit) == ("minimise", "lattice_constant", "angstrom")
    assert (request.units, request.pair_style, request.pair_coeff) == ("metal", "eam", "Au_u3.eam")
    assert (request.lattice, request.spacing) == ("fcc", 4.08)
    assert request.mass == pytest.approx(196.967, abs=1e-3)


def test_reads_a_fluid_in_reduced_units() -> None:
    request = read_request(FLUID)
    assert (request.recipe, request.units, request.pair_style) == ("average", "lj", "lj/cut 2.5")
    assert (request.spacing, request.temperature, request.timestep, request.production) == (0.75, 1.4, 0.005, 1000)
    assert 100 <= request.atoms_per_cell * request.cells**3 <= 200
    assert not request.tail


def test_reads_words_that_look_like_settings() -> None:
    request = read_request("500 to 4000 particles, truncated at 3 sigma, with a tail correction, in epsilon/sigma^3")
    assert (request.pair_style, request.pair_coeff, request.cells, request.tail) == ("lj/cut 3", "1 1", 5, True)
    assert not read_request("without tail correction").tail


def test_reads_conservation() -> None:
    request = read_request(DRIFT)
    assert (request.recipe, request.spacing, request.temperature) == ("conservation", 0.8, 1.1)
    assert (request.timestep, request.production) == (0.002, 1000)


def test_reads_a_liquid_in_physical_units() -> None:
    request = read_request(ARGON)
    assert (request.recipe, request.units, request.pair_style, request.pair_coeff) == (
        "diffusion", "metal", "lj/cut 8", "0.0103 3.4",
    )  # fmt: skip
    assert (request.temperature, request.timestep, request.production) == (94.4, 0.002, 1000)
    grams = request.atoms_per_cell * request.mass * 1.66053906660e-24
    assert grams / (request.spacing * 1e-8) ** 3 == pytest.approx(1.374, rel=1e-6)


@pytest.mark.parametrize(
    "prompt", ["", "hello", "RESULT", "T = = K fs 10000000000000000000 steps", "density temperature"]
)
def test_answers_anything(prompt: str) -> None:
    assert "run " in write_script(prompt)


@pytest.fixture(scope="module")
def pool() -> Iterator[Pool]:
    with Pool(1) as pool:
        yield pool


@pytest.mark.parametrize(
    ("prompt", "low", "high"),
    [(CRYSTAL, 4.0, 4.15), (FLUID, 0.0, 10.0), (DRIFT, 0.0, 0.1), (ARGON, 0.0, 1e-3)],
    ids=["minimise", "average", "conservation", "diffusion"],
)
def test_recipes_run_and_report(pool: Pool, prompt: str, low: float, high: float) -> None:
    run = pool.run(Job(write_script(prompt)))
    assert run.ending is Ending.COMPLETED, run.error
    line = next(line for line in run.output.splitlines() if line.startswith("RESULT"))
    value = float(line.split()[3])
    assert low <= value <= high
    assert math.isfinite(value)


def test_sees_nothing_but_the_prompt() -> None:
    """No import through which a task, a reference or a score could be reached."""
    folder = Path(mdevalbench.zoo.template.__file__).parent
    for path in folder.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            for name in names:
                assert not name.startswith("mdevalbench") or name.startswith("mdevalbench.zoo.template"), (path, name)
