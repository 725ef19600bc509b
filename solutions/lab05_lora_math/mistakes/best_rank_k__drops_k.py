"""You drop the k smallest singular values and keep the rest. k is the rank of the result, so it is
the number you keep."""

import torch


def best_rank_k(delta: torch.Tensor, k: int) -> tuple[torch.Tensor, float]:
    if k < 0 or delta.ndim != 2 or not torch.isfinite(delta).all():
        raise ValueError("k must be at least 0 and delta a finite matrix")
    left, values, right = torch.linalg.svd(delta.double(), full_matrices=False)
    keep = max(len(values) - k, 0)
    approx = (left[:, :keep] * values[:keep]) @ right[:keep]
    return approx.to(delta.dtype), float(values[keep:].square().sum().sqrt())
