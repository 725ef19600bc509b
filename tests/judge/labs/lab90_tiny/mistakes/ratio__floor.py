"""You use // where the exact quotient / is asked."""


def ratio(a, b):
    if b == 0:
        raise ValueError
    return a // b
