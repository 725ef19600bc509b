"""You reserve gradients for the frozen weights too. Autograd stores a gradient only for a parameter
that trains: count the trainable ones alone."""

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
    estimate = {
        "weights": math.ceil(frozen * frozen_bytes) + trainable * trainable_bytes,
        "gradients": (frozen + trainable) * trainable_bytes,
        "optimizer": trainable * (12 if trainable_bytes == 2 else 8),
        "activations": activations,
    }
    estimate["total"] = sum(estimate.values())
    return estimate
