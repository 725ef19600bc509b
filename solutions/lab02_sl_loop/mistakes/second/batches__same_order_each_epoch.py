"""The same mistake, written differently."""

from collections.abc import Sequence

import numpy as np


def batches(data: Sequence, batch_size: int, seed: int, epoch: int) -> list[list]:
    if batch_size <= 0:
        raise ValueError("no batch size")
    rng = np.random.default_rng([abs(seed)])
    found: list[list] = []
    for place, index in enumerate(rng.permutation(len(data))):
        if place % batch_size == 0:
            found.append([])
        found[-1].append(data[int(index)])
    return found
