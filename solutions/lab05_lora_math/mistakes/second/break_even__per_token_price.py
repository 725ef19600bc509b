"""Cost per month with the service less cost per month on one's own, both without the million."""

import math


def break_even(
    training_cost: float, api_price: float, own_price: float, monthly_tokens: float
) -> float:
    inputs = [training_cost, api_price, own_price, monthly_tokens]
    if any(math.isnan(v) or math.isinf(v) or v < 0 for v in inputs):
        raise ValueError("inputs must be finite and not negative")
    if not training_cost > 0:
        return 0.0
    price_gap = api_price - own_price
    months = math.inf
    if price_gap * monthly_tokens > 0:
        months = training_cost / (price_gap * monthly_tokens)
    return months
