"""You refuse negative inputs only; every comparison with NaN is false, so NaN passes, and so does
infinity. Test that each input is finite."""

import math


def break_even(
    training_cost: float, api_price: float, own_price: float, monthly_tokens: float
) -> float:
    if training_cost < 0 or api_price < 0 or own_price < 0 or monthly_tokens < 0:
        raise ValueError("inputs must not be negative")
    if training_cost == 0:
        return 0.0
    saving = (api_price - own_price) * monthly_tokens / 1e6
    if saving <= 0:
        return math.inf
    return training_cost / saving
