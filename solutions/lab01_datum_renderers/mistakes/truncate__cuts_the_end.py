"""You always cut the end, as the cookbook does. With a long question that cuts off the answer:
look for the stretch that teaches most."""

import math
from collections.abc import Sequence


def truncate(
    tokens: Sequence[int], weights: Sequence[float], max_length: int
) -> tuple[list[int], list[float]]:
    if len(tokens) != len(weights) or max_length < 2:
        raise ValueError("need a weight for each token and room for two")
    if not all(math.isfinite(w) and w >= 0 for w in weights):
        raise ValueError("weights must be finite and at least 0")
    if sum(weights[1:max_length]) == 0:
        raise ValueError("nothing to learn")
    best = 0
    stop = best + max_length
    return list(tokens[best:stop]), list(weights[best:stop])
