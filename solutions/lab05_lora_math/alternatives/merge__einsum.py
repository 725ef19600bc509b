"""unmerge does the work with einsum; merge calls it with alpha turned negative."""

import torch


def merge(
    weight: torch.Tensor, lora_A: torch.Tensor, lora_B: torch.Tensor, alpha: float
) -> torch.Tensor:
    return unmerge(weight, lora_A, lora_B, -alpha)


def unmerge(
    weight: torch.Tensor, lora_A: torch.Tensor, lora_B: torch.Tensor, alpha: float
) -> torch.Tensor:
    expected = (*lora_B.shape[:1], *lora_A.shape[1:])
    if weight.dim() != 2 or lora_A.dim() != 2 or lora_B.dim() != 2 or weight.shape != expected:
        raise ValueError(f"weight is {tuple(weight.shape)}, B A would be {expected}")
    if lora_A.shape[0] != lora_B.shape[1] or lora_A.numel() == 0:
        raise ValueError("A and B need one rank of at least 1")
    double = weight.dtype is torch.float64
    original, down, up = (
        matrix.double() if double else matrix.float() for matrix in (weight, lora_A, lora_B)
    )
    product = torch.einsum("ri,or->oi", down, up)
    return original.sub(product.mul(alpha / len(down))).type_as(weight)
