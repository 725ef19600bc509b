"""Copy, first and second moment are added one by one, four bytes each, with no look at the
width."""

import math


def memory_estimate(
    frozen: int,
    trainable: int,
    *,
    frozen_bytes: float = 2.0,
    trainable_bytes: int = 2,
    activations: int = 0,
) -> dict[str, int]:
    if any(count < 0 for count in (frozen, trainable, activations)):
        raise ValueError("negative count")
    if not (0 < frozen_bytes < math.inf and trainable_bytes in {2, 4}):
        raise ValueError("bad width")
    result = {"weights": math.ceil(frozen * frozen_bytes), "gradients": 0, "optimizer": 0}
    for key in ("weights", "gradients"):
        result[key] += trainable * trainable_bytes
    for _state in ("master", "first moment", "second moment"):
        result["optimizer"] += 4 * trainable
    result["activations"] = activations
    result["total"] = sum(result.values())
    return result
