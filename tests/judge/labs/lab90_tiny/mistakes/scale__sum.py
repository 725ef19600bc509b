"""You divide by the sum; the mean is the sum divided by how many there are."""


def scale(values, target):
    return (values / values.sum() * target).astype(values.dtype)
