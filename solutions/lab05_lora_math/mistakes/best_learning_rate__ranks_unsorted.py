"""Your ranks come out in the order of the mapping. A table of a sweep reads from the smallest rank
up: sort the ranks before you build the answer."""

import math
from collections.abc import Mapping


def best_learning_rate(losses: Mapping[tuple[int, float], float]) -> dict[int, float]:
    best: dict[int, tuple[float, float]] = {}
    for (rank, learning_rate), loss in losses.items():
        if not math.isfinite(loss):
            continue
        if rank not in best or (loss, learning_rate) < best[rank]:
            best[rank] = (loss, learning_rate)
    return {rank: learning_rate for rank, (_, learning_rate) in best.items()}
