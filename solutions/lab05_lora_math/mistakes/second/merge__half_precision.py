"""mm, mul and add on the tensors in the precision they come in."""

import torch


def merge(
    weight: torch.Tensor, lora_A: torch.Tensor, lora_B: torch.Tensor, alpha: float
) -> torch.Tensor:
    if weight.ndim != 2 or lora_A.ndim != 2 or lora_B.ndim != 2:
        raise ValueError("all three must be matrices")
    if lora_B.shape[1] != lora_A.shape[0] or lora_B.shape[1] < 1:
        raise ValueError("A and B have different ranks")
    if (lora_B.shape[0], lora_A.shape[1]) != tuple(weight.shape):
        raise ValueError("B A has another shape than weight")
    product = torch.mm(lora_B, lora_A).mul(alpha / lora_A.size(0))
    return torch.add(weight, product).type_as(weight)


def unmerge(
    weight: torch.Tensor, lora_A: torch.Tensor, lora_B: torch.Tensor, alpha: float
) -> torch.Tensor:
    return merge(weight, lora_A, lora_B, -alpha)
