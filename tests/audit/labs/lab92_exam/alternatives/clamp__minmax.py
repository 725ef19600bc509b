"""Nested min and max."""


def clamp(x, low, high):
    if low > high:
        raise ValueError("range")
    return max(low, min(x, high))
