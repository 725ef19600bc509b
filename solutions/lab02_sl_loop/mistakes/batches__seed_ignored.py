"""You make an order that does not depend on the seed: two runs that should differ are the same."""

import random
from collections.abc import Sequence


def batches(data: Sequence, batch_size: int, seed: int, epoch: int) -> list[list]:
    if batch_size < 1:
        raise ValueError(f"batch_size is {batch_size}; it must be at least 1.")
    order = list(data)
    # A text seeds both numbers apart: seed + epoch would give seed 1 the order of epoch 1.
    random.Random(f"{epoch}").shuffle(order)
    return [order[start : start + batch_size] for start in range(0, len(order), batch_size)]
