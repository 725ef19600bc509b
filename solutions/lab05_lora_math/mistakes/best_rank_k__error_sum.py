"""You add the dropped singular values as they are. The Frobenius norm squares them, adds, and takes
the root: do the same for your error."""

import torch


def best_rank_k(delta: torch.Tensor, k: int) -> tuple[torch.Tensor, float]:
    if k < 0 or delta.ndim != 2 or not torch.isfinite(delta).all():
        raise ValueError("k must be at least 0 and delta a finite matrix")
    left, values, right = torch.linalg.svd(delta.double(), full_matrices=False)
    approx = (left[:, :k] * values[:k]) @ right[:k]
    return approx.to(delta.dtype), float(values[k:].sum())
