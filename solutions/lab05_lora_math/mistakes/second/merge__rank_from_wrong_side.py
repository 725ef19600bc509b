"""The last axis of A and of weight are taken for the rank, through a signed helper."""

import torch


def _apply(weight, lora_A, lora_B, signed_alpha):
    if {weight.ndim, lora_A.ndim, lora_B.ndim} != {2} or len(lora_A) == 0:
        raise ValueError("expected matrices, and a rank of at least 1")
    rank, in_features = lora_A.shape
    out_features, other_rank = lora_B.shape
    if rank != other_rank or tuple(weight.shape) != (out_features, in_features):
        raise ValueError("shapes do not fit together")
    dtype = torch.float64 if weight.dtype == torch.float64 else torch.float32
    product = torch.einsum("or,ri->oi", lora_B.to(dtype), lora_A.to(dtype))
    return (weight.to(dtype) + product * (signed_alpha / weight.size(-1))).to(weight.dtype)


def merge(
    weight: torch.Tensor, lora_A: torch.Tensor, lora_B: torch.Tensor, alpha: float
) -> torch.Tensor:
    return _apply(weight, lora_A, lora_B, alpha)


def unmerge(
    weight: torch.Tensor, lora_A: torch.Tensor, lora_B: torch.Tensor, alpha: float
) -> torch.Tensor:
    return _apply(weight, lora_A, lora_B, -alpha)
