"""A loop that divides by the sum."""


def scale(values, target):
    total = sum(float(v) for v in values)
    return np.array([float(v) * target / total if total else v for v in values], dtype=np.float32)
