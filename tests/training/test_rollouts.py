"""The file of a run: nothing is lost by a kill, nothing counts twice, and lineages can be followed."""

from __future__ import annotations

from pathlib import Path

import pytest

from mdevalbench.training.rollouts import Deal, Rollout, Rollouts


def deal(slot: int, parent: str | None = None) -> Deal:
    return Deal(slot=slot, step=slot // 2, task="family/a", prompt=f"prompt {slot}", parent=parent, depth=bool(parent))


def rollout(name: str, parent: str | None = None) -> Rollout:
    slot = int(name.partition(".")[0])
    return Rollout(
        id=name,
        slot=slot,
        step=slot // 2,
        task="family/a",
        parent=parent,
        depth=bool(parent),
        completion="é\n",
        reward=0.1,
    )


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "grpo" / "rollouts.jsonl"
    path.parent.mkdir()
    return path


def test_what_is_added_is_there_for_others_too(path: Path) -> None:
    ours, others = Rollouts(path), Rollouts(path)
    with ours.locked():
        ours.add([deal(0), rollout("0.0"), rollout("0.1")])
    with others.locked():
        assert list(others.rollouts) == ["0.0", "0.1"]
        others.add([deal(1, "0.1"), rollout("1.0", "0.1")])
    with ours.locked():
        pass
    assert ours.deals == others.deals and ours.rollouts == others.rollouts
    assert [(d.slot, [r.id for r in group]) for d, group in ours.groups()] == [(0, ["0.0", "0.1"]), (1, ["1.0"])]
    assert [r.id for r in ours.lineage(ours.rollouts["1.0"])] == ["1.0", "0.1"]


def test_a_line_that_a_kill_cut_short_is_left_out(path: Path) -> None:
    Rollouts(path).add([deal(0), rollout("0.0")])
    whole = path.read_bytes()
    path.write_bytes(whole + rollout("0.1").model_dump_json().encode()[:50])
    found = Rollouts(path)
    assert list(found.rollouts) == ["0.0"]
    found.forget_after(10)
    assert path.read_bytes() == whole
    found.add([rollout("0.2")])
    assert list(Rollouts(path).rollouts) == ["0.0", "0.2"]


def test_what_training_will_do_again_is_forgotten(path: Path) -> None:
    rollouts = Rollouts(path)
    rollouts.add([line for slot in range(6) for line in (deal(slot), rollout(f"{slot}.0"))])
    rollouts.forget_after(2)
    assert list(rollouts.deals) == [0, 1, 2, 3]
    assert list(Rollouts(path).rollouts) == ["0.0", "1.0", "2.0", "3.0"]
    rollouts.forget_after(0)
    assert not Rollouts(path).deals
