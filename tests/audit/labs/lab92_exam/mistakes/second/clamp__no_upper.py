"""You leave numbers above the range as they are: limit them too."""


def clamp(x, low, high):
    if not low <= high:
        raise ValueError
    if x < low:
        x = low
    return x
