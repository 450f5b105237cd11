"""Every published task file holds the string by which a training corpus can be searched for it."""

from __future__ import annotations

from mdevalbench.tasks import loading

CANARY = "canary 3ed318df-65d9-5f1a-beb5-c16dbeaa3213"


def test_published_task_files_hold_the_canary() -> None:
    root = loading.ROOT
    files = [*root.glob("codegen/*/family.yml"), *root.glob("qa/knowledge/*.yml"), *root.glob("qa/syntax/*.yml")]
    assert len(files) >= 15 + 8
    assert [path.name for path in files if CANARY not in path.read_text().splitlines()[-1]] == []
