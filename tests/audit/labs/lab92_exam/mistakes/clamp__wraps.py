"""You wrap around at the ends: the contract wants the end itself."""


def clamp(x, low, high):
    if low > high:
        raise ValueError("range")
    return low + (x - low) % (high - low + 1)
