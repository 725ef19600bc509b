"""Rounds up with numpy."""

import math

import numpy as np


def break_even(
    training_cost: float, api_price: float, own_price: float, monthly_tokens: float
) -> float:
    inputs = np.array([training_cost, api_price, own_price, monthly_tokens], dtype=float)
    if not np.isfinite(inputs).all() or (inputs < 0).any():
        raise ValueError("inputs must be finite and not negative")
    saved = (api_price - own_price) * monthly_tokens / 1e6
    if training_cost <= 0:
        months = 0.0
    elif saved <= 0:
        months = math.inf
    else:
        months = float(np.ceil(training_cost / saved))
    return months
