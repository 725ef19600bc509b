"""One fraction with the million in the numerator; the cases are decided from the inside out."""

import math


def break_even(
    training_cost: float, api_price: float, own_price: float, monthly_tokens: float
) -> float:
    if not all(0 <= value < math.inf for value in (training_cost, api_price, own_price)):
        raise ValueError("cost and prices must be finite and at least 0")
    if not 0 <= monthly_tokens < math.inf:
        raise ValueError("monthly_tokens must be finite and at least 0")
    months = 0.0
    if training_cost > 0:
        saved_millionths = (api_price - own_price) * monthly_tokens
        if saved_millionths / 1e6 > 0:
            months = 1e6 * training_cost / saved_millionths
        else:
            months = math.inf
    return months
