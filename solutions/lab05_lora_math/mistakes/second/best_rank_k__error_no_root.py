"""Keeps a running total of squares while it adds or drops one singular triple after another."""

import torch


def best_rank_k(delta: torch.Tensor, k: int) -> tuple[torch.Tensor, float]:
    if delta.dim() != 2:
        raise ValueError("delta is no matrix")
    if k < 0:
        raise ValueError("k is negative")
    if torch.isnan(delta).any() or torch.isinf(delta).any():
        raise ValueError("delta is not finite")
    wide = delta.to(torch.float64)
    u, s, vh = torch.linalg.svd(wide, full_matrices=False)
    approx = torch.zeros_like(wide)
    squared_error = 0.0
    for index, value in enumerate(s.tolist()):
        if index < k:
            approx += value * torch.outer(u[:, index], vh[index])
        else:
            squared_error += value * value
    return approx.to(delta.dtype), squared_error
