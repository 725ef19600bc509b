"""You list a rank of which every run diverged, with None for its learning rate. It has no best run:
leave it out."""

import math
from collections.abc import Mapping


def best_learning_rate(losses: Mapping[tuple[int, float], float]) -> dict[int, float]:
    best = {}
    for rank in sorted({rank for rank, _ in losses}):
        best_loss, best_rate = math.inf, None
        for (other, learning_rate), loss in sorted(losses.items(), key=lambda item: item[0]):
            if other == rank and math.isfinite(loss) and loss < best_loss:
                best_loss, best_rate = loss, learning_rate
        best[rank] = best_rate
    return best
