"""Tries every start and keeps the first best one."""

import math
from collections.abc import Sequence


def truncate(
    tokens: Sequence[int], weights: Sequence[float], max_length: int
) -> tuple[list[int], list[float]]:
    if len(tokens) != len(weights) or max_length < 2:
        raise ValueError("need a weight for each token and room for two")
    if not all(math.isfinite(w) and w >= 0 for w in weights):
        raise ValueError("weights must be finite and at least 0")
    if sum(weights[1:]) == 0:
        raise ValueError("nothing to learn")
    best, most = 0, -1.0
    for start in range(max(0, len(tokens) - max_length) + 1):
        taught = sum(weights[start + 1 : start + max_length])
        if taught > most:
            best, most = start, taught
    stop = best + max_length
    return list(tokens[best:stop]), list(weights[best:stop])
