"""Your loss is negative: log-probabilities are at most 0, and the loss is minus their sum."""

import math
from collections.abc import Sequence


def weighted_nll(
    logprobs: Sequence[Sequence[float]], weights: Sequence[Sequence[float]]
) -> tuple[float, float]:
    if [len(row) for row in logprobs] != [len(row) for row in weights]:
        raise ValueError("logprobs and weights differ in shape; give a weight for each target.")
    total = trained = 0.0
    for row, row_weights in zip(logprobs, weights, strict=True):
        for logprob, weight in zip(row, row_weights, strict=True):
            # 0 * -inf is NaN: an untrained token must not be multiplied at all.
            if weight == 0:
                continue
            if math.isnan(logprob):
                raise ValueError("a trained target has log-probability NaN; look at the batch.")
            total += float(weight) * float(logprob)
            trained += float(weight)
    return total, total / trained if trained else math.nan
