"""Copies the result back into weight before returning it."""

import torch


def merge(
    weight: torch.Tensor, lora_A: torch.Tensor, lora_B: torch.Tensor, alpha: float
) -> torch.Tensor:
    if {weight.ndim, lora_A.ndim, lora_B.ndim} != {2} or len(lora_A) == 0:
        raise ValueError("expected matrices, and a rank of at least 1")
    rows, columns = weight.shape
    rank = len(lora_A)
    if tuple(lora_A.shape) != (rank, columns) or tuple(lora_B.shape) != (rows, rank):
        raise ValueError("A, B and weight do not fit")
    dtype = torch.float64 if weight.dtype == torch.float64 else torch.float32
    with torch.no_grad():
        scaled = lora_B.to(dtype) * (alpha / rank)
        weight.copy_(weight.to(dtype) + scaled @ lora_A.to(dtype))
    return weight


def unmerge(
    weight: torch.Tensor, lora_A: torch.Tensor, lora_B: torch.Tensor, alpha: float
) -> torch.Tensor:
    return merge(weight, lora_A, lora_B, -alpha)
