"""You leave numbers below the range as they are: limit them too."""


def clamp(x, low, high):
    if not low <= high:
        raise ValueError
    if x > high:
        x = high
    return x
