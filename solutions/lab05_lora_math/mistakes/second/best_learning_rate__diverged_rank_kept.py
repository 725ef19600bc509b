"""min with a default of None for each rank that was swept."""

import math
from collections.abc import Mapping


def best_learning_rate(losses: Mapping[tuple[int, float], float]) -> dict[int, float]:
    table: dict[int, list[tuple[float, float]]] = {}
    for (rank, rate), loss in losses.items():
        runs = table.setdefault(rank, [])
        if math.isfinite(loss):
            runs.append((loss, rate))
    return {rank: min(runs, default=(0.0, None))[1] for rank, runs in sorted(table.items())}
