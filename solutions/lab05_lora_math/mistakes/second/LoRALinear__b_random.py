"""One helper draws both matrices, uniform within one over the root of their width."""

import torch
from torch import nn


def _draw(weight, rows, columns):
    bound = 1 / columns**0.5
    return nn.Parameter(weight.new_empty(rows, columns).uniform_(-bound, bound))


class LoRALinear(nn.Module):
    def __init__(self, base: nn.Linear, rank: int, alpha: float) -> None:
        super().__init__()
        if not rank >= 1:
            raise ValueError("rank is below 1")
        self.scaling = alpha / rank
        self.base = base.requires_grad_(False)
        self.lora_A = _draw(base.weight, rank, base.in_features)
        self.lora_B = _draw(base.weight, base.out_features, rank)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        change = torch.einsum("...i,ri,or->...o", x, self.lora_A, self.lora_B)
        return torch.add(self.base(x), change, alpha=self.scaling)
