"""For b = 0 you let Python raise ZeroDivisionError; the contract asks for ValueError."""


def ratio(a, b):
    return a / b
