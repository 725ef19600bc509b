"""Sorts the singular values upwards and sets the first k of them to zero."""

import numpy as np
import torch


def best_rank_k(delta: torch.Tensor, k: int) -> tuple[torch.Tensor, float]:
    if k < 0:
        raise ValueError("k is negative")
    if delta.ndim != 2 or torch.isnan(delta).any() or torch.isinf(delta).any():
        raise ValueError("delta must be a finite matrix")
    u, s, vh = np.linalg.svd(delta.detach().to(torch.float64).numpy(), full_matrices=False)
    smallest = np.argsort(s, kind="stable")[:k]
    error = float(np.linalg.norm(s[smallest]))
    s[smallest] = 0.0
    return torch.from_numpy(u @ (s[:, None] * vh)).to(delta.dtype), error
