"""You leave numbers below the range as they are: limit them too."""


def clamp(x, low, high):
    if low > high:
        raise ValueError("range")
    return min(x, high)
