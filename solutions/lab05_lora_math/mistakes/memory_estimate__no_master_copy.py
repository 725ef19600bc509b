"""You count AdamW's two moments and leave out the float32 master copy. Two-byte weights are too
coarse for small updates: add what their copy costs."""

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
    moments = 2 * 4 * trainable
    weights = math.ceil(frozen * frozen_bytes) + trainable * trainable_bytes
    gradients = trainable * trainable_bytes
    total = weights + gradients + moments + activations
    return {
        "weights": weights,
        "gradients": gradients,
        "optimizer": moments,
        "activations": activations,
        "total": total,
    }
