"""The root of the share of the energy that is dropped, in numpy."""

import numpy as np
import torch


def best_rank_k(delta: torch.Tensor, k: int) -> tuple[torch.Tensor, float]:
    if delta.dim() != 2:
        raise ValueError("delta is no matrix")
    if k < 0 or not bool(torch.isfinite(delta).all()):
        raise ValueError("negative k or a non-finite entry")
    u, s, vh = np.linalg.svd(delta.detach().double().numpy(), full_matrices=False)
    matrix = np.einsum("ir,r,rj->ij", u[:, :k], s[:k], vh[:k])
    energy = float(np.sum(s**2))
    share = float(np.sum(s[k:] ** 2)) / energy if energy > 0 else 0.0
    return torch.tensor(matrix, dtype=delta.dtype), share**0.5
