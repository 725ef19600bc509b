"""Your decay counts the step that is about to be taken as done. Step 0 has the whole rate: use
step / total."""

import math


def lr_schedule(step: int, total: int, base: float, kind: str, warmup: int) -> float:
    if not 0 <= step < total:
        raise ValueError(f"step {step} is not one of the {total} steps, counted from 0.")
    if warmup < 0:
        raise ValueError(f"warmup is {warmup}; it must be at least 0.")
    if kind not in KINDS:
        raise ValueError(f"kind is {kind!r}; it must be one of {KINDS}.")
    decay = {
        "constant": 1.0,
        "linear": 1 - (step + 1) / total,
        "cosine": (1 + math.cos(math.pi * (step + 1) / total)) / 2,
    }[kind]
    rise = (step + 1) / warmup if step < warmup else 1.0
    return base * decay * rise
