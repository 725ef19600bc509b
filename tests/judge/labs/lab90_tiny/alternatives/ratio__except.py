"""Lets Python find the zero and names it."""


def ratio(a, b):
    try:
        return a / b
    except ZeroDivisionError as error:
        raise ValueError("b must not be 0") from error
