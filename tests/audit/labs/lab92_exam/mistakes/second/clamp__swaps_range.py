"""You swap the ends of a wrong range: the contract wants a ValueError."""


def clamp(x, low, high):
    if low > high:
        low, high = high, low
    return min(max(x, low), high)
