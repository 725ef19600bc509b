"""Full SVD of the matrix turned tall; the tail of the singular values is set to zero."""

import torch


def best_rank_k(delta: torch.Tensor, k: int) -> tuple[torch.Tensor, float]:
    if delta.ndim != 2:
        raise ValueError("delta must be a matrix")
    if k < 0 or not torch.isfinite(delta).all():
        raise ValueError("k is negative, or delta is not finite")
    rows, columns = delta.shape
    tall = delta.detach().double() if rows >= columns else delta.detach().double().T
    u, s, vh = torch.linalg.svd(tall, full_matrices=True)
    keep = torch.arange(len(s)) < k
    approx = torch.einsum("ir,r,rj->ij", u[:, : len(s)], s * keep, vh[: len(s)])
    if rows < columns:
        approx = approx.T
    error = torch.linalg.norm(s[~keep]).item()
    return approx.contiguous().to(delta.dtype), error
