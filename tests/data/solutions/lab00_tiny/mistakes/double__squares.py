"""You squared the number: twice three is six, not nine."""


def double(x):
    return x**2
