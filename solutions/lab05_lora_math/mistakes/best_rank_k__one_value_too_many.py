"""You keep one singular value more than asked: your approximation has rank k + 1. The first k stand
at positions 0 to k - 1."""

import torch


def best_rank_k(delta: torch.Tensor, k: int) -> tuple[torch.Tensor, float]:
    if k < 0 or delta.ndim != 2 or not torch.isfinite(delta).all():
        raise ValueError("k must be at least 0 and delta a finite matrix")
    left, values, right = torch.linalg.svd(delta.double(), full_matrices=False)
    kept = values.clone()
    kept[k + 1 :] = 0
    error = (values - kept).square().sum().sqrt()
    return ((left * kept) @ right).to(delta.dtype), float(error)
