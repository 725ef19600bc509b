"""The same mistake, written differently."""

import math


def lora_learning_rate(hidden_size: int, family: str) -> float:
    if family == "qwen":
        power = 0.7810
    elif family == "llama":
        power = 0.0775
    else:
        raise NotImplementedError(family)
    if hidden_size <= 0:
        raise ValueError("no width")
    return 5e-4 * math.exp(power * (math.log(2000) - math.log(hidden_size)))
