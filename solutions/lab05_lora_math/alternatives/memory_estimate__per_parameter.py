"""Counts bytes per trained parameter over all three parts for the total; rounds up with //."""

import math


def memory_estimate(
    frozen: int,
    trainable: int,
    *,
    frozen_bytes: float = 2.0,
    trainable_bytes: int = 2,
    activations: int = 0,
) -> dict[str, int]:
    if frozen < 0 or trainable < 0 or activations < 0:
        raise ValueError("counts must not be negative")
    if frozen_bytes <= 0 or math.isnan(frozen_bytes) or math.isinf(frozen_bytes):
        raise ValueError("frozen_bytes must be positive")
    if trainable_bytes == 2:
        optimizer_bytes = 12
    elif trainable_bytes == 4:
        optimizer_bytes = 8
    else:
        raise ValueError("trainable_bytes must be 2 or 4")
    base = int(-(-(frozen * frozen_bytes) // 1))
    return {
        "weights": base + trainable * trainable_bytes,
        "gradients": trainable * trainable_bytes,
        "optimizer": trainable * optimizer_bytes,
        "activations": activations,
        "total": base + activations + trainable * (2 * trainable_bytes + optimizer_bytes),
    }
