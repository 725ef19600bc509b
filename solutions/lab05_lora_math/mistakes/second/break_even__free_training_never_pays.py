"""One conditional expression: the quotient where something is saved, infinity elsewhere."""

import math


def break_even(
    training_cost: float, api_price: float, own_price: float, monthly_tokens: float
) -> float:
    inputs = (training_cost, api_price, own_price, monthly_tokens)
    if not all(0 <= v < math.inf for v in inputs):
        raise ValueError("inputs must be finite and not negative")
    monthly_saving = (api_price - own_price) * monthly_tokens / 1_000_000
    return training_cost / monthly_saving if monthly_saving > 0 else math.inf
