"""Groups the runs by rank as they come and takes the minimum of each group."""

import math
from collections.abc import Mapping


def best_learning_rate(losses: Mapping[tuple[int, float], float]) -> dict[int, float]:
    groups: dict[int, list[tuple[float, float]]] = {}
    for key in losses:
        if math.isfinite(losses[key]):
            groups.setdefault(key[0], []).append((losses[key], key[1]))
    return {rank: sorted(runs)[0][1] for rank, runs in groups.items()}
