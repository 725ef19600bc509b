"""You fill the last batch with examples from the start: they are seen twice in one epoch."""

import random
from collections.abc import Sequence


def batches(data: Sequence, batch_size: int, seed: int, epoch: int) -> list[list]:
    if batch_size < 1:
        raise ValueError(f"batch_size is {batch_size}; it must be at least 1.")
    order = list(data)
    # A text seeds both numbers apart: seed + epoch would give seed 1 the order of epoch 1.
    random.Random(f"{seed}/{epoch}").shuffle(order)
    order += order[: -len(order) % batch_size]
    return [order[start : start + batch_size] for start in range(0, len(order), batch_size)]
