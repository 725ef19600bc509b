"""The middle of the three, sorted."""


def clamp(x, low, high):
    if low > high:
        raise ValueError("range")
    return sorted((low, x, high))[1]
