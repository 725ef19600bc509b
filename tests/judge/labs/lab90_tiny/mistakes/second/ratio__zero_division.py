"""Through a reciprocal."""


def ratio(a, b):
    return a * (1.0 / b)
