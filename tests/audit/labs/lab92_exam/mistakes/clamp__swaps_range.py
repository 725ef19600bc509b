"""You swap the ends of a wrong range: the contract wants a ValueError."""


def clamp(x, low, high):
    low, high = min(low, high), max(low, high)
    return max(low, min(x, high))
