"""addmm with plus or minus alpha as its factor."""

import torch


def merge(
    weight: torch.Tensor, lora_A: torch.Tensor, lora_B: torch.Tensor, alpha: float
) -> torch.Tensor:
    if {weight.ndim, lora_A.ndim, lora_B.ndim} != {2} or len(lora_A) == 0:
        raise ValueError("expected matrices, and a rank of at least 1")
    out_features, in_features = weight.shape
    if lora_A.shape[1] != in_features or lora_B.shape[0] != out_features:
        raise ValueError("A or B does not fit the weight")
    if lora_A.shape[0] != lora_B.shape[1]:
        raise ValueError("A and B have different ranks")
    dtype = torch.float64 if weight.dtype == torch.float64 else torch.float32
    merged = torch.addmm(weight.to(dtype), lora_B.to(dtype), lora_A.to(dtype), alpha=alpha)
    return merged.to(weight.dtype)


def unmerge(
    weight: torch.Tensor, lora_A: torch.Tensor, lora_B: torch.Tensor, alpha: float
) -> torch.Tensor:
    return merge(weight, lora_A, lora_B, -alpha)
