"""Writes the two products with matmul and draws A by hand; the base goes in as it came."""

import math

import torch
from torch import nn


class LoRALinear(nn.Module):
    def __init__(self, base: nn.Linear, rank: int, alpha: float) -> None:
        if rank < 1:
            raise ValueError("rank must be at least 1")
        super().__init__()
        self.base, self.scaling = base, alpha / rank
        limit = 1 / math.sqrt(base.in_features)
        down = torch.empty_like(base.weight[:1]).repeat(rank, 1)
        self.lora_A = nn.Parameter(down.detach().uniform_(-limit, limit))
        self.lora_B = nn.Parameter(base.weight.detach().new_zeros(base.out_features, rank))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        hidden = torch.matmul(x, self.lora_A.transpose(0, 1))
        update = torch.matmul(hidden, self.lora_B.transpose(0, 1))
        return update.mul(self.scaling) + self.base(x)
