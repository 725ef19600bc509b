"""You return the sum of the squared singular values, which is the squared error. Take its root to
get the Frobenius norm."""

import torch


def best_rank_k(delta: torch.Tensor, k: int) -> tuple[torch.Tensor, float]:
    if k < 0 or delta.ndim != 2 or not torch.isfinite(delta).all():
        raise ValueError("k must be at least 0 and delta a finite matrix")
    left, values, right = torch.linalg.svd(delta.double(), full_matrices=False)
    approx = (left[:, :k] * values[:k]) @ right[:k]
    return approx.to(delta.dtype), float((values[k:] ** 2).sum())
