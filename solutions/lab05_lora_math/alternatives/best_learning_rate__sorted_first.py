"""Sorts all finished runs by rank, loss and learning rate and keeps the first of each rank."""

import math
from collections.abc import Mapping


def best_learning_rate(losses: Mapping[tuple[int, float], float]) -> dict[int, float]:
    finished = [
        (rank, loss, learning_rate)
        for (rank, learning_rate), loss in losses.items()
        if not (math.isnan(loss) or math.isinf(loss))
    ]
    best: dict[int, float] = {}
    for rank, _, learning_rate in sorted(finished):
        best.setdefault(rank, learning_rate)
    return best
