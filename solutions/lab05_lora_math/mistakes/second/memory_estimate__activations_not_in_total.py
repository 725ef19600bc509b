"""The total is taken before the activations join the dictionary."""

import math


def memory_estimate(
    frozen: int,
    trainable: int,
    *,
    frozen_bytes: float = 2.0,
    trainable_bytes: int = 2,
    activations: int = 0,
) -> dict[str, int]:
    optimizer_bytes = {2: 12, 4: 8}
    if not 0 < frozen_bytes < math.inf or trainable_bytes not in optimizer_bytes:
        raise ValueError("bad number of bytes")
    if frozen < 0 or trainable < 0 or activations < 0:
        raise ValueError("negative count")
    needed = {
        "weights": math.ceil(frozen * frozen_bytes) + trainable * trainable_bytes,
        "gradients": trainable * trainable_bytes,
        "optimizer": trainable * optimizer_bytes[trainable_bytes],
    }
    total = sum(needed.values())
    return {**needed, "activations": activations, "total": total}
