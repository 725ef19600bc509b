"""You report the largest dropped singular value, the error in the spectral norm. The Frobenius norm
takes in all dropped values."""

import torch


def best_rank_k(delta: torch.Tensor, k: int) -> tuple[torch.Tensor, float]:
    if k < 0 or delta.ndim != 2 or not torch.isfinite(delta).all():
        raise ValueError("k must be at least 0 and delta a finite matrix")
    left, values, right = torch.linalg.svd(delta.double(), full_matrices=False)
    approx = (left[:, :k] * values[:k]) @ right[:k]
    error = float(values[k]) if k < len(values) else 0.0
    return approx.to(delta.dtype), error
