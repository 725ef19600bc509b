"""Keeps alpha as the scaling and multiplies the last product by it, with functional linear
layers."""

import torch
from torch import nn


class LoRALinear(nn.Module):
    def __init__(self, base: nn.Linear, rank: int, alpha: float) -> None:
        super().__init__()
        if rank <= 0:
            raise ValueError("rank must be positive")
        base.requires_grad_(False)
        self.base = base
        self.scaling = alpha * 1.0
        bound = base.in_features**-0.5
        a = base.weight.new_empty((rank, base.in_features)).uniform_(-bound, bound)
        self.lora_A = nn.Parameter(a)
        self.lora_B = nn.Parameter(base.weight.new_zeros((base.out_features, rank)))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        hidden = nn.functional.linear(x, self.lora_A)
        change = nn.functional.linear(hidden, self.lora_B)
        return self.base(x) + change * self.scaling
