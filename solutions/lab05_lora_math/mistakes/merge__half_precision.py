"""You multiply and add half-precision numbers as they are and round at each step. Go to float32
first and round once, when you return."""

import torch


def _change(weight, lora_A, lora_B, alpha):
    if not weight.ndim == lora_A.ndim == lora_B.ndim == 2 or lora_A.shape[0] == 0:
        raise ValueError("weight, A and B must be matrices, A with a row at least")
    rank = lora_A.shape[0]
    if lora_B.shape != (weight.shape[0], rank) or lora_A.shape != (rank, weight.shape[1]):
        raise ValueError("shapes do not fit together")
    return (alpha / rank) * (lora_B @ lora_A)


def merge(
    weight: torch.Tensor, lora_A: torch.Tensor, lora_B: torch.Tensor, alpha: float
) -> torch.Tensor:
    return (weight + _change(weight, lora_A, lora_B, alpha)).to(weight.dtype)


def unmerge(
    weight: torch.Tensor, lora_A: torch.Tensor, lora_B: torch.Tensor, alpha: float
) -> torch.Tensor:
    return (weight - _change(weight, lora_A, lora_B, alpha)).to(weight.dtype)
