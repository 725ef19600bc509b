"""Slides one window over the example and keeps a running sum."""

from collections.abc import Sequence
from fractions import Fraction
from math import inf


def truncate(
    tokens: Sequence[int], weights: Sequence[float], max_length: int
) -> tuple[list[int], list[float]]:
    n = len(tokens)
    if n != len(weights) or any(not (0 <= w < inf) for w in weights):
        raise ValueError("the weights do not fit the tokens, or are none")
    if max_length <= 1 or n <= 1 or max(weights[1:]) <= 0:
        raise ValueError("nothing to learn here")
    exact = [Fraction(w) for w in weights]
    taught = best = sum(exact[1:max_length])
    begin = 0
    for leaving in range(1, n - max_length + 1):
        taught = taught - exact[leaving] + exact[leaving + max_length - 1]
        if taught > best:
            best, begin = taught, leaving
    pairs = list(zip(tokens, weights, strict=True))[begin : begin + max_length]
    return [token for token, _ in pairs], [weight for _, weight in pairs]
