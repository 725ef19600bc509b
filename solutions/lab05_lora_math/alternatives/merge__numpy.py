"""Computes in numpy: float32 arrays, float64 ones for a float64 weight; A is scaled first."""

import numpy as np
import torch


def _arrays(weight, lora_A, lora_B):
    if not all(matrix.ndim == 2 for matrix in (weight, lora_A, lora_B)):
        raise ValueError("expected three matrices")
    rank = len(lora_A)
    fits = weight.shape == (len(lora_B), lora_A.shape[1]) and lora_B.shape[1] == rank
    if not fits or rank == 0:
        raise ValueError("the three shapes do not fit together")
    dtype = torch.float64 if weight.dtype == torch.float64 else torch.float32
    return [matrix.detach().to(dtype).cpu().numpy() for matrix in (weight, lora_A, lora_B)]


def merge(
    weight: torch.Tensor, lora_A: torch.Tensor, lora_B: torch.Tensor, alpha: float
) -> torch.Tensor:
    w, a, b = _arrays(weight, lora_A, lora_B)
    scaled = np.multiply(a, a.dtype.type(alpha / a.shape[0]))
    return torch.from_numpy(np.add(w, b @ scaled)).to(weight.dtype)


def unmerge(
    weight: torch.Tensor, lora_A: torch.Tensor, lora_B: torch.Tensor, alpha: float
) -> torch.Tensor:
    w, a, b = _arrays(weight, lora_A, lora_B)
    scaled = np.multiply(a, a.dtype.type(alpha / a.shape[0]))
    return torch.from_numpy(np.subtract(w, b @ scaled)).to(weight.dtype)
