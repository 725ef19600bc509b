"""The optimizer's bytes come from a table; the dictionary is summed for the total."""

import math


def memory_estimate(
    frozen: int,
    trainable: int,
    *,
    frozen_bytes: float = 2.0,
    trainable_bytes: int = 2,
    activations: int = 0,
) -> dict[str, int]:
    state_bytes = {2: 4 + 4 + 4, 4: 4 + 4}
    if trainable_bytes not in state_bytes:
        raise ValueError(f"trainable_bytes is {trainable_bytes}")
    if not (math.isfinite(frozen_bytes) and frozen_bytes > 0):
        raise ValueError(f"frozen_bytes is {frozen_bytes}")
    for count in (frozen, trainable, activations):
        if count < 0:
            raise ValueError(f"a count is {count}")
    estimate: dict[str, int] = {}
    estimate["gradients"] = trainable * trainable_bytes
    estimate["weights"] = math.ceil(frozen_bytes * frozen) + estimate["gradients"]
    estimate["optimizer"] = trainable * state_bytes[trainable_bytes]
    estimate["activations"] = activations
    estimate["total"] = sum(estimate.values())
    return estimate
