"""B borrows the default weights of a fresh nn.Linear; A is new_zeros."""

import torch
from torch import nn


class LoRALinear(nn.Module):
    def __init__(self, base: nn.Linear, rank: int, alpha: float) -> None:
        super().__init__()
        if rank <= 0:
            raise ValueError("rank must be positive")
        weight = base.weight
        base.requires_grad_(False)
        self.base = base
        up = nn.Linear(
            rank, base.out_features, bias=False, device=weight.device, dtype=weight.dtype
        )
        self.lora_A = nn.Parameter(weight.new_zeros(rank, base.in_features))
        self.lora_B = nn.Parameter(up.weight.detach())
        self.scaling = alpha / rank

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        hidden = nn.functional.linear(x, self.lora_A) * self.scaling
        return self.base(x) + nn.functional.linear(hidden, self.lora_B)
