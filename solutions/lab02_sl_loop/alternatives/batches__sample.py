"""A sample as long as the data, then slices until nothing is left."""

import random
from collections.abc import Sequence


def batches(data: Sequence, batch_size: int, seed: int, epoch: int) -> list[list]:
    if not batch_size > 0:
        raise ValueError(f"batches of {batch_size}")
    generator = random.Random(1_000_003 * seed + epoch)
    left = generator.sample(list(data), k=len(data))
    found = []
    while left:
        found.append(left[:batch_size])
        del left[:batch_size]
    return found
