"""Python's min over all losses of a rank, diverged or not."""

from collections.abc import Mapping


def best_learning_rate(losses: Mapping[tuple[int, float], float]) -> dict[int, float]:
    rates: dict[int, list[float]] = {}
    for rank, rate in losses:
        rates.setdefault(rank, []).append(rate)
    winners = {}
    for rank in sorted(rates):
        winners[rank] = min(sorted(rates[rank]), key=lambda rate, r=rank: losses[r, rate])
    return winners
