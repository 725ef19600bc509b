"""You let a diverged run win: nothing is smaller than NaN, so a NaN that comes first is never
beaten. Leave out losses that are not finite before you compare."""

from collections.abc import Mapping


def best_learning_rate(losses: Mapping[tuple[int, float], float]) -> dict[int, float]:
    best: dict[int, float] = {}
    for rank, learning_rate in sorted(losses):
        loss = losses[rank, learning_rate]
        if rank not in best or loss < losses[rank, best[rank]]:
            best[rank] = learning_rate
    return best
