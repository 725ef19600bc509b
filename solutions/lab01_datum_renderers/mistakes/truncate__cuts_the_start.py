"""You always cut the start. When the answer stands there you throw it away: look for the stretch
that teaches most."""

import math
from collections.abc import Sequence


def truncate(
    tokens: Sequence[int], weights: Sequence[float], max_length: int
) -> tuple[list[int], list[float]]:
    if len(tokens) != len(weights) or max_length < 2:
        raise ValueError("need a weight for each token and room for two")
    if not all(math.isfinite(w) and w >= 0 for w in weights):
        raise ValueError("weights must be finite and at least 0")
    if sum(weights[-max_length:][1:]) == 0:
        raise ValueError("nothing to learn")
    best = max(0, len(tokens) - max_length)
    stop = best + max_length
    return list(tokens[best:stop]), list(weights[best:stop])
