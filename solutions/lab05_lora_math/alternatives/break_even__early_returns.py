"""Checks each input by name and leaves early: error, free, never, quotient."""

import math


def break_even(
    training_cost: float, api_price: float, own_price: float, monthly_tokens: float
) -> float:
    named = {
        "training_cost": training_cost,
        "api_price": api_price,
        "own_price": own_price,
        "monthly_tokens": monthly_tokens,
    }
    for name, value in named.items():
        if math.isnan(value) or math.isinf(value):
            raise ValueError(f"{name} is not finite")
        if value < 0:
            raise ValueError(f"{name} is negative")
    if not training_cost:
        return 0.0
    price_gap = api_price - own_price
    per_month = price_gap * monthly_tokens / 1_000_000
    if per_month > 0:
        return training_cost / per_month
    return math.inf
