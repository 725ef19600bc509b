"""Own running costs only decide whether it pays, not how fast."""

import math


def break_even(
    training_cost: float, api_price: float, own_price: float, monthly_tokens: float
) -> float:
    if not all(math.isfinite(v) and v >= 0 for v in (training_cost, api_price, own_price)):
        raise ValueError("cost and prices must be finite and not negative")
    if not (math.isfinite(monthly_tokens) and monthly_tokens >= 0):
        raise ValueError("monthly_tokens must be finite and not negative")
    millions = monthly_tokens / 1e6
    worth_it = api_price > own_price and millions * api_price > 0
    if training_cost > 0 and not worth_it:
        return math.inf
    return training_cost / (millions * api_price) if training_cost > 0 else 0.0
