"""You round up to whole months. The answer is the exact moment, so half a month is 0.5: leave the
quotient as it is."""

import math


def break_even(
    training_cost: float, api_price: float, own_price: float, monthly_tokens: float
) -> float:
    for value in (training_cost, api_price, own_price, monthly_tokens):
        if not math.isfinite(value) or value < 0:
            raise ValueError(f"expected a finite number of at least 0, got {value}")
    if training_cost == 0:
        return 0.0
    saving = (api_price - own_price) * monthly_tokens / 1e6
    if saving <= 0 or training_cost / saving == math.inf:
        return math.inf
    return float(math.ceil(training_cost / saving))
