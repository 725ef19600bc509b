"""Every parameter of the model, frozen or not, is given a gradient of trainable_bytes."""

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
        raise ValueError("negative count or no bytes")
    per_parameter = {2: 12, 4: 8}.get(trainable_bytes)
    if per_parameter is None:
        raise ValueError(f"trainable_bytes is {trainable_bytes}")
    trained = trainable * trainable_bytes
    weights = trained + math.ceil(frozen_bytes * frozen)
    gradients = trained + frozen * trainable_bytes
    optimizer = per_parameter * trainable
    return {
        "weights": weights,
        "gradients": gradients,
        "optimizer": optimizer,
        "activations": activations,
        "total": weights + gradients + optimizer + activations,
    }
