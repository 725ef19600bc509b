"""Takes differences of a running sum."""

from collections.abc import Sequence

import numpy as np


def truncate(
    tokens: Sequence[int], weights: Sequence[float], max_length: int
) -> tuple[list[int], list[float]]:
    mass = np.asarray(weights, dtype=np.float64)
    if mass.size != len(tokens) or max_length < 2:
        raise ValueError("lengths do not fit")
    if not np.isfinite(mass).all() or (mass < 0).any():
        raise ValueError("a weight is negative or not finite")
    if not mass[1:].any():
        raise ValueError("no token would be learnt")
    until = np.concatenate([[0.0], np.cumsum(mass)])
    starts = np.arange(max(1, mass.size - max_length + 1))
    stops = np.minimum(starts + max_length, mass.size)
    taught = until[stops] - until[starts + 1]
    first = int(np.argmax(taught))
    kept = slice(first, first + max_length)
    return list(tokens)[kept], list(weights)[kept]
