"""Adds one scaled outer product per unit of rank to a copy of the weight."""

import torch


def _rank(weight, lora_A, lora_B):
    if (weight.ndim, lora_A.ndim, lora_B.ndim) != (2, 2, 2):
        raise ValueError("weight, A and B are matrices")
    if lora_A.size(0) == 0 or lora_A.size(0) != lora_B.size(1):
        raise ValueError("A and B must share a rank of at least 1")
    if lora_A.size(1) != weight.size(1) or lora_B.size(0) != weight.size(0):
        raise ValueError("A or B does not fit the weight")
    return lora_A.size(0)


def _accurate(weight):
    if weight.dtype in (torch.float16, torch.bfloat16):
        return torch.float32
    return weight.dtype


def merge(
    weight: torch.Tensor, lora_A: torch.Tensor, lora_B: torch.Tensor, alpha: float
) -> torch.Tensor:
    rank, dtype = _rank(weight, lora_A, lora_B), _accurate(weight)
    product = torch.zeros_like(weight, dtype=dtype)
    for index in range(rank):
        product = product + torch.outer(lora_B[:, index].to(dtype), lora_A[index].to(dtype))
    return (weight.to(dtype) + product * (alpha / rank)).to(weight.dtype)


def unmerge(
    weight: torch.Tensor, lora_A: torch.Tensor, lora_B: torch.Tensor, alpha: float
) -> torch.Tensor:
    rank, dtype = _rank(weight, lora_A, lora_B), _accurate(weight)
    product = torch.zeros_like(weight, dtype=dtype)
    for index in range(rank):
        product = product + torch.outer(lora_B[:, index].to(dtype), lora_A[index].to(dtype))
    return (weight.to(dtype) - product * (alpha / rank)).to(weight.dtype)
