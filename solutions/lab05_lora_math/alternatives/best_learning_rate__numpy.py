"""A grid of ranks and learning rates in numpy, infinity where nothing finished, and argmin."""

from collections.abc import Mapping

import numpy as np


def best_learning_rate(losses: Mapping[tuple[int, float], float]) -> dict[int, float]:
    ranks = sorted({rank for rank, _ in losses})
    rates = sorted({rate for _, rate in losses})
    grid = np.full((len(ranks), len(rates)), np.inf)
    for (rank, rate), loss in losses.items():
        if np.isfinite(loss):
            grid[ranks.index(rank), rates.index(rate)] = loss
    best: dict[int, float] = {}
    for rank, row in zip(ranks, grid, strict=True):
        if np.isfinite(row).any():
            best[rank] = rates[int(row.argmin())]
    return best
