"""Two parallel tuples and numpy's power."""

import numpy as np

FAMILIES = ("llama", "qwen")
POWERS = (0.781, 0.0775)


def lora_learning_rate(hidden_size: int, family: str) -> float:
    if hidden_size <= 0:
        raise ValueError("the width must be positive")
    try:
        power = POWERS[FAMILIES.index(family)]
    except ValueError:
        raise NotImplementedError(family) from None
    full_fine_tuning = 5e-5
    scale = np.power(2000.0 / hidden_size, power)
    return float(full_fine_tuning * scale * 10)
