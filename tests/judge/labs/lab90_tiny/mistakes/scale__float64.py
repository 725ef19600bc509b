"""Your answer is float64; the contract keeps the dtype of the input."""


def scale(values, target):
    mean = values.astype(np.float64).mean()
    return values / mean * target if mean else values
