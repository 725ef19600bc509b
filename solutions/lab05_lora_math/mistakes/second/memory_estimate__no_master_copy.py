"""A fixed eight bytes of optimizer state for each trainable parameter, at either width."""

import math


def memory_estimate(
    frozen: int,
    trainable: int,
    *,
    frozen_bytes: float = 2.0,
    trainable_bytes: int = 2,
    activations: int = 0,
) -> dict[str, int]:
    for count in (frozen, trainable, activations):
        if count < 0:
            raise ValueError(f"negative count {count}")
    if not (math.isfinite(frozen_bytes) and frozen_bytes > 0):
        raise ValueError("frozen_bytes must be positive")
    if trainable_bytes != 2 and trainable_bytes != 4:
        raise ValueError("trainable_bytes must be 2 or 4")
    parts: dict[str, int] = {}
    parts["weights"] = trainable_bytes * trainable + math.ceil(frozen * frozen_bytes)
    parts["gradients"] = trainable_bytes * trainable
    parts["optimizer"] = 8 * trainable
    parts["activations"] = activations
    return parts | {"total": sum(parts.values())}
