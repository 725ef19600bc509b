"""You add to the weight you were given and so change the caller's tensor. Compute into a new tensor
and leave the inputs as they are."""

import torch


def _change(weight, lora_A, lora_B, alpha):
    if not weight.ndim == lora_A.ndim == lora_B.ndim == 2 or lora_A.shape[0] == 0:
        raise ValueError("weight, A and B must be matrices, A with a row at least")
    rank = lora_A.shape[0]
    if lora_B.shape != (weight.shape[0], rank) or lora_A.shape != (rank, weight.shape[1]):
        raise ValueError("shapes do not fit together")
    exact = torch.promote_types(weight.dtype, torch.float32)
    return (alpha / rank) * (lora_B.to(exact) @ lora_A.to(exact))


@torch.no_grad()
def merge(
    weight: torch.Tensor, lora_A: torch.Tensor, lora_B: torch.Tensor, alpha: float
) -> torch.Tensor:
    weight += _change(weight, lora_A, lora_B, alpha)
    return weight


@torch.no_grad()
def unmerge(
    weight: torch.Tensor, lora_A: torch.Tensor, lora_B: torch.Tensor, alpha: float
) -> torch.Tensor:
    weight -= _change(weight, lora_A, lora_B, alpha)
    return weight
