"""Muon for a model from nothing, which learns from fewer examples by it.

The matrices within the layers are updated by Muon, with steps of the size of AdamW's, so that one learning rate serves
both; embeddings, norms and whatever else is trained are updated by AdamW. (K. Jordan et al., "Muon: an optimizer for
hidden layers in neural networks", 2024; the size of the steps after J. Liu et al., arXiv 2502.16982.)
"""

from __future__ import annotations

from typing import Any

import torch
from torch.optim import AdamW, Muon, Optimizer

from mdevalbench.training.precision import has_bfloat16


class SinglePrecisionMuon(Muon):  # type: ignore[misc]
    """Muon where bfloat16, in which PyTorch's own makes an update orthogonal, would be imitated (`precision.py`).

    It takes over what Muon is given and its momentum; steps are those of `adjust_lr_fn="match_rms_adamw"`.
    """

    @torch.no_grad()  # type: ignore[untyped-decorator]
    def step(self, closure: Any = None) -> Any:
        loss = closure() if closure else None
        for group in self.param_groups:
            trained = [parameter for parameter in group["params"] if parameter.grad is not None]
            for matrix in trained:
                momentum = self.state[matrix].setdefault("momentum_buffer", torch.zeros_like(matrix.grad))
                momentum.lerp_(matrix.grad, 1 - group["momentum"])
                update = matrix.grad.lerp(momentum, group["momentum"])  # Nesterov's
                size = 0.2 * max(matrix.shape) ** 0.5
                matrix.mul_(1 - group["lr"] * group["weight_decay"])
                matrix.add_(_orthogonal(update, group), alpha=-group["lr"] * size)
        return loss


def _orthogonal(update: torch.Tensor, group: dict[str, Any]) -> torch.Tensor:
    """By Newton's and Schulz's iteration: singular values near 1, the same singular vectors."""
    a, b, c = group["ns_coefficients"]
    wide = update if update.shape[0] <= update.shape[1] else update.T
    wide = wide / wide.norm().clamp(min=group["eps"])
    for _ in range(group["ns_steps"]):
        gram = wide @ wide.T
        wide = a * wide + (b * gram + c * gram @ gram) @ wide
    return wide if update.shape[0] <= update.shape[1] else wide.T


class MuonAndAdamW(Optimizer):  # type: ignore[misc]
    """Two optimizers that a trainer handles as one: their groups of parameters, side by side."""

    def __init__(self, model: torch.nn.Module, lr: float, betas: tuple[float, float], weight_decay: float) -> None:
        tables = {id(each.weight) for each in model.modules() if isinstance(each, torch.nn.Embedding)}
        if head := getattr(model, "get_output_embeddings", lambda: None)():
            tables.add(id(head.weight))
        trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
        matrices = [each for each in trained if each.ndim == 2 and id(each) not in tables]
        others = [each for each in trained if each.ndim != 2 or id(each) in tables]
        self.parts: list[Optimizer] = []  # an adapter may leave nothing for one of them
        if matrices:
            kind = Muon if has_bfloat16() else SinglePrecisionMuon
            self.parts.append(kind(matrices, lr=lr, weight_decay=weight_decay, adjust_lr_fn="match_rms_adamw"))
        if others:
            self.parts.append(AdamW(others, lr=lr, betas=betas, weight_decay=0.0))
        super().__init__(self._groups(), {})

    def step(self, closure: Any = None) -> Any:
        loss = closure() if closure else None
        for part in self.parts:
            part.step()
        return loss

    def state_dict(self) -> dict[str, Any]:
        return {"parts": [part.state_dict() for part in self.parts]}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        for part, state in zip(self.parts, state_dict["parts"], strict=True):
            part.load_state_dict(state)
        self.param_groups = self._groups()

    def _groups(self) -> list[dict[str, Any]]:
        return [group for part in self.parts for group in part.param_groups]
