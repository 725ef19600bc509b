"""unmerge hands its arguments to merge and forgets to turn the sign."""

import torch


def merge(
    weight: torch.Tensor, lora_A: torch.Tensor, lora_B: torch.Tensor, alpha: float
) -> torch.Tensor:
    if {weight.ndim, lora_A.ndim, lora_B.ndim} != {2} or len(lora_A) == 0:
        raise ValueError("expected matrices, and a rank of at least 1")
    rank, in_features = lora_A.shape
    if lora_B.shape[1] != rank or weight.shape != (lora_B.shape[0], in_features):
        raise ValueError("A, B and weight do not fit")
    dtype = torch.float64 if weight.dtype == torch.float64 else torch.float32
    total = weight.to(dtype).clone()
    for row, column in zip(lora_A.to(dtype), lora_B.to(dtype).T, strict=True):
        total += torch.outer(column, row) * (alpha / rank)
    return total.to(weight.dtype)


def unmerge(
    weight: torch.Tensor, lora_A: torch.Tensor, lora_B: torch.Tensor, alpha: float
) -> torch.Tensor:
    return merge(weight, lora_A, lora_B, alpha)
