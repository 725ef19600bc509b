"""You cut off the fraction of a byte of the frozen weights. A part of a byte still takes a whole
one: round up."""

import math


def memory_estimate(
    frozen: int,
    trainable: int,
    *,
    frozen_bytes: float = 2.0,
    trainable_bytes: int = 2,
    activations: int = 0,
) -> dict[str, int]:
    if min(frozen, trainable, activations) < 0:
        raise ValueError("counts must not be negative")
    if trainable_bytes not in (2, 4) or not 0 < frozen_bytes < math.inf:
        raise ValueError("trainable_bytes must be 2 or 4, frozen_bytes positive")
    weights = int(frozen * frozen_bytes) + trainable * trainable_bytes
    gradients = trainable * trainable_bytes
    optimizer = trainable * (12 if trainable_bytes == 2 else 8)
    return {
        "weights": weights,
        "gradients": gradients,
        "optimizer": optimizer,
        "activations": activations,
        "total": weights + gradients + optimizer + activations,
    }
