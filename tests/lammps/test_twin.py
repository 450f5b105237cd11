"""Twins of potential files, run side by side with the originals in LAMMPS."""

from __future__ import annotations

import subprocess
from functools import partial
from pathlib import Path
from typing import cast

import numpy as np
import pytest
from numpy.typing import NDArray

from mdevalbench.errors import UsageError
from mdevalbench.lammps import install
from mdevalbench.lammps.eam import SetflStyle, read_funcfl, read_setfl
from mdevalbench.lammps.potentials import shipped
from mdevalbench.lammps.twin import SUPPORTED, twin, twins

LENGTH, ENERGY = 1.07, 1.31

SCRIPT = """
units metal
boundary p p p
lattice {lattice} {a:.17g}
region box block 0 3 0 3 0 3
create_box {types} box
create_atoms 1 box {basis}
mass * 50.0
variable dx atom {shake:.17g}*sin(1.7*id)
variable dy atom {shake:.17g}*sin(2.3*id)
variable dz atom {shake:.17g}*sin(3.1*id)
displace_atoms all move v_dx v_dy v_dz units box
pair_style {style}
{coeff}
neighbor {skin:.17g} bin
thermo_style custom step pe pxx pyz
run 0
print "RESULT $(pe:%.17g) $(pxx:%.17g) $(pyz:%.17g)"
write_dump all custom forces.dump id x y z fx fy fz modify sort id format float %.17g
"""

ZINCBLENDE = "basis 5 2 basis 6 2 basis 7 2 basis 8 2"

RELAX = """
units metal
boundary p p p
lattice {lattice} {a:.17g}
region box block 0 3 0 3 0 3
create_box 1 box
create_atoms 1 box
mass * 50.0
pair_style {style}
pair_coeff * * {file} {element}
neighbor {skin:.17g} bin
min_modify dmax {dmax:.17g}
fix relax all box/relax iso 0.0 vmax 1e-3
minimize 0.0 0.0 200 2000
print "RESULT $(lx/3:%.17g) $(pe/count(all):%.17g)"
"""

CASES = {
    "alloy": ("Cu_mishin1.eam.alloy", "", "fcc", 3.7, 1, "", "{0} Cu"),
    "several elements": ("CuTa.eam.alloy", "", "fcc", 3.8, 2, "basis 2 2", "{0} Cu Ta"),
    "Finnis-Sinclair": ("CuZr_mm.eam.fs", "", "fcc", 3.9, 2, "basis 2 2", "{0} Cu Zr"),
    "funcfl": ("Ni_u3.eam", "", "fcc", 3.4, 1, "", "{0}"),
    "angular-dependent": ("Ni.adp", "", "fcc", 3.5, 1, "", "{0} Ni"),
    "angular-dependent alloy": ("AlCu.adp", "", "fcc", 3.9, 2, "basis 2 2", "{0} Al Cu"),
    "Stillinger-Weber": ("GaN.sw", "", "diamond", 4.5, 2, ZINCBLENDE, "{0} Ga N"),
    "Tersoff": ("SiC.tersoff", "", "diamond", 4.4, 2, ZINCBLENDE, "{0} Si C"),
    "Vashishta": ("SiC.vashishta", "", "diamond", 4.4, 2, ZINCBLENDE, "{0} Si C"),
    "Vashishta, other exponents": ("InP.vashishta", "", "diamond", 5.8, 2, ZINCBLENDE, "{0} In P"),
    "Vashishta without screening": ("SiO.1990.vashishta", "", "diamond", 6.5, 2, ZINCBLENDE, "{0} Si O"),
    "EDIP": ("Si.edip", "edip", "diamond", 5.4, 1, "", "{0} Si"),
    "EDIP of several elements": ("SiC.edip", "edip/multi", "diamond", 4.4, 2, ZINCBLENDE, "{0} Si C"),
    "MEAM": ("library.meam Cu.meam", "", "fcc", 3.6, 1, "", "{0} Cu {1} Cu"),
    "MEAM of a compound": ("library.meam SiC.meam", "", "diamond", 4.4, 2, ZINCBLENDE, "{0} Si C {1} Si C"),
    "MEAM, second neighbours": ("library.meam Bi.meam", "", "sc", 3.3, 1, "", "{0} Bi {1} Bi"),
    "MEAM of an alloy": (
        "library_2nn.meam MoCoNiVFeAlCr_2nn.meam",
        "",
        "fcc",
        3.6,
        2,
        "basis 2 2",
        "{0} Mo Co Ni V Fe Al Cr {1} Ni Co",
    ),
    "MEAM, cutoff not given": ("library.meam alloy.meam", "", "fcc", 3.9, 2, "basis 2 2", "{0} Cu Al {1} Cu Al"),
}
"""files, pair style where it is not that of the first file, lattice, constant, types, basis, arguments of pair_coeff"""
OWN = {
    "alloy.meam": b"lattce(1,2) = 'l12'  # of the two\nerose_form = 1\nrepuls(1,1) = 0.2\ndelta(1,2)=+0.1\n"
    b"Cmin(1,1,1) = 0.4\nCmin(2,2,2) = 0.4\nCmin(1,1,2) = 0.4\nCmin(2,2,1) = 0.4\n"
}
"""files that do not come with LAMMPS; here second neighbours count and lie where the default cutoff begins to act"""


def run(folder: Path, script: str) -> list[float]:
    """Run a script and return the numbers of its RESULT line."""
    command = [str(install.executable()), "-in", "in.lmp", "-log", "none"]
    (folder / "in.lmp").write_text(script)
    done = subprocess.run(
        command, cwd=folder, env=install.executable_environment(), capture_output=True, text=True, check=False
    )
    results = [line for line in done.stdout.splitlines() if line.startswith("RESULT ")]
    assert results, done.stdout[-1500:]
    return [float(word) for word in results[0].split()[1:]]


def forces(folder: Path) -> NDArray[np.float64]:
    """Positions and forces (N, 6) of the dump."""
    return np.loadtxt(folder / "forces.dump", skiprows=9)[:, 1:]


def originals(names: str) -> dict[str, bytes]:
    """The content of several files."""
    return {name: OWN[name] if name in OWN else shipped()[name].path.read_bytes() for name in names.split()}


@pytest.mark.parametrize("case", CASES, ids=CASES.keys())
def test_twin_scales_energies_forces_and_stresses(case: str, tmp_path: Path) -> None:
    names, style, lattice, a, types, basis, coeff = CASES[case]
    style = style or shipped()[names.split()[0]].style
    worlds = {}
    for world, length, energy in (("here", 1.0, 1.0), ("there", LENGTH, ENERGY)):
        folder = tmp_path / world
        folder.mkdir()
        files = originals(names) if world == "here" else twins(originals(names), length, energy)
        for name, content in files.items():
            (folder / name).write_bytes(content)
        script = SCRIPT.format(
            lattice=lattice, a=a * length, shake=0.1 * length, skin=2.0 * length, types=types, basis=basis, style=style,
            coeff="pair_coeff * * " + coeff.format(*names.split()),
        )  # fmt: skip
        worlds[world] = (run(folder, script), forces(folder))
    (pe, pxx, pyz), here = worlds["here"]
    (pe_there, pxx_there, pyz_there), there = worlds["there"]
    largest = np.abs(here[:, 3:]).max()
    assert largest > 0.1, "the configuration must be displaced"
    assert pe_there == pytest.approx(ENERGY * pe, rel=1e-9)
    assert [pxx_there, pyz_there] == pytest.approx([p * ENERGY / LENGTH**3 for p in (pxx, pyz)], rel=1e-6)
    np.testing.assert_allclose(there[:, :3], LENGTH * here[:, :3], atol=1e-9)
    np.testing.assert_allclose(there[:, 3:], ENERGY / LENGTH * here[:, 3:], atol=1e-6 * largest)


@pytest.mark.parametrize(
    ("name", "lattice", "a", "element"), [("Cu_u3.eam", "fcc", 3.6, ""), ("Si.sw", "diamond", 5.4, "Si")]
)
def test_lattice_constant_and_cohesive_energy_scale(
    name: str, lattice: str, a: float, element: str, tmp_path: Path
) -> None:
    values = []
    original = shipped()[name].path.read_bytes()
    for length, energy in ((1.0, 1.0), (LENGTH, ENERGY)):
        (tmp_path / name).write_bytes(twin(original, name, length, energy))
        script = RELAX.format(
            lattice=lattice,
            a=a * length,
            style=shipped()[name].style,
            file=name,
            element=element,
            skin=2.0 * length,
            dmax=0.1 * length,
        )
        values.append(run(tmp_path, script))
    (constant, cohesive), (constant_there, cohesive_there) = values
    assert constant != pytest.approx(a, abs=1e-4), "the box must have relaxed"
    assert constant_there / LENGTH == pytest.approx(constant, rel=1e-6)
    assert cohesive_there / ENERGY == pytest.approx(cohesive, rel=1e-9)


def test_every_shipped_file_of_a_supported_style_has_a_twin() -> None:
    files = [file for file in shipped().values() if file.style in SUPPORTED]
    assert {file.style for file in files} == set(SUPPORTED)
    for file in files:
        content = file.path.read_bytes()
        if file.style in ("eam/alloy", "eam/fs", "adp"):
            read = partial(read_setfl, name=file.name, style=cast(SetflStyle, file.style))
            here, there = read(content), read(twin(content, file.name, 2.0, 4.0))
            assert there.comments == here.comments
            assert there.elements == here.elements == file.elements
            assert (there.grid.cutoff, there.grid.dr, there.grid.drho) == (
                2 * here.grid.cutoff,
                2 * here.grid.dr,
                here.grid.drho,
            )
            np.testing.assert_array_equal(there.pair[-1], 8 * here.pair[-1])
            np.testing.assert_array_equal(there.embedding[-1], 4 * here.embedding[-1])
            np.testing.assert_array_equal(there.density[-1][-1], here.density[-1][-1])
            assert len(there.dipole) == len(there.quadrupole) == (len(here.pair) if file.style == "adp" else 0)
        elif file.style == "eam":
            one, other = (read_funcfl(c, file.name) for c in (content, twin(content, file.name, 2.0, 2.0)))
            np.testing.assert_array_equal(other.charge, 2 * one.charge)
            np.testing.assert_array_equal(other.embedding, 2 * one.embedding)
        else:
            back = twin(twin(content, file.name, 4.0, 16.0), file.name, 0.25, 0.0625)
            assert back == twin(content, file.name, 1.0, 1.0)


def test_comments_and_words_without_dimension_stay() -> None:
    text = (
        b"# DATE: 2007-06-11 UNITS: metal\n"
        b"Si Si Si 2.0 3.0 1.8 21.0 1.2 -0.333  # epsilon sigma ...\n"
        b" 7.05 0.602 4.0 0.0 0.0\n"
    )
    assert twin(text, "a/b/Si.sw", 2.0, 10.0).decode().split("\n") == [
        "# DATE: 2007-06-11 UNITS: metal",
        "Si Si Si 20.0 6.0 1.8 21.0 1.2 -0.333  # epsilon sigma ...",
        " 7.05 0.602 4.0 0.0 0.0",
        "",
    ]


def test_settings_of_a_meam_parameter_file() -> None:
    text = b"Ec(1,2) = 3.0 # eV\n re(1,2)=2.5\n\nlattce(1,2) = 'b1'\nattrac(1,1)=0.05\nrepuls(1,1)=0.05\nrc = 5\n"
    scaled = twin(text, "AB.meam", 2.0, 10.0).decode().split("\n")
    assert scaled[:7] == [
        "Ec(1,2) = 30.0 # eV",
        " re(1,2)=5.0",
        "",
        "lattce(1,2) = 'b1'",
        "attrac(1,1)=0.05",
        "repuls(1,1)=0.05",
        "rc = 10.0",
    ]
    assert scaled[7:] == ["delr = 0.2", ""], "what LAMMPS would take by default must scale, too"


def test_a_meam_library_alone_keeps_its_cutoff() -> None:
    library = originals("library.meam")
    assert twins(library, 1.0, 2.0)["library.meam"] == twin(library["library.meam"], "library.meam", 1.0, 2.0)
    with pytest.raises(UsageError, match="default cutoff"):
        twins(library, 1.1, 2.0)


@pytest.mark.parametrize(
    ("content", "name", "factors", "message"),
    [
        (b"x", "CdTe.bop.table", (1.1, 1.1), "no twin can be made of CdTe.bop.table: its format is bop"),
        (b"x", "notes.txt", (1.1, 1.1), "format is unknown"),
        (
            b"a\nb\nc\n1 Cu\n10 0.1 10 0.1 5.0\n29 63.5 3.6 fcc\n1 2 3\n",
            "Cu.eam.alloy",
            (1.1, 1.1),
            "line 7: the file ends too early",
        ),
        (b"a\nb\nc\nCu\n", "Cu.eam.alloy", (1.1, 1.1), "line 4: a number of elements"),
        (b"Si Si Si 2.0 3.0\n", "Si.sw", (1.1, 1.1), "14 words per entry, this one has 5"),
        (b"", "Si.sw", (1.1, 1.1), "0 words in all"),
        (b"Si Si Si two 3 1 1 1 1 1 1 1 1 1\n", "Si.sw", (1.1, 1.1), "'two' stands where a number is expected"),
        (b"Si Si Si 1 x" + b" 1" * 12, "Si.vashishta", (1.1, 1.1), "'x' stands where a number is expected"),
        (b"'Cu' 'fcc' 12\n", "library.meam", (1.1, 1.1), "19 words per entry, this one has 3"),
        (b"rc = wide\n", "Cu.meam", (1.1, 1.1), "'wide' stands where a number is expected"),
        (b"radius = 4.0\n", "Cu.meam", (1.1, 1.1), "'radius = 4.0' is no setting that is known"),
        (b"rc\n", "Cu.meam", (1.1, 1.1), "'rc' is no setting that is known"),
        (b"Si", "Si.sw", (0.0, 1.1), "must be positive"),
        (b"Si", "Si.sw", (1.0, float("nan")), "must be positive"),
    ],
)
def test_what_cannot_be_scaled_is_refused(
    content: bytes, name: str, factors: tuple[float, float], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        twin(content, name, *factors)
