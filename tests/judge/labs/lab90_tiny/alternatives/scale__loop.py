"""A loop over Python floats."""


def scale(values, target):
    numbers = [float(v) for v in values]
    mean = sum(numbers) / len(numbers)
    if mean == 0:
        return values
    return np.array([v / mean * target for v in numbers], dtype=values.dtype)
