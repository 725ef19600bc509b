"""You count the whole API bill as saved, but running your own model costs money too. What you save
is the difference of the two prices."""

import math


def break_even(
    training_cost: float, api_price: float, own_price: float, monthly_tokens: float
) -> float:
    for value in (training_cost, api_price, own_price, monthly_tokens):
        if not math.isfinite(value) or value < 0:
            raise ValueError(f"expected a finite number of at least 0, got {value}")
    if training_cost == 0:
        return 0.0
    if api_price <= own_price or monthly_tokens == 0:
        return math.inf
    api_bill = api_price * monthly_tokens / 1e6
    return training_cost / api_bill if api_bill > 0 else math.inf
