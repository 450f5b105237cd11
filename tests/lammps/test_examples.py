"""Real inputs: the examples of Debian's package `lammps-examples`, where it is installed."""

from __future__ import annotations

import json
import re
from pathlib import Path

import lammps_examples
import pytest
from fidelity import inputs, sides, thermo
from fidelity.inputs import Example

from mdevalbench.extract import extract
from mdevalbench.lammps.pool import Pool

TREE = inputs.installed()
pytestmark = pytest.mark.skipif(TREE is None, reason="lammps-examples is not installed")


def of_lammps(text: str) -> bool:
    """Whether an input is one of LAMMPS and not of another program beside it."""
    return any(
        line.startswith(("units", "pair_style", "atom_style", "read_data", "run", "include"))
        for line in text.splitlines()
    )


def test_bare_text_is_taken_whole() -> None:
    assert TREE is not None
    texts = {name: Example(name, TREE / name).script.replace("\r\n", "\n") for name in inputs.names(TREE)}
    ours = [name for name in texts if of_lammps(texts[name])]
    assert len(ours) > 0.95 * len(texts) > 500
    assert [name for name in ours if extract(texts[name]).script != texts[name]] == []


@pytest.mark.slow
def test_every_input_without_its_loops(tmp_path: Path) -> None:
    """The static check accepts what LAMMPS accepts, and the engine ends as `lmp -skiprun` does (2 CPU minutes)."""
    assert lammps_examples.main(["--output", str(tmp_path), "--real-seconds", "0"]) == 0
    figures = json.loads((tmp_path / "summary.json").read_text())
    assert figures["static"]["false alarms"] == []
    assert figures["static"]["accepted by LAMMPS"] > 300
    assert figures["skiprun"]["compared"] > 600
    assert figures["skiprun"]["percent, forbidden commands apart"] >= 99.5


SHORT = [
    "PACKAGES/dpd-react/dpdp-shardlow/*", "body/in.pour3d", "fire/in.fire", "flow/in.flow.pois",
    "multi/in.colloid", "obstacle/in.obstacle", "rigid/in.rigid.early", "wall/in.wall.specular",
]  # fmt: skip
"""Inputs of many kinds that take less than two CPU seconds each."""


@pytest.mark.slow
def test_some_inputs_for_real(tmp_path: Path) -> None:
    """As under `lmp`, to the last row (about 30 CPU seconds)."""
    assert lammps_examples.main(["--output", str(tmp_path), "--real-seconds", "10", "--only", *SHORT]) == 0
    real = json.loads((tmp_path / "summary.json").read_text())["real"]
    assert real["compared"] == real["same"] == real["of these every row the same"] == len(SHORT)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("rerun/in.first", "rerun/in.rerun"),
        ("rerun/in.first", "rerun/in.read_dump"),
        ("rerun/in.rdf.first", "rerun/in.rdf.rerun"),
        ("template/in.molecular-mix", "template/in.mol-restart-mix"),
        ("template/in.template-mix", "template/in.tmpl-restart-mix"),
        ("SPIN/read_restart/in.spin.write_restart", "SPIN/read_restart/in.spin.restart"),
    ],
)
def test_one_input_reads_what_another_has_written(pool: Pool, tmp_path: Path, first: str, second: str) -> None:
    """Trajectories and restart files, in one script since a job's folder ends with it."""
    assert TREE is not None
    for name, content in Example(first, TREE / first).files.items():
        (tmp_path / name).write_bytes(content)
    texts = [Example(name, TREE / name).script for name in (first, second)]
    joined = Example("joined", tmp_path / "in.joined")
    text = "\nclear\n".join(texts).replace("#write_restart", "write_restart")
    shorter = re.sub(r"^run 2[05]00", "run 200", text, flags=re.MULTILINE).replace("equal 20*", "equal 8*")
    joined.path.write_text(shorter)
    bare, printed = sides.bare(joined, skip_loops=False, cpu_seconds=60)
    engine, recorded = sides.engine(pool, joined, skip_loops=False, cpu_seconds=300)
    assert (engine.exit_code, engine.message) == (bare.exit_code, bare.message)
    assert "Cannot open" not in bare.message
    assert thermo.rows(recorded) == thermo.rows(printed) != []
