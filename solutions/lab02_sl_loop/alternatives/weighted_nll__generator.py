"""One list of trained terms, summed exactly by fsum."""

import math
from collections.abc import Sequence


def weighted_nll(
    logprobs: Sequence[Sequence[float]], weights: Sequence[Sequence[float]]
) -> tuple[float, float]:
    if list(map(len, logprobs)) != list(map(len, weights)):
        raise ValueError("one weight for each log-probability")
    places = [
        (float(weights[i][j]), float(logprobs[i][j]))
        for i in range(len(weights))
        for j in range(len(weights[i]))
        if weights[i][j] > 0
    ]
    terms = [weight * logprob for weight, logprob in places]
    if any(term != term for term in terms):
        raise ValueError("a trained token's log-probability is not a number")
    counted = math.fsum(weight for weight, _ in places)
    total = 0.0 - math.fsum(terms)
    return total, (total / counted if counted > 0 else float("nan"))
