"""The same mistake, written differently."""

import math


def lr_schedule(step: int, total: int, base: float, kind: str, warmup: int) -> float:
    if step < 0 or step >= total or warmup < 0:
        raise ValueError("no such step")
    rise = 1
    if kind == "constant":
        return base * rise
    if kind == "linear":
        return base * rise * (total - step) / total
    if kind == "cosine":
        return base * rise * 0.5 * (1 + math.cos(step / total * math.pi))
    raise ValueError(kind)
