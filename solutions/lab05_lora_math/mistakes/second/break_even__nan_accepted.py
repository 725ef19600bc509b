"""Only the sign of the inputs is checked, in a loop."""

import math


def break_even(
    training_cost: float, api_price: float, own_price: float, monthly_tokens: float
) -> float:
    for name, value in {
        "training_cost": training_cost,
        "api_price": api_price,
        "own_price": own_price,
        "monthly_tokens": monthly_tokens,
    }.items():
        if value < 0:
            raise ValueError(f"{name} is {value}, expected at least 0")
    per_month = (api_price - own_price) * monthly_tokens / 1e6
    if training_cost != 0 and per_month <= 0:
        return math.inf
    return training_cost / per_month if training_cost != 0 else 0.0
