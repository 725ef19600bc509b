"""Checks the range last."""


def clamp(x, low, high):
    limited = low if x < low else min(x, high)
    if low > high:
        raise ValueError("range")
    return limited
