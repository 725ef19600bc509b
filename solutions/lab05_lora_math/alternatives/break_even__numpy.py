"""Validates in numpy, divides under errstate whatever the saving is, and picks with np.where."""

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
        saving = (api - own) * tokens / 1e6
        return float(np.where(saving > 0, np.divide(cost, saving), np.inf))
