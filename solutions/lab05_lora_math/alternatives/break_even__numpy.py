"""Validates in numpy and divides under errstate, where a division by zero gives infinity."""

import numpy as np


def break_even(
    training_cost: float, api_price: float, own_price: float, monthly_tokens: float
) -> float:
    given = np.array([training_cost, api_price, own_price, monthly_tokens], dtype=np.float64)
    if np.any(~np.isfinite(given)) or np.any(given < 0):
        raise ValueError("inputs must be finite and at least 0")
    cost, api, own, tokens = given
    if cost == 0:
        return 0.0
    with np.errstate(all="ignore"):
        saving = max((api - own) * tokens / 1e6, 0.0)
        return float(np.divide(cost, saving))
