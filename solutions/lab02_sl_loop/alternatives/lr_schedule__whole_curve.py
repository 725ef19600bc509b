"""The rates of the whole run as a list, of which one is asked for."""

import math


def lr_schedule(step: int, total: int, base: float, kind: str, warmup: int) -> float:
    if warmup < 0:
        raise ValueError("a warm-up has no negative length")
    if step not in range(total):
        raise ValueError(f"no step {step} in {total}")
    shares = [place / total for place in range(total)]
    if kind == "cosine":
        curve = [math.cos(math.pi * share / 2) ** 2 for share in shares]
    elif kind == "linear":
        curve = [1 - share for share in shares]
    elif kind == "constant":
        curve = [1.0] * total
    else:
        raise ValueError(kind)
    for place in range(min(warmup, total)):
        curve[place] *= (place + 1) / warmup
    return base * curve[step]
