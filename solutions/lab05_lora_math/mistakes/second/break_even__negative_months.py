"""Only a division by zero is caught; a loss each month goes through."""

import math


def break_even(
    training_cost: float, api_price: float, own_price: float, monthly_tokens: float
) -> float:
    if min(training_cost, api_price, own_price, monthly_tokens) < 0:
        raise ValueError("negative input")
    if not all(map(math.isfinite, (training_cost, api_price, own_price, monthly_tokens))):
        raise ValueError("input is not finite")
    try:
        months = training_cost / ((api_price - own_price) * monthly_tokens / 1e6)
    except ZeroDivisionError:
        months = math.inf
    return months if training_cost else 0.0
