"""You give the optimizer the frozen parameters as well. AdamW keeps moments only for what it
updates: count the trainable parameters alone."""

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
    parameters = frozen + trainable
    estimate = {
        "weights": math.ceil(frozen * frozen_bytes) + trainable * trainable_bytes,
        "gradients": trainable * trainable_bytes,
        "optimizer": parameters * (12 if trainable_bytes == 2 else 8),
        "activations": activations,
    }
    estimate["total"] = sum(estimate.values())
    return estimate
