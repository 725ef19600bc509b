"""On a tie you keep the run that comes first in the mapping. The smaller learning rate should win:
compare the learning rates too when the losses are equal."""

import math
from collections.abc import Mapping


def best_learning_rate(losses: Mapping[tuple[int, float], float]) -> dict[int, float]:
    best: dict[int, tuple[float, float]] = {}
    for (rank, learning_rate), loss in losses.items():
        if not math.isfinite(loss):
            continue
        if rank not in best or loss < best[rank][0]:
            best[rank] = (loss, learning_rate)
    return {rank: best[rank][1] for rank in sorted(best)}
