"""Rounds the frozen weights down with math.floor."""

import math


def memory_estimate(
    frozen: int,
    trainable: int,
    *,
    frozen_bytes: float = 2.0,
    trainable_bytes: int = 2,
    activations: int = 0,
) -> dict[str, int]:
    if frozen < 0 or trainable < 0 or activations < 0 or not 0 < frozen_bytes < math.inf:
        raise ValueError("a size is out of range")
    if trainable_bytes == 2:
        optimizer = 12 * trainable
    elif trainable_bytes == 4:
        optimizer = 8 * trainable
    else:
        raise ValueError("trainable_bytes must be 2 or 4")
    gradients = trainable_bytes * trainable
    weights = gradients + math.floor(frozen_bytes * frozen)
    values = [weights, gradients, optimizer, activations]
    keys = ["weights", "gradients", "optimizer", "activations"]
    return dict(zip(keys, values, strict=True)) | {"total": sum(values)}
