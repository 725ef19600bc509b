"""The minimum of the finite losses, rank by rank."""

import math
from collections.abc import Mapping


def best_learning_rate(losses: Mapping[tuple[int, float], float]) -> dict[int, float]:
    ranks = sorted({key[0] for key, loss in losses.items() if math.isfinite(loss)})
    return {
        rank: min(v for (r, _), v in losses.items() if r == rank and math.isfinite(v))
        for rank in ranks
    }
