"""A stable sort by loss alone; the first entry of each rank is taken."""

import math
from collections.abc import Mapping


def best_learning_rate(losses: Mapping[tuple[int, float], float]) -> dict[int, float]:
    finished = [(key, loss) for key, loss in losses.items() if math.isfinite(loss)]
    finished.sort(key=lambda item: item[1])
    chosen: dict[int, float] = {}
    for (rank, rate), _ in finished:
        chosen.setdefault(rank, rate)
    return dict(sorted(chosen.items()))
