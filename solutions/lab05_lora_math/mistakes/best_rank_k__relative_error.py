"""You divide the error by the norm of delta. Asked for is the absolute error, in the units of
delta: leave the norm out."""

import torch


def best_rank_k(delta: torch.Tensor, k: int) -> tuple[torch.Tensor, float]:
    if k < 0 or delta.ndim != 2 or not torch.isfinite(delta).all():
        raise ValueError("k must be at least 0 and delta a finite matrix")
    left, values, right = torch.linalg.svd(delta.double(), full_matrices=False)
    approx = (left[:, :k] * values[:k]) @ right[:k]
    size = float(values.square().sum().sqrt())
    error = float(values[k:].square().sum().sqrt())
    return approx.to(delta.dtype), error / size if size > 0 else 0.0
