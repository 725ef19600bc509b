"""A function of the progress for each kind, chosen by name."""

import math
from collections.abc import Callable

DECAYS: dict[str, Callable[[float], float]] = {
    "constant": lambda progress: 1.0,
    "linear": lambda progress: 1.0 - progress,
    "cosine": lambda progress: 0.5 + 0.5 * math.cos(math.pi * progress),
}


def lr_schedule(step: int, total: int, base: float, kind: str, warmup: int) -> float:
    decay = DECAYS.get(kind)
    if decay is None or warmup < 0 or not (0 <= step <= total - 1):
        raise ValueError(f"step {step} of {total}, {kind}, warm-up {warmup}")
    rate = base * decay(step / total)
    if warmup > step:
        rate = rate * (step + 1) / warmup
    return rate
