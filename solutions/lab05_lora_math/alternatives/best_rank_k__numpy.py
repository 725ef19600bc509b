"""numpy's SVD in float64 and the root of the dropped squares."""

import numpy as np
import torch


def best_rank_k(delta: torch.Tensor, k: int) -> tuple[torch.Tensor, float]:
    if delta.dim() != 2:
        raise ValueError(f"delta has {delta.dim()} dimensions, expected 2")
    matrix = delta.detach().to(torch.float64).cpu().numpy()
    if k < 0 or not np.isfinite(matrix).all():
        raise ValueError("k is negative, or delta is not finite")
    u, s, vh = np.linalg.svd(matrix, full_matrices=False)
    approx = u[:, :k] @ np.diag(s[:k]) @ vh[:k, :]
    error = float(np.sqrt(np.sum(np.square(s[k:]))))
    return torch.from_numpy(approx).to(delta.dtype), error
