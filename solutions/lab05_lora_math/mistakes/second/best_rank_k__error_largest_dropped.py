"""Projects on the leading left vectors and reports the spectral norm of the dropped part."""

import torch


def best_rank_k(delta: torch.Tensor, k: int) -> tuple[torch.Tensor, float]:
    if delta.ndim != 2 or k < 0:
        raise ValueError("expected a matrix and a k of at least 0")
    if not bool(delta.isfinite().all()):
        raise ValueError("delta holds NaN or infinity")
    exact = delta.double()
    u, s, _ = torch.linalg.svd(exact, full_matrices=False)
    kept = u[:, :k]
    dropped = s[k:].tolist()
    return (kept @ (kept.T @ exact)).to(delta.dtype), max(dropped, default=0.0)
