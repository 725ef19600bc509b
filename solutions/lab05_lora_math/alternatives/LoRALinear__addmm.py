"""Flattens x to a matrix and adds the product onto the base's output in one addmm."""

import math

import torch
from torch import nn


class LoRALinear(nn.Module):
    def __init__(self, base: nn.Linear, rank: int, alpha: float) -> None:
        super().__init__()
        if rank < 1:
            raise ValueError(f"rank is {rank}")
        out_features, in_features = base.weight.shape
        self.scaling = alpha / rank
        self.base = base.requires_grad_(False)
        self.lora_A = nn.Parameter(base.weight.detach().new_empty((rank, in_features)))
        self.lora_B = nn.Parameter(base.weight.detach().new_empty((out_features, rank)))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        limit = math.sqrt(1 / self.lora_A.shape[1])
        nn.init.uniform_(self.lora_A, -limit, limit)
        nn.init.zeros_(self.lora_B)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        rows = x.reshape(math.prod(x.shape[:-1]), x.shape[-1])
        adapted = torch.addmm(
            self.base(rows), rows @ self.lora_A.T, self.lora_B.T, alpha=self.scaling
        )
        return adapted.reshape(*x.shape[:-1], adapted.shape[-1])
