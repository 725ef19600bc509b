"""Adds the scaled product to the weight and applies the sum in one linear call, without a bias."""

import torch
from torch import nn


class LoRALinear(nn.Module):
    def __init__(self, base: nn.Linear, rank: int, alpha: float) -> None:
        super().__init__()
        if rank <= 0:
            raise ValueError("rank must be positive")
        self.base = base.requires_grad_(False)
        self.scaling = alpha / rank
        bound = base.in_features**-0.5
        a = base.weight.new_empty((rank, base.in_features)).uniform_(-bound, bound)
        self.lora_A = nn.Parameter(a)
        self.lora_B = nn.Parameter(base.weight.new_zeros((base.out_features, rank)))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        change = self.lora_B @ self.lora_A * self.scaling
        return nn.functional.linear(x, self.base.weight + change)
