"""The mean of your answer is 1: you never use target."""


def scale(values, target):
    return values / values.mean()
