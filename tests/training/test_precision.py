"""Half precision is for machines that have it: others imitate it at a fraction of the speed."""

from __future__ import annotations

from pathlib import Path

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("trl")

from mdevalbench.training import precision, stages  # noqa: E402
from mdevalbench.training.recipe import read_recipe  # noqa: E402
from mdevalbench.training.run import Run  # noqa: E402


@pytest.mark.parametrize(("name", "has"), [("avx512_bf16", True), ("amx_bf16", True), ("bf16", True), ("avx2", False)])
def test_what_a_processor_says_of_itself(monkeypatch: pytest.MonkeyPatch, name: str, has: bool) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"architecture": "any", name: True})
    assert precision.has_bfloat16() is has


@pytest.mark.parametrize("has", [True, False])
def test_a_recipe_gets_it_where_it_is_there(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture, has: bool
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx512_bf16": has})
    run = Run.open(read_recipe("nano", ()), tmp_path, "cpt")
    assert stages._arguments(run).bf16 is has
    assert ("no instructions for bfloat16" in caplog.text) is not has
