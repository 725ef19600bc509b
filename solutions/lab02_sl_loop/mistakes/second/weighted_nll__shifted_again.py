"""The same mistake, written differently."""

import math
from collections.abc import Sequence

import numpy as np


def weighted_nll(
    logprobs: Sequence[Sequence[float]], weights: Sequence[Sequence[float]]
) -> tuple[float, float]:
    if len(logprobs) != len(weights):
        raise ValueError("not as many rows")
    loss = weight = 0.0
    for row, row_weights in zip(logprobs, weights, strict=True):
        if len(row) != len(row_weights):
            raise ValueError("not as many weights")
        log_p = np.array(row[:-1], dtype=np.float64)
        w = np.array(row_weights[1:], dtype=np.float64)
        if np.isnan(log_p[w > 0]).any():
            raise ValueError("a trained target is NaN")
        loss -= float((log_p[w > 0] * w[w > 0]).sum())
        weight += float(w.sum())
    return loss, loss / weight if weight else math.nan
