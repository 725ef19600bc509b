"""nn.init.normal_ with a spread of one over the root of the rank."""

import math

import torch
from torch import nn


class LoRALinear(nn.Module):
    def __init__(self, base: nn.Linear, rank: int, alpha: float) -> None:
        super().__init__()
        if not rank >= 1:
            raise ValueError("rank is below 1")
        self.scaling = alpha / rank
        self.base = base.requires_grad_(False)
        self.lora_A = nn.Parameter(base.weight.new_empty(rank, base.in_features))
        self.lora_B = nn.Parameter(base.weight.new_empty(base.out_features, rank))
        nn.init.normal_(self.lora_A, mean=0.0, std=1 / math.sqrt(rank))
        nn.init.constant_(self.lora_B, 0.0)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        low = nn.functional.linear(x, self.lora_A)
        return self.base(x) + nn.functional.linear(low, self.scaling * self.lora_B)
