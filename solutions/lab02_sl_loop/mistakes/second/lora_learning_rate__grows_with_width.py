"""The same mistake, written differently."""

import math


def lora_learning_rate(hidden_size: int, family: str) -> float:
    if family == "qwen":
        power = 0.0775
    elif family == "llama":
        power = 0.781
    else:
        raise NotImplementedError(family)
    if hidden_size <= 0:
        raise ValueError("no width")
    return 5e-4 * math.exp(power * (math.log(hidden_size) - math.log(2000)))
