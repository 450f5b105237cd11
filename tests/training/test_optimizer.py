"""Muon beside AdamW: who updates what, that both learn, and that a state comes back."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

from mdevalbench.training.optimizer import MuonAndAdamW, SinglePrecisionMuon  # noqa: E402


def model(tied: bool = True) -> object:
    torch.manual_seed(0)
    shape = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 1, "num_attention_heads": 2}
    more = {"num_key_value_heads": 1, "head_dim": 16, "vocab_size": 64, "tie_word_embeddings": tied}
    return transformers.Qwen3ForCausalLM(transformers.Qwen3Config(**shape, **more))


def optimizer(of: object, rate: float = 1e-2) -> MuonAndAdamW:
    return MuonAndAdamW(of, lr=rate, betas=(0.9, 0.98), weight_decay=0.0)  # type: ignore[arg-type]


@pytest.mark.parametrize("tied", [True, False])
def test_matrices_of_layers_go_to_muon_and_everything_else_to_adamw(tied: bool) -> None:
    found = model(tied)
    names = {id(parameter): name for name, parameter in found.named_parameters()}  # type: ignore[attr-defined]
    muon, adamw = (
        [names[id(p)] for group in part.param_groups for p in group["params"]] for part in optimizer(found).parts
    )
    assert muon and all("proj" in name for name in muon)
    assert "model.embed_tokens.weight" in adamw and all("proj" not in name for name in adamw)
    assert len(muon) + len(adamw) == len(names) and ("lm_head.weight" in adamw) is not tied


def train(of: object, by: MuonAndAdamW, steps: int) -> list[float]:
    ids = torch.arange(48).reshape(2, 24) % 64
    losses = []
    for _ in range(steps):
        loss = of(input_ids=ids, labels=ids).loss  # type: ignore[operator]
        loss.backward()
        by.step()
        by.zero_grad()
        losses.append(loss.item())
    return losses


def test_it_learns_and_its_state_comes_back() -> None:
    whole, part = model(), model()
    by, before = optimizer(whole), optimizer(part)
    losses = train(whole, by, 12)
    assert losses[-1] < 0.5 * losses[0]
    train(part, before, 6)
    again = optimizer(part)
    again.load_state_dict(before.state_dict())
    assert train(part, again, 6) == pytest.approx(losses[6:])
    assert [group["lr"] for group in again.param_groups] == [1e-2, 1e-2]


def test_in_single_precision_muon_takes_the_same_steps() -> None:
    """As PyTorch's, up to the two or three digits that are left of a number in bfloat16."""
    torch.manual_seed(0)
    tall, wide = torch.randn(48, 16), torch.randn(16, 48)
    ours, theirs = ([torch.nn.Parameter(matrix.clone()) for matrix in (tall, wide)] for _ in range(2))
    settings = {"lr": 1e-2, "weight_decay": 0.1, "adjust_lr_fn": "match_rms_adamw"}
    pair = SinglePrecisionMuon(ours, **settings), torch.optim.Muon(theirs, **settings)
    for _ in range(3):
        for a, b in zip(ours, theirs, strict=True):
            a.grad = torch.randn_like(a)
            b.grad = a.grad.clone()
        for one in pair:
            one.step()
    for a, b, start in zip(ours, theirs, (tall, wide), strict=True):
        assert float((a - b).norm() / (b - start).norm()) < 0.02


def test_an_adapter_of_matrices_alone_leaves_nothing_for_adamw() -> None:
    found = model()
    for name, parameter in found.named_parameters():  # type: ignore[attr-defined]
        parameter.requires_grad = "q_proj" in name
    by = optimizer(found)
    assert len(by.parts) == 1
    assert len(train(found, by, 2)) == 2


def test_a_schedule_reaches_both() -> None:
    by = optimizer(model())
    schedule = torch.optim.lr_scheduler.LambdaLR(by, lambda step: 0.5**step)
    by.step()
    schedule.step()
    assert [group["lr"] for part in by.parts for group in part.param_groups] == [5e-3, 5e-3]
