"""One einsum over x, A and B; A is drawn by a fresh nn.Linear, whose default range is the same."""

import torch
from torch import nn


class LoRALinear(nn.Module):
    def __init__(self, base: nn.Linear, rank: int, alpha: float) -> None:
        super().__init__()
        if not rank >= 1:
            raise ValueError("rank is below 1")
        for parameter in base.parameters():
            parameter.requires_grad_(False)
        self.base = base
        weight = base.weight
        down = nn.Linear(
            base.in_features, rank, bias=False, device=weight.device, dtype=weight.dtype
        )
        self.register_parameter("lora_A", down.weight)
        self.register_parameter(
            "lora_B", nn.Parameter(weight.detach().new_zeros(base.out_features, rank))
        )
        self.scaling = alpha / rank

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        hidden = torch.einsum("...i,ri->...r", x, self.lora_A)
        change = torch.einsum("...r,or->...o", hidden, self.lora_B)
        return torch.add(self.base(x), change, alpha=self.scaling)
