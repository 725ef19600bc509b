"""You multiply tokens by a price that is meant per million tokens, so the saving comes out a
million times too large. Bring both to the same unit."""

import math


def break_even(
    training_cost: float, api_price: float, own_price: float, monthly_tokens: float
) -> float:
    for value in (training_cost, api_price, own_price, monthly_tokens):
        if not math.isfinite(value) or value < 0:
            raise ValueError(f"expected a finite number of at least 0, got {value}")
    if training_cost == 0:
        return 0.0
    saving = (api_price - own_price) * monthly_tokens
    if saving <= 0:
        return math.inf
    return training_cost / saving
