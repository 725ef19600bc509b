"""Goes through float32 numpy arrays and back."""

import numpy as np
import torch


def _as_array(tensor):
    return tensor.detach().to(torch.float32).numpy()


def merge(
    weight: torch.Tensor, lora_A: torch.Tensor, lora_B: torch.Tensor, alpha: float
) -> torch.Tensor:
    w, a, b = (_as_array(tensor) for tensor in (weight, lora_A, lora_B))
    if not (w.ndim == a.ndim == b.ndim == 2 and a.size > 0):
        raise ValueError("expected matrices")
    if b.shape[1] != a.shape[0] or w.shape != (b.shape[0], a.shape[1]):
        raise ValueError("A, B and weight do not fit")
    merged = w + np.float32(alpha / a.shape[0]) * np.matmul(b, a)
    return torch.from_numpy(merged.astype(np.float32))


def unmerge(
    weight: torch.Tensor, lora_A: torch.Tensor, lora_B: torch.Tensor, alpha: float
) -> torch.Tensor:
    return merge(weight, lora_A, lora_B, -alpha)
