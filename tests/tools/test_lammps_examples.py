"""The tool that compares engine and bare `lmp`: on a small tree, and against results that it must object to."""

from __future__ import annotations

import json
from pathlib import Path

import lammps_examples
import pytest
from fidelity import inputs, thermo
from fidelity.store import Store

from mdevalbench.lammps.job import Job
from mdevalbench.lammps.pool import Pool

ARGON = """units lj
lattice fcc 0.8
region box block 0 3 0 3 0 3
create_box 1 box
create_atoms 1 box
mass 1 1.0
pair_style lj/cut 2.5
pair_coeff 1 1 1.0 1.0
velocity all create 1.0 4711
fix 1 all nve
thermo 5
"""
TREE = {
    "melt/in.melt": ARGON + "run 20\njump in.more\n",
    "melt/in.more": "print 'nothing but a line'\n",
    "melt/in.wrong": ARGON + "run 20\nfix 2 all nonesuch\n",
    "melt/in.missing": "units lj\nread_data ../data.away\n",
    "melt/in.shell": ARGON + "run 5\nshell cd .\n",
    "quit/in.quit": ARGON + "run 5\nquit 3\n",
}


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for name, text in TREE.items():
        file = tmp_path / "tree" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    (tmp_path / "tree" / "melt" / "away.link").symlink_to("nowhere")
    return tmp_path / "tree"


def test_a_small_tree(tree: Path, tmp_path: Path) -> None:
    output = tmp_path / "found"
    arguments = ["--tree", str(tree), "--output", str(output), "--jobs", "2"]
    assert lammps_examples.main(arguments) == 0
    figures = json.loads((output / "summary.json").read_text())
    assert figures["static"]["accepted by LAMMPS"] == 3
    assert figures["static"]["of these accepted by the check"] == 2
    assert figures["static"]["of these with forbidden commands"] == ["melt/in.shell"]
    for kind in ("skiprun", "real"):
        assert (figures[kind]["compared"], figures[kind]["same"]) == (6, 5)
        (difference,) = figures[kind]["differences"]
        assert (difference["name"], difference["cause"]) == ("melt/in.shell", "forbidden command: shell")
        assert figures[kind]["percent, forbidden commands apart"] == 100
    assert figures["real"]["with thermo output"] == figures["real"]["of these every row the same"] == 4
    assert "melt/in.shell" in (output / "summary.md").read_text()
    store = Store(output)
    assert len(thermo.rows(store.output("engine-real", "melt/in.melt"))) == 5
    assert store.results["bare-real"]["quit/in.quit"]["exit_code"] == 3
    assert store.results["engine-skip"]["melt/in.wrong"]["line"] == 13

    before = {file.name: file.read_bytes() for file in output.glob("*.jsonl")}
    cut = output / "engine-real.jsonl"
    cut.write_text(cut.read_text()[:-20])  # as a kill may leave it
    assert lammps_examples.main(arguments) == 0
    assert {name: sorted(content) for name, content in before.items() if name != cut.name} == {
        file.name: sorted(file.read_bytes()) for file in output.glob("*.jsonl") if file != cut
    }
    assert len(cut.read_text().splitlines()) == 6


def test_it_objects(tree: Path, tmp_path: Path) -> None:
    output = tmp_path / "found"
    arguments = ["--tree", str(tree), "--output", str(output), "--only", "melt/in.melt", "melt/in.wrong"]
    assert lammps_examples.main(arguments) == 0
    store = Store(output)
    found, printed = (
        store.results["engine-real"]["melt/in.melt"],
        store.output("engine-real", "melt/in.melt"),
    )
    last = thermo.rows(printed)[-1].split()[-1]
    store.add("engine-real", "melt/in.melt", found, printed.replace(last, "0.123"))
    assert lammps_examples.main([*arguments, "--report-only"]) == 1
    store.add("engine-real", "melt/in.melt", found, printed)
    assert lammps_examples.main([*arguments, "--report-only"]) == 0
    alarm = {"severity": "error", "line": 12, "code": "unknown-command", "message": "no such thing"}
    store.add("check", "melt/in.wrong", {"findings": [alarm]})
    assert lammps_examples.main([*arguments, "--report-only"]) == 1
    store.add("check", "melt/in.wrong", {"findings": [alarm | {"line": 13}]})
    assert lammps_examples.main([*arguments, "--report-only"]) == 0
    store.add("engine-skip", "melt/in.melt", found | {"exit_code": 1, "ending": "error", "message": "another"})
    assert lammps_examples.main([*arguments, "--report-only"]) == 1


def test_shards_are_all_inputs(tree: Path) -> None:
    shards = [inputs.names(tree, shard=(number, 4)) for number in range(1, 5)]
    assert sorted(name for shard in shards for name in shard) == sorted(TREE)
    assert inputs.names(tree, ["quit/*", "*/in.m?lt"]) == ["melt/in.melt", "quit/in.quit"]


@pytest.mark.parametrize(
    "style",
    [
        "thermo_style one",
        "thermo_style custom step cpu temp tpcpu cpuremain press",
        "thermo_style custom temp press step",
        "thermo_style multi",
        "thermo_style yaml",
        "thermo_style custom step temp cpu etotal\nthermo_modify line multi",
    ],
)
def test_rows_of_every_style(pool: Pool, style: str) -> None:
    """Two loops of four and two rows; two runs that differ in nothing but time have the same rows."""
    script = ARGON.replace("thermo 5\n", f"{style}\nthermo 5\n") + "print '1 2 3 4 5 6'\nrun 15\nprint 'x = 2'\nrun 5\n"
    first, second = (thermo.rows(pool.run(Job(script)).output) for _ in range(2))
    assert len(first) == 6 and first == second
    assert len(set(first)) >= 5  # the second loop begins with the row that the first one ended with
    other = thermo.rows(pool.run(Job(script.replace("4711", "4712"))).output)
    assert all(one != changed for one, changed in zip(first[1:], other[1:], strict=True))
