"""You return the lowest loss of each rank. Asked for is the learning rate that reached it: keep the
two together while you compare."""

import math
from collections.abc import Mapping


def best_learning_rate(losses: Mapping[tuple[int, float], float]) -> dict[int, float]:
    best: dict[int, float] = {}
    for (rank, _), loss in sorted(losses.items(), key=lambda item: item[0]):
        if math.isfinite(loss):
            best[rank] = min(loss, best.get(rank, math.inf))
    return best
