"""The nuclear norm of what is dropped, from numpy's SVD."""

import math

import numpy as np
import torch


def best_rank_k(delta: torch.Tensor, k: int) -> tuple[torch.Tensor, float]:
    if delta.dim() != 2:
        raise ValueError(f"delta has {delta.dim()} dimensions")
    matrix = delta.detach().double().numpy()
    if k < 0 or not np.all(np.isfinite(matrix)):
        raise ValueError("negative k or non-finite entries")
    u, s, vh = np.linalg.svd(matrix, full_matrices=False)
    rebuilt = u[:, :k] @ np.diag(s[:k]) @ vh[:k, :]
    return torch.from_numpy(rebuilt).to(delta.dtype), math.fsum(s[k:].tolist())
