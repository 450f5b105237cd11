"""The tools: each does what it says with real LAMMPS, and says clearly what it cannot do."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from mcp import Client, StdioServerParameters

from mdevalbench.agent.lookup import MANUAL, look_up
from mdevalbench.agent.toolbox import Toolbox, tools
from mdevalbench.errors import UsageError
from mdevalbench.scorers.judge import Judge
from mdevalbench.web.mcp_server import create_server

SCRIPT = """\
units metal
read_data ar.data
pair_style lj/cut 8.5
pair_coeff 1 1 0.0103 3.4
velocity all create 80 4711
timestep 0.004
fix move all nve
run 1000
variable t equal temp
print "RESULT temperature = $t K"
"""


@pytest.fixture
def box(judge: Judge, tmp_path: Path) -> Toolbox:
    return Toolbox(judge.pool, tmp_path, "argon")


async def test_the_way_of_a_simulation(box: Toolbox, tmp_path: Path) -> None:
    assert "256 atoms, type 1 Ar" in box.build_structure("Ar", "ar.data", lattice_constant=5.4, repeat=(4, 4, 4))
    assert box.check_script(SCRIPT) == "Nothing to object to."
    assert "there is no file 'kr.data'" in box.check_script(SCRIPT.replace("ar.data", "kr.data"))
    said = await box.run_script(SCRIPT)
    assert "ran to its end" in said and "fine: species: by their masses the atoms are Ar" in said
    assert "RESULT temperature" in "".join(box.read_output(1, 400))
    assert "energy_drift = " in box.measure("energy_drift")
    assert "It cannot be measured" in box.measure("energy_drift", kind="minimisation")
    assert "temperature.svg" in box.plot("temperature")
    assert (tmp_path / "temperature.svg").read_text().startswith('<svg class="curve"')
    box.plot("structure")
    assert (tmp_path / "structure.svg").read_text().count("<circle") == 256
    said = await box.run_script(SCRIPT.replace("run 1000", "run 1000 ps"))
    assert said.startswith("LAMMPS stopped with an error") and "at line 8: `run 1000 ps`" in said


def test_potentials(box: Toolbox) -> None:
    assert "Cu_mishin1.eam.alloy: pair_style eam/alloy; Cu" in box.find_potentials("Cu", "eam/alloy")
    assert box.find_potentials("Xe") == "LAMMPS comes with no potential for Xe"
    said = box.describe_potential("Si.sw")
    assert "pair style: sw" in said and "elements: Si" in said and "units: metal" in said and "Stillinger" in said
    with pytest.raises(UsageError, match=r"no potential file 'Cu_mishin.eam.alloy'; there are .*Cu_mishin1"):
        box.describe_potential("Cu_mishin.eam.alloy")


@pytest.mark.parametrize(
    ("structure", "says"),
    [
        ({"formula": "Cu", "repeat": (2, 2, 2)}, "32 atoms, type 1 Cu"),
        ({"formula": "NaCl", "crystal": "rocksalt", "lattice_constant": 5.6}, "8 atoms, type 1 Na, type 2 Cl"),
        ({"formula": "H2O"}, "3 atoms, type 1 O, type 2 H"),
        ({"formula": "Fe", "repeat": (2, 2, 4), "vacuum": 10.0}, "32 atoms"),
    ],
)
def test_structures(box: Toolbox, structure: dict[str, object], says: str) -> None:
    assert says in box.build_structure(**structure)  # type: ignore[arg-type]
    assert "Masses" in box.files["structure.data"]


@pytest.mark.parametrize(
    ("structure", "says"),
    [
        ({"formula": "Xx"}, "ASE cannot build"),
        ({"formula": "Cu", "repeat": (99, 99, 99)}, "more than 100000 atoms"),
        ({"formula": "Cu", "repeat": (0, 1, 1)}, "1 or more"),
        ({"formula": "Cu", "name": "../cu.data"}, "no plain file name"),
    ],
)
def test_structures_that_cannot_be(box: Toolbox, structure: dict[str, object], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        box.build_structure(**structure)  # type: ignore[arg-type]


async def test_what_needs_a_run_says_so(box: Toolbox) -> None:
    for use in (box.read_output, lambda: box.measure("energy_drift"), lambda: box.plot("energy")):
        with pytest.raises(UsageError, match="use run_script first"):
            use()
    with pytest.raises(UsageError, match="the script is empty"):
        await box.run_script(" ")
    await box.run_script('print "RESULT a = 1 K"')
    with pytest.raises(UsageError, match="nonsense"):
        box.measure("nonsense")
    with pytest.raises(UsageError, match="no dynamics to draw"):
        box.plot("energy")
    with pytest.raises(UsageError, match="no atoms to draw"):
        box.plot("structure")


def test_looking_up(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert "The installed LAMMPS has fix nvt." in look_up("fix nvt")
    assert "names like it: " in look_up("fix nvtt") and "fix nvt" in look_up("fix nvtt")
    assert "ps" in look_up("units metal time")
    assert MANUAL in look_up("thermostat")
    with pytest.raises(UsageError, match="needs a topic"):
        look_up("  ")
    (tmp_path / "fix_nh.html").write_text(
        "<html><script>x()</script><body><h1>fix nvt command</h1>Tdamp is a relaxation &amp; damping time</body></html>"
    )
    monkeypatch.setenv(MANUAL, str(tmp_path))
    said = look_up("relaxation damping thermostat")
    assert "manual, fix_nh: " in said and "relaxation & damping time" in said and "x()" not in said
    monkeypatch.setenv(MANUAL, str(tmp_path / "nowhere"))
    with pytest.raises(UsageError, match="no web pages"):
        look_up("thermostat")


CALLS = {
    "check_script": ({"script": "unitz metal\n"}, "LAMMPS has no command 'unitz'"),
    "build_structure": (
        {"formula": "Ar", "name": "ar.data", "lattice_constant": 5.4, "repeat": [4, 4, 4]},
        "256 atoms",
    ),
    "run_script": ({"script": SCRIPT}, "ran to its end"),
    "read_output": ({"first_line": 1, "lines": 3}, "LAMMPS"),
    "find_potentials": ({"elements": "Si", "style": "sw"}, "Si.sw"),
    "describe_potential": ({"name": "Si.sw"}, "elements: Si"),
    "look_up": ({"topic": "fix nvt"}, "fix nvt"),
    "list_observables": ({}, "energy_drift"),
    "measure": ({"observable": "energy_drift"}, "energy_drift = "),
    "plot": ({"quantity": "energy"}, "energy.svg"),
}


async def use_every_tool(client: Client) -> None:
    listed = (await client.list_tools()).tools
    assert {tool.name for tool in listed} == set(CALLS) and all(tool.description for tool in listed)
    for name, (arguments, says) in CALLS.items():
        result = await client.call_tool(name, arguments)
        assert not result.is_error and says in result.content[0].text, (name, result)  # type: ignore[union-attr]
    result = await client.call_tool("describe_potential", {"name": "nothing.eam"})
    assert result.is_error and "no potential file" in result.content[0].text  # type: ignore[union-attr]
    result = await client.call_tool("plot", {"quantity": "colour"})
    assert result.is_error


async def test_the_official_client_in_process(box: Toolbox) -> None:
    assert {tool.__name__ for tool in tools(box)} == set(CALLS)
    async with Client(create_server(box)) as client:
        await use_every_tool(client)


@pytest.mark.slow
async def test_the_official_client_over_standard_input(tmp_path: Path) -> None:
    arguments = ["-m", "mdevalbench", "serve", "mcp", "-o", str(tmp_path)]
    async with Client(StdioServerParameters(command=sys.executable, args=arguments)) as client:
        await use_every_tool(client)


async def test_the_time_for_all_runs_holds(box: Toolbox) -> None:
    box.build_structure("Ar", "ar.data", lattice_constant=5.4, repeat=(4, 4, 4))
    box.cpu_seconds = 2.0
    said = await box.run_script(SCRIPT.replace("run 1000", "run 10000000"))
    assert "stopped after 2 CPU seconds" in said
    with pytest.raises(UsageError, match="the 2 CPU seconds for runs are used up: submit the best script"):
        await box.run_script(SCRIPT)
