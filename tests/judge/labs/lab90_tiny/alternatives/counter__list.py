"""Keeps every number and sums on demand."""


class Counter:
    def __init__(self, start):
        self.numbers = [start]

    @property
    def total(self):
        return sum(self.numbers)

    def add(self, n):
        self.numbers.append(n)
        return self.total
