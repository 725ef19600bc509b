"""Both products are functional.linear calls; the parameters are made from empty_like tensors."""

import torch
from torch import nn
from torch.nn import functional as F


class LoRALinear(nn.Module):
    def __init__(self, base: nn.Linear, rank: int, alpha: float) -> None:
        super().__init__()
        if rank <= 0:
            raise ValueError("rank must be positive")
        self.base = base
        self.base.weight.requires_grad = False
        if self.base.bias is not None:
            self.base.bias.requires_grad = False
        width, height = base.in_features, base.out_features
        options = {"dtype": base.weight.dtype, "device": base.weight.device}
        bound = width**-0.5
        self.lora_A = nn.Parameter(torch.empty(rank, width, **options).uniform_(-bound, bound))
        self.lora_B = nn.Parameter(torch.zeros(height, rank, **options))
        self.scaling = float(alpha) / rank

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        out = self.base(x)
        out = out + F.linear(F.linear(x, self.lora_A), self.lora_B) * self.scaling
        return out
