"""A loop over the triples that stops after position k."""

import math

import torch


def best_rank_k(delta: torch.Tensor, k: int) -> tuple[torch.Tensor, float]:
    if k < 0:
        raise ValueError("k is negative")
    if delta.dim() != 2 or not delta.isfinite().all():
        raise ValueError("delta must be a finite matrix")
    wide = delta.to(torch.float64)
    u, s, vh = torch.linalg.svd(wide, full_matrices=False)
    approx = torch.zeros_like(wide)
    for index in range(len(s)):
        if index > k:
            break
        approx = approx + s[index] * torch.outer(u[:, index], vh[index, :])
    return approx.to(delta.dtype), math.hypot(*s[k + 1 :].tolist())
