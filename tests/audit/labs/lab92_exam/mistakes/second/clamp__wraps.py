"""You wrap around at the ends: the contract wants the end itself."""


def clamp(x, low, high):
    if not low <= high:
        raise ValueError
    n = high - low + 1
    while x < low:
        x += n
    while x > high:
        x -= n
    return x
