"""Groups the finished runs by rank with groupby and takes the minimum of each group."""

import math
from collections.abc import Mapping
from itertools import groupby


def best_learning_rate(losses: Mapping[tuple[int, float], float]) -> dict[int, float]:
    keys = sorted(key for key in losses if abs(losses[key]) < math.inf)
    return {
        rank: min(group, key=lambda key: (losses[key], key[1]))[1]
        for rank, group in groupby(keys, key=lambda key: key[0])
    }
