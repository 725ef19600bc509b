"""Projects delta on its k leading left singular vectors; math.hypot gives the error."""

import math

import torch


def best_rank_k(delta: torch.Tensor, k: int) -> tuple[torch.Tensor, float]:
    if k < 0:
        raise ValueError(f"k is {k}")
    if delta.ndim != 2:
        raise ValueError("delta must be a matrix")
    if torch.isnan(delta).any() or torch.isinf(delta).any():
        raise ValueError("delta must be finite")
    exact = delta.detach().double()
    left, values, _ = torch.linalg.svd(exact, full_matrices=False)
    basis = left[:, :k]
    projected = basis @ (basis.T @ exact)
    return projected.to(delta.dtype), math.hypot(*values[k:].tolist())
