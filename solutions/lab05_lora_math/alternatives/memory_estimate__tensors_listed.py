"""Lists what is kept for each trained parameter, item by item, and adds it up."""

import math

import numpy as np


def memory_estimate(
    frozen: int,
    trainable: int,
    *,
    frozen_bytes: float = 2.0,
    trainable_bytes: int = 2,
    activations: int = 0,
) -> dict[str, int]:
    if min(frozen, trainable, activations) < 0 or trainable_bytes not in {2, 4}:
        raise ValueError("a count is negative or trainable_bytes is neither 2 nor 4")
    if not 0 < frozen_bytes < math.inf:
        raise ValueError("frozen_bytes must be above 0")
    kept = [
        ("weights", trainable_bytes),
        ("gradients", trainable_bytes),
        ("optimizer", 4),
        ("optimizer", 4),
    ]
    if trainable_bytes < 4:
        kept.append(("optimizer", 4))
    sizes = {"weights": int(np.ceil(frozen * frozen_bytes)), "gradients": 0, "optimizer": 0}
    for part, width in kept:
        sizes[part] += width * trainable
    weights, gradients, optimizer = sizes.values()
    total = weights + gradients + optimizer + activations
    return {**sizes, "activations": activations, "total": total}
