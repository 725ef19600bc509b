"""Moments, and the master copy where there is one, are reserved for frozen and trainable alike."""

import math


def memory_estimate(
    frozen: int,
    trainable: int,
    *,
    frozen_bytes: float = 2.0,
    trainable_bytes: int = 2,
    activations: int = 0,
) -> dict[str, int]:
    if trainable_bytes not in (2, 4) or not 0 < frozen_bytes < math.inf:
        raise ValueError("bad number of bytes")
    if any(n < 0 for n in (frozen, trainable, activations)):
        raise ValueError("negative count")
    state = 8
    if trainable_bytes == 2:
        state += 4
    gradients = trainable * trainable_bytes
    weights = gradients + math.ceil(frozen * frozen_bytes)
    optimizer = state * frozen + state * trainable
    return {
        "total": weights + gradients + optimizer + activations,
        "weights": weights,
        "gradients": gradients,
        "optimizer": optimizer,
        "activations": activations,
    }
