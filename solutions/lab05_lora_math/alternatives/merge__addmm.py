"""addmm with the scale as its factor, plus for merge and minus for unmerge."""

import torch


def _signed(weight, lora_A, lora_B, alpha):
    for matrix in (weight, lora_A, lora_B):
        if matrix.dim() != 2:
            raise ValueError(f"expected a matrix, got shape {tuple(matrix.shape)}")
    (out_features, in_features), (rank, columns), (rows, width) = (
        weight.shape,
        lora_A.shape,
        lora_B.shape,
    )
    if rank < 1 or (rank, columns, rows) != (width, in_features, out_features):
        raise ValueError("the three shapes do not fit together")
    wide = torch.float64 if weight.dtype == torch.float64 else torch.float32
    result = torch.addmm(weight.to(wide), lora_B.to(wide), lora_A.to(wide), alpha=alpha / rank)
    return result.to(weight.dtype)


def merge(
    weight: torch.Tensor, lora_A: torch.Tensor, lora_B: torch.Tensor, alpha: float
) -> torch.Tensor:
    return _signed(weight, lora_A, lora_B, alpha)


def unmerge(
    weight: torch.Tensor, lora_A: torch.Tensor, lora_B: torch.Tensor, alpha: float
) -> torch.Tensor:
    return _signed(weight, lora_A, lora_B, -alpha)
