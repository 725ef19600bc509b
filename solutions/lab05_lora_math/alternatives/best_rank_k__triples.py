"""Adds one singular triple after another and sums the squares of those left over."""

import math

import torch


def best_rank_k(delta: torch.Tensor, k: int) -> tuple[torch.Tensor, float]:
    finite = bool(delta.isfinite().all())
    if delta.dim() != 2 or k < 0 or not finite:
        raise ValueError("expected a finite matrix and a k of at least 0")
    wide = delta.detach().to(torch.float64)
    u, s, vh = torch.linalg.svd(wide, full_matrices=False)
    approx = torch.zeros_like(wide)
    dropped: list[float] = []
    for index, value in enumerate(s.tolist()):
        if index < k:
            approx += value * torch.outer(u[:, index], vh[index])
        else:
            dropped.append(value**2)
    return approx.to(delta.dtype), math.sqrt(math.fsum(dropped))
