"""Scales B instead of the output and lets two matmuls run from the right: B (A x^T), transposed."""

import torch
from torch import nn


class LoRALinear(nn.Module):
    def __init__(self, base: nn.Linear, rank: int, alpha: float) -> None:
        if rank < 1:
            raise ValueError("a rank starts at 1")
        super().__init__()
        self.base = base
        self.lora_A = nn.Parameter(torch.empty_like(base.weight[:1].expand(rank, -1)).detach())
        self.lora_B = nn.Parameter(torch.zeros_like(base.weight[:, :1].expand(-1, rank)).detach())
        with torch.no_grad():
            self.lora_A.copy_((torch.rand_like(self.lora_A) * 2 - 1) / base.in_features**0.5)
        for name in ("weight", "bias"):
            parameter = getattr(base, name)
            if parameter is not None:
                parameter.requires_grad = False
        self.scaling = alpha / rank

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        columns = x.unsqueeze(-1)
        update = (self.scaling * self.lora_B) @ (self.lora_A @ columns)
        return self.base(x) + update.squeeze(-1)
