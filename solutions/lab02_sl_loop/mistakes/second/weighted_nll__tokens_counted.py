"""The same mistake, written differently."""

import math
from collections.abc import Sequence

import numpy as np


def weighted_nll(
    logprobs: Sequence[Sequence[float]], weights: Sequence[Sequence[float]]
) -> tuple[float, float]:
    if len(logprobs) != len(weights):
        raise ValueError("not as many rows")
    pairs = []
    for row, row_weights in zip(logprobs, weights, strict=True):
        pairs += zip(row, row_weights, strict=True)
    kept = np.array([pair for pair in pairs if pair[1] > 0], dtype=np.float64).reshape(-1, 2)
    if np.isnan(kept).any():
        raise ValueError("a trained target is NaN")
    weight = len(kept)
    loss = float(-(kept[:, 0] * kept[:, 1]).sum())
    return loss, loss / weight if weight else math.nan
