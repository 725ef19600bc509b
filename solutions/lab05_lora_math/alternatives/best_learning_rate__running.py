"""One pass in the mapping's order with a running best and an explicit rule for ties."""

import math
from collections.abc import Mapping


def best_learning_rate(losses: Mapping[tuple[int, float], float]) -> dict[int, float]:
    best_rate: dict[int, float] = {}
    best_loss: dict[int, float] = {}
    for (rank, rate), loss in losses.items():
        if not math.isfinite(loss):
            continue
        better = rank not in best_loss or loss < best_loss[rank]
        tied = rank in best_loss and loss == best_loss[rank] and rate < best_rate[rank]
        if better or tied:
            best_loss[rank] = loss
            best_rate[rank] = rate
    return {rank: best_rate[rank] for rank in sorted(best_rate)}
